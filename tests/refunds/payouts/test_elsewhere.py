"""A refund made in the channel's portal: its notice asks the channel about the sale at once, and what is under way is held."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from core.audit.models import AuditEvent
from merchants.models import ChannelAccount
from merchants.principals import of_staff
from payment_channels.contract import Unknown
from reconciliation import portal
from refunds import payouts
from refunds.models import ChannelNotice, Execution, RefundRequest
from refunds.payouts import elsewhere, notices, trade_queries
from refunds.payouts.loop import drain
from refunds.telling import payout_words
from refunds.telling.stands import Stand
from simulators.kit.testing import RunningSimulator, running_simulator
from terminals.models import Transaction
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.api_urls")]


@pytest.fixture(scope="module")
def alipay_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("alipay", tmp_path_factory.mktemp("alipay"), settle_ms=20, notify_scale=0.01) as simulator:
        yield simulator


@pytest.fixture(params=["wechat", "alipay"])
def simulator(request: pytest.FixtureRequest) -> Iterator[RunningSimulator]:
    found: RunningSimulator = request.getfixturevalue("wechat" if request.param == "wechat" else "alipay_process")
    found.control("POST", "/reset", {})
    yield found
    # What its portal refunded is no payout of ours, unless it went on here.
    if not Execution.objects.filter(refund_no__startswith="PORTAL", state="succeeded").exists():
        found.control("POST", "/reset", {})


@pytest.fixture
def account(
    simulator: RunningSimulator, request: pytest.FixtureRequest, live_server: LiveServer, settings: Settings
) -> ChannelAccount:
    settings.BASE_URL = live_server.url
    if request.node.callspec.params["simulator"] == "wechat":
        return make_account(make_merchant(), simulator.account, timeout_s=2)
    account = make_account(make_merchant(), timeout_s=2)
    told = simulator.account
    account.channel, account.base_url = "alipay", told["base_url"]
    account.set_credentials(
        {
            "app_id": told["app_id"],
            "app_private_key": Path(told["app_private_key_path"]).read_text(),
            "alipay_public_key": Path(told["alipay_public_key_path"]).read_text(),
        }
    )
    account.save()
    return account


@pytest.fixture
def sale(simulator: RunningSimulator, account: ChannelAccount) -> Transaction:
    sale = make_sale(account.merchant, 10_000, channel_account=account, channel=account.channel)
    payment = {
        "order_no": sale.order_no,
        "transaction_no": sale.channel_transaction_no,
        "amount_fen": sale.amount_fen,
        "paid_at": sale.paid_at.isoformat(),
    }
    simulator.control("POST", "/payments", payment)
    return sale


def _refund_in_portal(
    simulator: RunningSimulator, sale: Transaction, number: str, amount_fen: int, *, outcome: str = "SUCCESS"
) -> None:
    account = sale.channel_account
    assert account is not None
    address = f"{settings.BASE_URL}/channels/{sale.channel}/{account.code}/notices"
    refund = {"order_no": sale.order_no, "refund_no": number, "amount_fen": amount_fen, "notify_url": address}
    refund["outcome"] = outcome
    before = ChannelNotice.objects.count()
    simulator.control("POST", "/refunds", refund)
    until = time.monotonic() + 60
    while ChannelNotice.objects.count() == before:
        assert time.monotonic() < until
        time.sleep(0.03)
    notices.apply_waiting(at=timezone.now())


def test_refund_made_in_the_portal_is_known_at_once_and_can_be_adopted_by_one_press(
    simulator: RunningSimulator, sale: Transaction
) -> None:
    _refund_in_portal(simulator, sale, "PORTAL1", 3_000)
    assert ChannelNotice.objects.get().effect == "ask_trade"

    assert elsewhere.ask_waiting(at=timezone.now()) == 1

    sale.refresh_from_db()
    assert (sale.payment_word, sale.payment_word_amounts["refunded_fen"]) == ("partly_refunded", 3_000)
    assert (ChannelNotice.objects.get().effect, sale.held_at) == ("trade_asked", None)
    assert AuditEvent.objects.filter(action="transaction.ask_channel", object_id=str(sale.pk)).count() == 1
    assert elsewhere.ask_waiting(at=timezone.now() + timedelta(hours=1)) == 0

    finance = of_staff(make_staff(sale.merchant, "finance"))
    adopted = portal.adopt_of_sale(transaction_id=sale.pk, by=finance, at=timezone.now())

    sale.refresh_from_db()
    assert (adopted.refunded_fen, sale.refunded_fen, sale.payment_word) == (3_000, 3_000, "paid")
    with pytest.raises(portal.NothingToAdopt):
        portal.adopt_of_sale(transaction_id=sale.pk, by=finance, at=timezone.now())


def test_refund_under_way_of_a_sale_that_was_refunded_in_the_portal_is_held(
    simulator: RunningSimulator, sale: Transaction
) -> None:
    request = make_request(sale, 6_000)

    _refund_in_portal(simulator, sale, "PORTAL1", 3_000)
    elsewhere.ask_waiting(at=timezone.now())

    sale.refresh_from_db()
    assert sale.held_at is not None
    assert payouts.claim(limit=10, at=timezone.now()) == []
    assert RefundRequest.objects.get(pk=request.pk).state == "approved"
    (held,) = AuditEvent.objects.filter(action="transaction.hold", object_id=str(sale.pk))
    assert held.data["refund_no"] == "PORTAL1"


def test_refund_made_in_the_portal_of_an_account_that_is_no_longer_in_use_is_known_at_once(
    simulator: RunningSimulator, sale: Transaction
) -> None:
    ChannelAccount.objects.filter(merchant=sale.merchant).update(is_active=False, used_until=timezone.now())

    _refund_in_portal(simulator, sale, "PORTAL1", 10_000)
    elsewhere.ask_waiting(at=timezone.now())

    sale.refresh_from_db()
    assert sale.payment_word == "refunded"


def test_channel_that_gives_no_answer_is_asked_less_and_less_and_after_a_day_no_more(
    simulator: RunningSimulator, sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refund_in_portal(simulator, sale, "PORTAL1", 3_000)
    silent = Unknown(code="timeout", message="no answer")
    monkeypatch.setattr(trade_queries, "ask_trade", lambda **_: silent)
    at = timezone.now()

    asked = [
        elsewhere.ask_waiting(at=at + timedelta(seconds=seconds)) for seconds in (0, 3, 10, 600, 700, 86_500, 90_000)
    ]

    assert asked == [1, 0, 1, 1, 0, 1, 0]
    sale.refresh_from_db()
    assert (ChannelNotice.objects.get().effect, sale.payment_word) == ("unknown_number", "")


def test_notice_of_a_sale_that_is_not_ours_asks_nobody(simulator: RunningSimulator, sale: Transaction) -> None:
    Transaction.objects.filter(pk=sale.pk).update(channel_transaction_no="ANOTHER")

    _refund_in_portal(simulator, sale, "PORTAL1", 3_000)

    assert ChannelNotice.objects.get().effect == "unknown_number"
    assert elsewhere.ask_waiting(at=timezone.now()) == 0


def _browser(sale: Transaction) -> Client:
    """Somebody's of finance, another one each time."""
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(make_staff(sale.merchant, "finance"), backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.mark.urls("config.urls")
@pytest.mark.parametrize("simulator", ["wechat"], indirect=True)
def test_refund_of_the_portal_that_cannot_be_delivered_is_adopted_beside_what_was(
    simulator: RunningSimulator, sale: Transaction
) -> None:
    _refund_in_portal(simulator, sale, "PORTAL1", 3_000)
    _refund_in_portal(simulator, sale, "PORTAL2", 2_000, outcome="ABNORMAL")
    elsewhere.ask_waiting(at=timezone.now())
    sale.refresh_from_db()
    assert (sale.payment_word, sale.payment_word_amounts["refunded_fen"]) == ("partly_refunded", 5_000)

    answer = _browser(sale).post(f"/desk/transactions/{sale.pk}/adopt", follow=True)

    assert answer.status_code == 200
    stuck = Execution.objects.get(refund_no="PORTAL2").request
    paid = RefundRequest.objects.exclude(pk=stuck.pk).get()
    assert (paid.state, paid.refunded_fen, stuck.state, stuck.amount_fen) == ("refunded", 3_000, "executing", 2_000)
    sale.refresh_from_db()
    assert (sale.refunded_fen, sale.refundable_fen, sale.payment_word) == (3_000, 5_000, "paid")
    with pytest.raises(portal.NothingToAdopt):
        portal.adopt_of_sale(
            transaction_id=sale.pk, by=of_staff(make_staff(sale.merchant, "finance")), at=timezone.now()
        )


@pytest.mark.urls("config.urls")
@pytest.mark.parametrize("simulator", ["wechat"], indirect=True)
def test_refund_of_the_portal_that_cannot_be_delivered_is_shown_told_and_sent_to_another_account(
    simulator: RunningSimulator, sale: Transaction
) -> None:
    _refund_in_portal(simulator, sale, "PORTAL2", 2_000, outcome="ABNORMAL")
    elsewhere.ask_waiting(at=timezone.now())
    adopter = _browser(sale)
    said = adopter.post(f"/desk/transactions/{sale.pk}/adopt", follow=True).content.decode()
    assert "The channel could not deliver it" in html.unescape(said)
    stuck = Execution.objects.get(refund_no="PORTAL2").request
    told = payout_words.story(stuck, now=timezone.now())
    assert told.stand is Stand.STUCK
    page = html.unescape(adopter.get(f"/desk/refunds/{stuck.number}").content.decode())
    payout = Execution.objects.select_related("channel_account", "transaction").get(request=stuck)
    assert payout_words.to_staff(payout) in page
    assert "name another account" in payout_words.to_customer(payout, since=timezone.now(), now=timezone.now())

    card = {"payee": "customer_card", "bank_type": "ICBC_DEBIT", "card_number": "6222021234567890123"}
    form = {**card, "holder_name": "王敏", "confirmed": "1"}
    # A colleague of whoever took it into the books types the card in.
    sent = _browser(sale).post(f"/desk/refunds/{stuck.number}/send-elsewhere", form)
    assert sent.status_code == 302, sent.content.decode()
    until = time.monotonic() + 60
    while RefundRequest.objects.get(pk=stuck.pk).state != "refunded":
        assert time.monotonic() < until
        Execution.objects.filter(request=stuck, due_at__isnull=False).update(due_at=timezone.now())
        drain()
        time.sleep(0.05)
    sale.refresh_from_db()
    assert (sale.refunded_fen, Execution.objects.get(request=stuck).sends) == (2_000, 0)
    assert len(simulator.control("GET", "/ledger")["rows"]) == 1


@pytest.mark.parametrize("simulator", ["wechat"], indirect=True)
def test_refund_of_the_portal_that_was_delivered_after_all_is_adopted_as_paid(
    simulator: RunningSimulator, sale: Transaction
) -> None:
    _refund_in_portal(simulator, sale, "PORTAL1", 3_000, outcome="ABNORMAL")
    notice = ChannelNotice.objects.get()
    paid = {**notice.outcome, "kind": "done"}
    paid = {
        **{name: paid[name] for name in ("kind", "channel_refund_no", "raw")},
        "refund_no": "PORTAL1",
        "amount_fen": 3_000,
        "succeeded_at": timezone.now().isoformat(),
    }
    later = {"refund_no": "PORTAL1", "channel_transaction_no": sale.channel_transaction_no, "outcome": paid}
    ChannelNotice.objects.create(
        channel_account=notice.channel_account, event_id="later", received_at=timezone.now(), **later
    )
    notices.apply_waiting(at=timezone.now())
    elsewhere.ask_waiting(at=timezone.now())
    assert elsewhere.stuck_of(sale) == []
    finance = of_staff(make_staff(sale.merchant, "finance"))

    adopted = portal.adopt_of_sale(transaction_id=sale.pk, by=finance, at=timezone.now())

    assert (adopted.state, adopted.refunded_fen) == ("refunded", 3_000)
