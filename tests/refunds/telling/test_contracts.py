"""Contracts with carriers: sealed, kept in the trail by name, told to those who waited for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid, NotFound
from merchants import principals
from merchants.models import Merchant, MessageCarrier
from merchants.principals import Principal
from refunds.models import Notification
from refunds.telling import contracts, outbox
from refunds.telling.contracts import CarrierNotInstalled, Wanted
from refunds.telling.own_words import NotSent, TooManyTests
from refunds.telling.providers.contract import Provider, Template
from tests.factories import make_request, make_sale, make_staff
from tests.refunds.telling.providers.conftest import PHONE, TENCENT, Providers, providers

pytestmark = pytest.mark.django_db
__all__ = ["providers"]


def _save(by: Principal, **changed: str) -> MessageCarrier:
    wanted = Wanted(given={**TENCENT, **changed}, enabled=True, position=1)
    return contracts.set_contract(kind="tencent", wanted=wanted, by=by, at=timezone.now())


def test_contract_when_saved_is_sealed_and_a_secret_left_empty_stays(merchant: Merchant, owner: Principal) -> None:
    _save(owner)
    row = _save(owner, secret_key="", signature="云海")
    assert (row.settings["secret_key"], row.settings["signature"]) == (TENCENT["secret_key"], "云海")
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_settings FROM merchants_messagecarrier")
        assert TENCENT["secret_key"].encode() not in bytes(cursor.fetchone()[0])
    events = AuditEvent.objects.filter(action="message_carrier.save").order_by("pk")
    assert [event.data["changed"] for event in events][1] == ["signature"]
    assert TENCENT["secret_key"] not in str([event.data for event in events])


@pytest.mark.parametrize("missing", ["secret_id", "secret_key", "signature"])
def test_contract_when_incomplete_is_refused(owner: Principal, missing: str) -> None:
    with pytest.raises(Invalid):
        _save(owner, **{missing: " "})
    assert not MessageCarrier.objects.exists()


def test_contract_when_not_an_owners_or_managers_is_refused(merchant: Merchant) -> None:
    with pytest.raises(Forbidden):
        _save(principals.of_staff(make_staff(merchant, "finance")))
    assert not MessageCarrier.objects.exists()


def test_contract_when_the_sdk_is_missing_is_refused(owner: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Provider, "is_installed", False)
    with pytest.raises(CarrierNotInstalled):
        _save(owner)
    assert not MessageCarrier.objects.exists()


@pytest.mark.parametrize(
    ("event", "template", "error"),
    [
        ("refunded", Template("1", "{nobody}"), Invalid),
        ("refunded", Template("1", " "), Invalid),
        ("refunded", Template("1", "x" * 501), Invalid),
        ("submitted", Template("1", "x"), NotFound),
    ],
)
def test_template_when_it_cannot_be_sent_is_refused(
    owner: Principal, event: str, template: Template, error: type[Exception]
) -> None:
    _save(owner)
    with pytest.raises(error):
        contracts.set_template(
            kind="tencent", event=event, language="en", template=template, by=owner, at=timezone.now()
        )
    assert MessageCarrier.objects.get().templates == {}


def test_messages_that_waited_go_out_when_the_contract_is_put_right(
    merchant: Merchant, owner: Principal, providers: Providers
) -> None:
    _save(owner, secret_key="wrong")
    template = Template("T-1", "{amount}元，{url}")
    at = timezone.now()
    contracts.set_template(kind="tencent", event="in_review", language="zh-hans", template=template, by=owner, at=at)
    make_request(make_sale(merchant, 50_000), 26_800, phone=PHONE)
    outbox.work(at=timezone.now())
    row = Notification.objects.get()
    assert (row.state, row.last_error) == ("pending", "Tencent: AuthFailure.SignatureFailure")
    assert "AuthFailure" in MessageCarrier.objects.get().trouble
    _save(owner)
    outbox.work(at=timezone.now())
    row.refresh_from_db()
    assert (row.state, row.carrier, row.receipt) == ("sent", "tencent", "5000:1")
    assert MessageCarrier.objects.get().trouble == ""


def test_test_message_when_sent_is_in_the_trail_and_limited(owner: Principal, providers: Providers) -> None:
    _save(owner)
    at = timezone.now()
    for event in ("refunded", "code"):
        template = Template("T-1", "{merchant} {amount} {code}")
        contracts.set_template(kind="tencent", event=event, language="zh-hans", template=template, by=owner, at=at)

    def send(event: str = "refunded", recipient: str = PHONE) -> str:
        return contracts.send_test(
            kind="tencent", event=event, language="zh-hans", recipient=recipient, by=owner, at=timezone.now()
        )

    assert "268.00" in send()
    assert send("code").endswith("123456")
    providers.codes = {"SendSms": ["FailedOperation.InsufficientBalanceInSmsPackage"]}
    with pytest.raises(NotSent):
        send()
    assert "InsufficientBalance" in MessageCarrier.objects.get().trouble
    with pytest.raises(Invalid):
        send(recipient="12")
    tests = AuditEvent.objects.filter(action="message_carrier.test")
    assert (tests.count(), PHONE in str(list(tests.values_list("data")))) == (3, False)
    for _ in range(17):
        send()
    with pytest.raises(TooManyTests):
        send()
    assert len(providers.named("SendSms")) == 20


def test_order_when_unknown_is_refused(owner: Principal) -> None:
    at = timezone.now() + timedelta(seconds=1)
    with pytest.raises(Invalid):
        contracts.set_order(event="refunded", language="en", order="no", by=owner, at=at)
    with pytest.raises(NotFound):
        contracts.set_order(event="submitted", language="en", order="one", by=owner, at=at)
    assert contracts.orders_of(owner) == []
