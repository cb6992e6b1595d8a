"""Every provider against a stand-in that checks its signatures: what is sent, what may be tried again, what is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from refunds.telling.carriers import DeliveryFailed
from refunds.telling.providers.contract import Provider, Templates
from refunds.telling.providers.registry import PROVIDERS
from tests.refunds.telling.conftest import free_port
from tests.refunds.telling.providers.conftest import (
    ALIYUN,
    PHONE,
    TEMPLATES,
    TENCENT,
    TEXT,
    WECHAT,
    WECHAT_TEMPLATES,
    Providers,
)

_SETUPS: Mapping[str, tuple[Mapping[str, str], Templates, str, str]] = {
    "tencent": (TENCENT, TEMPLATES, PHONE, "SendSms"),
    "aliyun": (ALIYUN, TEMPLATES, PHONE, "SendSms"),
    "wechat": (WECHAT, WECHAT_TEMPLATES, "openid-1", "/cgi-bin/message/subscribe/send"),
}
_SMS = ("tencent", "aliyun")


def _carrier(kind: str, **changed: str) -> Any:
    contract, templates, _, _ = _SETUPS[kind]
    return PROVIDERS[kind].carrier({**contract, **changed}, templates)


def _fault(kind: str, **changed: str) -> str:
    with pytest.raises(DeliveryFailed) as failed:
        _carrier(kind, **changed).send(recipient=_SETUPS[kind][2], text=TEXT)
    for hidden in (PHONE, "openid-1", *(_SETUPS[kind][0][name] for name in PROVIDERS[kind].secrets), "token-"):
        assert hidden not in str(failed.value), "an error is logged and shown: it names nobody and no secret"
    assert failed.value.__cause__ is None, "an SDK's own words have the number"
    return "final" if failed.value.permanent else "setting" if failed.value.setting else "later"


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.kind)
def test_every_provider_says_which_fields_are_secret(provider: Provider) -> None:
    assert {*provider.secrets, *provider.optional} <= set(provider.fields)
    assert {*_SETUPS[provider.kind][0], *provider.optional} == set(provider.fields)
    assert provider.is_installed


def test_send_when_the_providers_take_it_sends_the_approved_template_and_its_values(providers: Providers) -> None:
    receipts = [_carrier(kind).send(recipient=_SETUPS[kind][2], text=TEXT) for kind in _SETUPS]
    assert receipts == ["5000:1", "9006^1", "accepted"]
    tencent, aliyun = providers.named("SendSms")
    assert (tencent["PhoneNumberSet"], tencent["SignName"], tencent["TemplateId"]) == (
        ["+8613800006021"],
        "鲜禾生活",
        "T-1",
    )
    assert tencent["TemplateParamSet"] == ["268.00", "RF-1"]
    assert (aliyun["PhoneNumbers"], aliyun["TemplateCode"]) == (PHONE, "T-1")
    assert json.loads(aliyun["TemplateParam"]) == {"amount": "268.00", "number": "RF-1"}
    (wechat,) = providers.named("/cgi-bin/message/subscribe/send")
    assert (wechat["touser"], wechat["page"]) == ("openid-1", "pages/refund?number=RF-1")
    assert wechat["data"] == {"amount1": {"value": "¥268.00"}, "thing2": {"value": "退款单RF-1"}}


@pytest.mark.parametrize(
    ("kind", "code", "fault"),
    [
        ("tencent", "FailedOperation.PhoneNumberInBlacklist", "final"),
        ("tencent", "InvalidParameterValue.IncorrectPhoneNumber", "final"),
        ("tencent", "LimitExceeded.PhoneNumberThirtySecondLimit", "later"),
        ("tencent", "InternalError", "later"),
        ("tencent", "FailedOperation.InsufficientBalanceInSmsPackage", "setting"),
        ("tencent", "FailedOperation.TemplateUnapprovedOrNotExist", "setting"),
        ("aliyun", "isv.MOBILE_NUMBER_ILLEGAL", "final"),
        ("aliyun", "isv.BUSINESS_LIMIT_CONTROL", "later"),
        ("aliyun", "isp.SYSTEM_ERROR", "later"),
        ("aliyun", "isv.AMOUNT_NOT_ENOUGH", "setting"),
        ("aliyun", "isv.SMS_SIGNATURE_ILLEGAL", "setting"),
        ("wechat", 43101, "final"),
        ("wechat", 47003, "setting"),
        ("wechat", 40037, "setting"),
        ("wechat", -1, "later"),
    ],
)
def test_send_when_refused_tells_final_from_settings_from_later(
    providers: Providers, kind: str, code: object, fault: str
) -> None:
    providers.codes = {_SETUPS[kind][3]: [code]}
    assert _fault(kind) == fault


@pytest.mark.parametrize(
    ("kind", "secret"), [("tencent", "secret_key"), ("aliyun", "access_key_secret"), ("wechat", "secret")]
)
def test_send_when_the_secret_is_wrong_is_for_the_merchant_to_mend(
    providers: Providers, kind: str, secret: str
) -> None:
    assert _fault(kind, **{secret: "another"}) == "setting"
    assert not providers.named(_SETUPS[kind][3])


@pytest.mark.parametrize("kind", _SETUPS)
def test_send_when_nobody_answers_is_tried_later(settings: Settings, providers: Providers, kind: str) -> None:
    settings.CARRIER_URLS = dict.fromkeys(_SETUPS, f"http://127.0.0.1:{free_port()}")
    assert _fault(kind) == "later"


@pytest.mark.parametrize("kind", _SETUPS)
def test_send_when_the_provider_has_no_such_template_is_a_setting(providers: Providers, kind: str) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        PROVIDERS[kind].carrier(_SETUPS[kind][0], {}).send(recipient="x", text=TEXT)
    assert failed.value.setting
    assert not providers.calls


@pytest.mark.parametrize(
    ("kind", "action", "report", "arrived"),
    [
        ("tencent", "PullSmsSendStatusByPhoneNumber", [], False),
        ("tencent", "PullSmsSendStatusByPhoneNumber", [("4:0", "FAIL", "other"), ("5000:1", "SUCCESS", "ok")], True),
        ("tencent", "PullSmsSendStatusByPhoneNumber", [("5000:1", "FAIL", "关机")], None),
        ("aliyun", "QuerySendDetails", [], False),
        ("aliyun", "QuerySendDetails", [(1, "")], False),
        ("aliyun", "QuerySendDetails", [(3, "DELIVERED")], True),
        ("aliyun", "QuerySendDetails", [(2, "MOBILE_NOT_ON_SERVICE")], None),
    ],
)
def test_receipt_when_asked_for_says_arrived_not_yet_or_never(
    providers: Providers, kind: str, action: str, report: object, arrived: bool | None
) -> None:
    providers.codes = {action: [report]}
    carrier = _carrier(kind)
    receipt = {"tencent": "5000:1", "aliyun": "9006^1"}[kind]
    if arrived is None:
        with pytest.raises(DeliveryFailed) as failed:
            carrier.has_arrived(recipient=PHONE, receipt=receipt, sent_at=timezone.now())
        assert failed.value.permanent
    else:
        assert carrier.has_arrived(recipient=PHONE, receipt=receipt, sent_at=timezone.now()) is arrived


# --- WeChat's token ---


def test_token_is_fetched_once_and_renewed_once_when_it_is_refused(providers: Providers) -> None:
    carrier = _carrier("wechat")
    for _ in range(2):
        carrier.send(recipient="openid-1", text=TEXT)
    assert [call["force_refresh"] for call in providers.named("/cgi-bin/stable_token")] == [False]
    # Somebody else had it renewed: ours is refused.
    providers.tokens.append("theirs")
    carrier.send(recipient="openid-1", text=TEXT)
    assert [call["force_refresh"] for call in providers.named("/cgi-bin/stable_token")] == [False, True]
    providers.codes = {_SETUPS["wechat"][3]: [42001, 42001]}
    assert _fault("wechat") == "later"
    assert len(providers.named("/cgi-bin/stable_token")) == 3, "once, and not for ever"
