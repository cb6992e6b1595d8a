"""By whom a message goes: contracts, turns, pauses, and from one medium to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from merchants import principals
from merchants.models import Merchant, MessageCarrier, MessageOrder
from refunds.models import Notification, RefundRequest, WeChatConsent
from refunds.payouts import ways_back
from refunds.telling import carrying, outbox
from refunds.telling.carriers import DeliveryFailed, Text
from tests.factories import make_request, make_sale

pytestmark = pytest.mark.django_db
OUTAGE, SETTING = DeliveryFailed("HTTP 503"), DeliveryFailed("47003", setting=True)
FINAL = DeliveryFailed("43101", permanent=True)


@dataclass
class Provider:
    """A carrier of each kind: what it was given, how it fails, what becomes of what it took."""

    failures: dict[str, DeliveryFailed] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    arrived: bool | DeliveryFailed = False

    def of(self, kind: str) -> object:
        provider = self

        class Carrier:
            def send(self, *, recipient: str, text: Text) -> str:
                if kind in provider.failures:
                    raise provider.failures[kind]
                provider.sent.append((kind, recipient))
                return "5000:1"

        class WithReceipts(Carrier):
            def has_arrived(self, *, recipient: str, receipt: str, sent_at: datetime) -> bool:
                if isinstance(provider.arrived, DeliveryFailed):
                    raise provider.arrived
                return provider.arrived

        return WithReceipts() if kind in ("tencent", "aliyun") else Carrier()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = Provider()
    monkeypatch.setattr(carrying, "made", lambda row: made.of(row.kind))
    monkeypatch.setattr(carrying, "carrier_for", made.of)
    return made


def contract(merchant: Merchant, kind: str, *, position: int = 1) -> MessageCarrier:
    templates = {f"{event}/zh-hans": {"id": "1", "text": "{amount}元 {url}"} for event in ("in_review", "cancelled")}
    return MessageCarrier.objects.create(merchant=merchant, kind=kind, position=position, templates=templates)


def waiting(
    merchant: Merchant, *, consents: bool = False, phone: str = "13800006021", email: str = ""
) -> RefundRequest:
    request = make_request(make_sale(merchant, 50_000), 26_800, phone=phone, email=email)
    if consents:
        WeChatConsent.objects.create(
            merchant=merchant, request=request, openid="o-12345678", events=["in_review"], given_at=timezone.now()
        )
    return request


def now() -> datetime:
    return timezone.now() + timedelta(seconds=1)


def told(request: RefundRequest) -> list[tuple[str, str]]:
    rows = Notification.objects.filter(request=request).order_by("pk")
    return list(rows.values_list("medium", "state"))


def test_customer_who_agreed_is_told_in_wechat_alone_and_once(merchant: Merchant, provider: Provider) -> None:
    for kind in ("wechat", "tencent"):
        contract(merchant, kind)
    request = waiting(merchant, consents=True)
    outbox.work(at=now())
    assert (told(request), provider.sent) == ([("wechat", "sent")], [("wechat", "o-12345678")])
    assert WeChatConsent.objects.get().events == [], "one message for each consent"
    row = Notification.objects.get(request=request)
    assert (row.carrier, row.masked_recipient) == ("wechat", "WeChat ****5678")
    assert row.text.startswith("268.00元 http")
    assert row.text.endswith("/r/…"), "the link is a key: it is not in the log"


@pytest.mark.parametrize("fault", [FINAL, SETTING], ids=["refused", "template"])
def test_customer_whose_wechat_takes_nothing_gets_an_sms(
    merchant: Merchant, provider: Provider, fault: DeliveryFailed
) -> None:
    wechat, _ = contract(merchant, "wechat"), contract(merchant, "tencent")
    provider.failures = {"wechat": fault}
    request = waiting(merchant, consents=True)
    outbox.work(at=now())
    outbox.work(at=now())
    assert (told(request), provider.sent) == (
        [("wechat", "replaced"), ("sms", "sent")],
        [("tencent", "13800006021")],
    )
    wechat.refresh_from_db()
    # A customer's refusal is theirs, a template's fault the merchant's.
    assert wechat.trouble == ("47003" if fault is SETTING else "")
    assert (WeChatConsent.objects.get().refused_at is None) is (fault is SETTING)


def test_sms_when_one_provider_fails_is_the_next_ones_turn(merchant: Merchant, provider: Provider) -> None:
    contract(merchant, "tencent"), contract(merchant, "aliyun", position=2)
    provider.failures = {"tencent": OUTAGE}
    request, at = waiting(merchant), now()
    outbox.work(at=at)
    assert (told(request), provider.sent) == ([("sms", "pending")], [])
    outbox.work(at=at + timedelta(seconds=11))
    assert provider.sent == [("aliyun", "13800006021")]
    assert Notification.objects.get(request=request).carrier == "aliyun"


def test_dead_provider_is_paused_and_delays_messages_without_ending_them(
    merchant: Merchant, provider: Provider
) -> None:
    row = contract(merchant, "tencent")
    provider.failures = {"tencent": OUTAGE}
    requests, at = [waiting(merchant, phone=f"1380000602{n}") for n in range(4)], now()
    outbox.work(at=at)
    row.refresh_from_db()
    assert (row.failures, row.failing_since, row.paused_until) == (4, at, at + timedelta(seconds=60))
    # A day of it: a probe now and then, not everybody's message, and nobody's is given up.
    for hour in range(1, 25):
        outbox.work(at=at + timedelta(hours=hour, seconds=1))
    row.refresh_from_db()
    assert 4 + 12 <= row.failures <= 4 + 24
    states = {state for request in requests for _, state in told(request)}
    assert states == {"pending"}
    assert {RefundRequest.objects.get(pk=request.pk).state for request in requests} == {"in_review"}
    provider.failures = {}
    for minutes in range(0, 180, 15):
        outbox.work(at=at + timedelta(hours=25, minutes=minutes))
    assert {state for request in requests for _, state in told(request)} == {"sent"}
    row.refresh_from_db()
    assert (row.failures, row.paused_until, row.trouble) == (0, None, "")


def test_messages_that_can_go_another_way_do_not_wait_for_a_paused_provider(
    merchant: Merchant, provider: Provider
) -> None:
    row = contract(merchant, "tencent")
    MessageCarrier.objects.filter(pk=row.pk).update(failures=3, paused_until=now() + timedelta(hours=1))
    MessageOrder.objects.create(merchant=merchant, event="in_review", language="zh-hans", order="sms_first")
    request = waiting(merchant, email="wang@example.com")
    outbox.work(at=now())
    outbox.work(at=now())
    assert (told(request), provider.sent) == (
        [("sms", "replaced"), ("email", "sent")],
        [("email", "wang@example.com")],
    )


@pytest.mark.parametrize(
    ("order", "media"),
    [("usual", {"sms", "email"}), ("one", {"sms"}), ("mail_first", {"email"}), ("sms_first", {"sms"})],
)
def test_order_of_an_event_says_by_which_media_customers_are_told(
    merchant: Merchant, provider: Provider, order: str, media: set[str]
) -> None:
    MessageOrder.objects.create(merchant=merchant, event="in_review", language="zh-hans", order=order)
    request = waiting(merchant, email="wang@example.com")
    outbox.work(at=now())
    assert {medium for medium, _ in told(request)} == media


def test_event_without_an_approved_text_goes_by_the_installations_sms_and_not_by_wechat(
    merchant: Merchant, provider: Provider
) -> None:
    for kind in ("tencent", "wechat"):
        MessageCarrier.objects.create(merchant=merchant, kind=kind, templates={})
    request = waiting(merchant, email="wang@example.com")
    WeChatConsent.objects.create(
        merchant=merchant, request=request, openid="o", events=["in_review"], given_at=timezone.now()
    )
    outbox.work(at=now())
    assert sorted(told(request)) == [("email", "sent"), ("sms", "sent")]
    assert not Notification.objects.filter(request=request).exclude(carrier="").exists()


@pytest.mark.parametrize(
    ("arrived", "state", "delivered"),
    [(True, "sent", True), (False, "sent", False), (DeliveryFailed("off", permanent=True), "dead", False)],
)
def test_receipt_is_asked_for_until_it_is_known(
    merchant: Merchant, provider: Provider, arrived: bool | DeliveryFailed, state: str, delivered: bool
) -> None:
    contract(merchant, "tencent")
    request, at = waiting(merchant), now()
    outbox.work(at=at)
    provider.arrived = arrived
    outbox.work(at=at + timedelta(seconds=59))
    row = Notification.objects.get(request=request)
    assert (row.delivered_at, row.receipt_due_at) == (None, at + timedelta(minutes=1))
    outbox.work(at=at + timedelta(seconds=61))
    row.refresh_from_db()
    assert (row.state, row.delivered_at is not None) == (state, delivered)
    assert row.receipt_due_at == (at + timedelta(minutes=10) if arrived is False else None)


def test_later_event_waits_for_the_earlier_one_a_while(merchant: Merchant, provider: Provider) -> None:
    contract(merchant, "tencent")
    provider.failures = {"tencent": OUTAGE}
    request, at = waiting(merchant), now()
    outbox.work(at=at)
    ways_back.cancel(request_id=request.pk, by=principals.SYSTEM, at=timezone.now())
    provider.failures = {}
    outbox.work(at=at + timedelta(seconds=5))
    assert [state for _, state in told(request)] == ["pending", "pending"], (
        "not the withdrawal before what was withdrawn"
    )
    outbox.work(at=at + timedelta(seconds=11))
    assert [state for _, state in told(request)] == ["sent", "sent"]


def test_choose_when_no_contract_has_the_text_takes_the_installations_carrier(merchant: Merchant) -> None:
    contract(merchant, "tencent")
    own = carrying.contracts({merchant.pk})[merchant.pk]
    for medium in ("email", "sms"):
        text = Text("", "x", key="refunded/nobody")
        assert carrying.choose(own, medium=medium, text=text, at=now()).contract is None
    with pytest.raises(DeliveryFailed, match="no template"):
        carrying.choose(own, medium="wechat", text=text, at=now())
