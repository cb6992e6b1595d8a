"""Every provider against a stand-in that checks its signatures: what is sent, what may be tried again, what is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
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


def carrier_of(kind: str, **changed: str) -> Any:
    contract, templates, _, _ = _SETUPS[kind]
    return PROVIDERS[kind].carrier({**contract, **changed}, templates)


def fault_of(kind: str, **changed: str) -> str:
    with pytest.raises(DeliveryFailed) as failed:
        carrier_of(kind, **changed).send(recipient=_SETUPS[kind][2], text=TEXT)
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
    receipts = [carrier_of(kind).send(recipient=_SETUPS[kind][2], text=TEXT) for kind in _SETUPS]
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
    ("kind", "secret"), [("tencent", "secret_key"), ("aliyun", "access_key_secret"), ("wechat", "secret")]
)
def test_send_when_the_secret_is_wrong_is_for_the_merchant_to_mend(
    providers: Providers, kind: str, secret: str
) -> None:
    assert fault_of(kind, **{secret: "another"}) == "setting"
    assert not providers.named(_SETUPS[kind][3])


@pytest.mark.parametrize("kind", _SETUPS)
def test_send_when_nobody_answers_is_tried_later(settings: Settings, providers: Providers, kind: str) -> None:
    settings.CARRIER_URLS = dict.fromkeys(_SETUPS, f"http://127.0.0.1:{free_port()}")
    assert fault_of(kind) == "later"


@pytest.mark.parametrize("kind", _SETUPS)
def test_send_when_the_provider_has_no_such_template_is_a_setting(providers: Providers, kind: str) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        PROVIDERS[kind].carrier(_SETUPS[kind][0], {}).send(recipient="x", text=TEXT)
    assert failed.value.setting
    assert not providers.calls
