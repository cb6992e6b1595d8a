"""Through each channel, end to end: accounts and keys that change while a refund is under way, payments of another account than
their sale was put down to, a clock that is minutes off, and what the payer reads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from core.audit.models import AuditEvent
from desk.queue import trouble
from merchants.models import ChannelAccount, Merchant
from merchants.principals import of_staff
from refunds import payouts
from refunds.models import ChannelNotice, Execution, RefundRequest
from refunds.payouts import accounts, ask, credentials, notices, ways_back
from refunds.payouts.adapters import adapter_for
from simulators.kit.testing import RunningSimulator, running_simulator
from terminals.models import Transaction
from terminals.versions import CORRECTED
from tests.api.conftest import api_for
from tests.factories import make_merchant, make_request, make_sale, make_staff, wechat_credentials

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Channels:
    """Two stand-ins of one channel: what the one was paid the other does not know."""

    name: str
    old: RunningSimulator
    new: RunningSimulator

    def account(self, merchant: Merchant, of: RunningSimulator, **fields: Any) -> ChannelAccount:
        told = of.account
        profile = {"first_query_s": 2, "partial_spacing_s": 0, "timeout_s": 3}
        if self.name == "unionpay":
            profile["file_url"] = told["file_url"]
        row = ChannelAccount(
            merchant=merchant,
            channel=self.name,
            code=f"{self.name}-{'old' if of is self.old else 'new'}-{merchant.code}",
            base_url=told["front_url" if self.name == "unionpay" else "base_url"],
            profile_overrides=profile,
            **fields,
        )
        row.set_credentials(self.credentials(of))
        row.save()
        return row

    def credentials(self, of: RunningSimulator) -> dict[str, str]:
        told = of.account
        if self.name == "wechat":
            return wechat_credentials(told)
        number, files = _CREDENTIALS[self.name]
        return {number: told[number], **{name: Path(told[path]).read_text() for name, path in files.items()}}

    def paid(self, of: RunningSimulator) -> list[int]:
        return [row["amount_fen"] for row in of.control("GET", "/ledger")["rows"]]


_CREDENTIALS = {
    "alipay": ("app_id", {"app_private_key": "app_private_key_path", "alipay_public_key": "alipay_public_key_path"}),
    "unionpay": (
        "mer_id",
        {
            "sign_certificate": "sign_cert_path",
            "root_certificate": "root_cert_path",
            "middle_certificate": "middle_cert_path",
        },
    ),
}


@pytest.fixture(scope="module", params=["wechat", "alipay", "unionpay"])
def processes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channels]:
    name = request.param
    options = {"settle_ms": 20, "notify_scale": 0.01}
    with (
        running_simulator(name, tmp_path_factory.mktemp("old"), **options) as old,
        running_simulator(name, tmp_path_factory.mktemp("new"), **options) as new,
    ):
        yield Channels(name, old, new)


@pytest.fixture
def channels(processes: Channels, settings: LazySettings, live_server: LiveServer) -> Channels:
    settings.BASE_URL = live_server.url
    for one in (processes.old, processes.new):
        one.control("POST", "/reset", {})
    return processes


def _sale(channels: Channels, account: ChannelAccount) -> Transaction:
    """Paid into the old account, whichever it is put down to."""
    sale = make_sale(account.merchant, 10_000, channel_account=account, channel=channels.name, funding="debit_card")
    payment = {
        "order_no": sale.order_no,
        "transaction_no": sale.channel_transaction_no,
        "amount_fen": sale.amount_fen,
        "paid_at": sale.paid_at.isoformat(),
    }
    channels.old.control("POST", "/payments", payment)
    return sale


def _play(channels: Channels, request: RefundRequest, *, steps: int = 3) -> RefundRequest:
    """Send and ask as the worker does, three minutes apart."""
    at = timezone.now()
    for _ in range(steps):
        for one in payouts.claim(limit=5, at=at):
            payouts.settle([ask(one, adapter_for(one.account_id, one.account_revision))], at=at)
        at += timedelta(minutes=3)
        for simulator in (channels.old, channels.new):
            simulator.control("POST", "/settle", {})
    return RefundRequest.objects.get(pk=request.pk)


def _told_wrongly(channels: Channels) -> tuple[Transaction, ChannelAccount, RefundRequest]:
    merchant = make_merchant()
    old = channels.account(merchant, channels.old, is_active=False, used_until=timezone.now() - timedelta(hours=5))
    sale = _sale(channels, channels.account(merchant, channels.new))
    failed = _play(channels, make_request(sale, 1_200))
    assert failed.state == "failed"
    return sale, old, failed


def test_payment_that_another_account_knows_is_put_right_by_asking_and_paid_through_it(channels: Channels) -> None:
    sale, old, failed = _told_wrongly(channels)
    finance = make_staff(sale.merchant, "finance")
    page = Client()
    page.force_login(finance)
    with pytest.raises(Exception, match="refuse this again"):
        _retry(failed)

    answer = api_for(sale.merchant).post(f"transactions/{sale.pk}/trade-queries", {})

    assert (answer.status_code, answer.json()["outcome"]) == (200, "paid"), answer.content
    sale.refresh_from_db()
    assert sale.channel_account == old
    event = AuditEvent.objects.get(action=CORRECTED, object_id=str(sale.pk))
    assert (event.actor_kind, event.data["after"]) == ("channel", {"account": old.code})
    shown = page.get(f"/desk/transactions/{sale.pk}", {"lang": "en"}).content.decode()
    assert old.code in shown
    offered = page.get(f"/desk/refunds/{failed.number}", {"lang": "en"}).content.decode()
    assert "/retry" in offered

    done = _play(channels, _retry(failed))
    assert (done.state, channels.paid(channels.old), channels.paid(channels.new)) == ("refunded", [1_200], [])


def _retry(request: RefundRequest) -> RefundRequest:
    finance = of_staff(make_staff(request.merchant, "finance"))
    return ways_back.retry(request_id=request.pk, by=finance, at=timezone.now(), version=request.version)


def test_payment_that_no_account_knows_or_over_another_amount_stays_where_it_is(channels: Channels) -> None:
    merchant = make_merchant()
    channels.account(merchant, channels.old, is_active=False)
    here = channels.account(merchant, channels.new)
    unknown = make_sale(merchant, 10_000, channel_account=here, channel=channels.name)
    other = _sale(channels, here)
    Transaction.objects.filter(pk=other.pk).update(amount_fen=10_100)
    api = api_for(merchant)
    for sale in (unknown, other):
        answer = api.post(f"transactions/{sale.pk}/trade-queries", {})
        assert answer.json()["outcome"] == "not_known", answer.content
        sale.refresh_from_db()
        assert sale.channel_account == here


def test_payment_that_has_a_payout_under_way_stays_where_it_is(channels: Channels) -> None:
    merchant = make_merchant()
    channels.account(merchant, channels.old, is_active=False)
    here = channels.account(merchant, channels.new)
    sale = _sale(channels, here)
    make_request(sale, 1_200)

    api_for(merchant).post(f"transactions/{sale.pk}/trade-queries", {})

    sale.refresh_from_db()
    assert sale.channel_account == here


def test_account_that_is_replaced_before_the_refund_goes_out_pays_it_all_the_same(channels: Channels) -> None:
    merchant = make_merchant()
    owner = of_staff(make_staff(merchant, "owner"))
    sale = _sale(channels, channels.account(merchant, channels.old))
    request = make_request(sale, 1_200)
    given = channels.credentials(channels.new)
    accounts.open_account(channel=channels.name, store_id=None, given=given, replaces=True, by=owner, at=timezone.now())
    assert _play(channels, request).state == "refunded"
    assert (channels.paid(channels.old), channels.paid(channels.new)) == ([1_200], [])


def test_sale_that_was_reported_before_there_was_an_account_goes_back_through_the_first(channels: Channels) -> None:
    merchant = make_merchant()
    api, owner = api_for(merchant), of_staff(make_staff(merchant, "owner"))
    told = {
        "order_no": "FIRST-1",
        "channel": channels.name,
        "channel_transaction_no": "4200000000000000000000000001",
        "amount_fen": 10_000,
        "paid_at": (timezone.now() - timedelta(hours=1)).isoformat(),
        "store": "S001",
    }
    sale = api.post("transactions", told).json()
    asked = {"transaction": sale["id"], "amount_fen": 1_200, "reason": "quality", "customer_consent": True}
    assert api.post("refund-requests", asked).json()["code"] == "original_route"
    payment = {"order_no": "FIRST-1", "transaction_no": told["channel_transaction_no"], "amount_fen": 10_000}
    channels.old.control("POST", "/payments", {**payment, "paid_at": told["paid_at"]})

    given = channels.credentials(channels.old)
    account = accounts.open_account(
        channel=channels.name, store_id=None, given=given, replaces=False, by=owner, at=timezone.now()
    )
    address = channels.account(make_merchant(), channels.old)
    ChannelAccount.objects.filter(pk=account.pk).update(
        base_url=address.base_url, profile_overrides=address.profile_overrides
    )

    answer = api.post("refund-requests", asked)
    assert (answer.status_code, answer.json()["state"]) == (201, "approved"), answer.content
    assert _play(channels, RefundRequest.objects.get(pk=answer.json()["id"])).state == "refunded"
    assert channels.paid(channels.old) == [1_200]


def test_key_that_is_changed_between_request_and_notice_loses_neither(channels: Channels) -> None:
    if channels.name != "wechat":
        pytest.skip("the others' notices are signed by the channel's key alone")
    merchant = make_merchant()
    account = channels.account(merchant, channels.old)
    request = _play(channels, make_request(_sale(channels, account), 1_200), steps=1)
    owner = of_staff(make_staff(merchant, "owner"))
    now = timezone.now()
    credentials.change(
        account_id=account.pk, by=owner, given={"api_v3_key": "n" * 32}, at=now, overlap=timedelta(days=1)
    )
    channels.old.control("POST", "/settle", {})
    until = time.monotonic() + 60
    while not ChannelNotice.objects.exists() and time.monotonic() < until:
        time.sleep(0.03)
    notices.apply_waiting(at=timezone.now())
    assert RefundRequest.objects.get(pk=request.pk).state == "refunded"
    assert channels.paid(channels.old) == [1_200]


def test_clock_that_is_minutes_off_is_one_line_whatever_waits_and_all_go_on_once_it_is_right(
    channels: Channels,
) -> None:
    if channels.name != "wechat":
        pytest.skip("the others hold no time against their clock")
    merchant = make_merchant()
    account = channels.account(merchant, channels.old)
    waiting = [make_request(_sale(channels, account), fen) for fen in (1_200, 1_300, 1_500)]
    channels.old.control("POST", "/clock", {"skew_s": 360})
    try:
        waiting = [_play(channels, request, steps=2) for request in waiting]
    finally:
        channels.old.control("POST", "/clock", {"skew_s": 0})
    assert channels.paid(channels.old) == []
    assert {request.state for request in waiting}.isdisjoint({"failed", "refunded"})
    found = trouble.troubles(merchant_id=merchant.pk, at=timezone.now() + timedelta(minutes=6))
    assert len([one for one in found if "clock" in one.text.lower() or "时钟" in one.text]) == 1, found

    Execution.objects.update(due_at=timezone.now())
    done = [_play(channels, request, steps=4) for request in waiting]
    assert [request.state for request in done] == ["refunded"] * 3
    assert sorted(channels.paid(channels.old)) == [1_200, 1_300, 1_500]


@pytest.mark.parametrize(
    ("locale", "reason", "phrase"),
    [
        ("en", "quality", "Refund: quality problem"),
        ("zh-Hans", "quality", "退款：质量问题"),
        ("fr", "quality", "退款：质量问题"),
    ],
)
def test_payer_reads_a_phrase_in_their_language_and_nothing_that_staff_wrote(
    channels: Channels, locale: str, reason: str, phrase: str
) -> None:
    if channels.name == "unionpay":
        pytest.skip("UnionPay takes no reason")
    sale = _sale(channels, channels.account(make_merchant(), channels.old))
    request = make_request(sale, 1_200, reason=reason, locale=locale)
    assert _play(channels, request).state == "refunded"
    (told,) = [row["reason"] for row in channels.old.control("GET", "/refunds")["rows"]]
    assert told == phrase
    assert len(told.encode()) <= 80
