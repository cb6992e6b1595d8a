"""Channels calling back for real: the stand-in signs and posts to a live server, which verifies, stores, answers, applies."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from merchants.models import ChannelAccount
from payment_channels.contract import ForeignNotice, NoticeReply
from refunds.models import ChannelNotice, Execution, RefundRequest
from refunds.payouts import elsewhere, notices
from refunds.payouts.adapters import adapter_for
from refunds.payouts.loop import drain
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests.factories import make_account, make_merchant, make_request, make_sale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.api_urls")]

Raw = tuple[dict[str, str], bytes]


def _wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, (list(ChannelNotice.objects.values()), list(Execution.objects.values()))
        time.sleep(0.03)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Raw, NoticeReply]]:
    """Every notice that arrives, as it came, with what was answered."""
    receive, kept = notices.receive, []

    def listen(
        *, channel: str, account_code: str, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> NoticeReply:
        reply = receive(channel=channel, account_code=account_code, headers=headers, body=body, at=at)
        kept.append(((dict(headers), body), reply))
        return reply

    monkeypatch.setattr("api.channel_notices.notices.receive", listen)
    return kept


@pytest.fixture
def sale(wechat: RunningSimulator, live_server: LiveServer, settings: Settings) -> Transaction:
    """A sale whose refunds nobody asks the channel about for an hour: only notices tell."""
    settings.BASE_URL = live_server.url
    merchant = make_merchant()
    account = make_account(merchant, wechat.account, first_query_s=3600, timeout_s=2)
    return _sale(wechat, merchant_account=account)


def _sale(wechat: RunningSimulator, *, merchant_account: Any) -> Transaction:
    sale = make_sale(merchant_account.merchant, channel_account=merchant_account)
    payment = {
        "order_no": sale.order_no,
        "transaction_no": sale.channel_transaction_no,
        "amount_fen": sale.amount_fen,
        "paid_at": sale.paid_at.isoformat(),
    }
    wechat.control("POST", "/payments", payment)
    return sale


def _fault(wechat: RunningSimulator, operation: str, fault: str, **more: object) -> None:
    wechat.control("POST", "/faults", {"operation": operation, "fault": fault, "times": 1, **more})


def _apply() -> None:
    notices.apply_waiting(at=timezone.now())


def _state(request: RefundRequest) -> str:
    return str(RefundRequest.objects.get(pk=request.pk).state)


def _ask_the_channel(request: RefundRequest) -> None:
    """An hour later."""
    Execution.objects.filter(request=request, due_at__isnull=False).update(due_at=timezone.now())
    drain()


def test_genuine_notice_is_applied_once(wechat: RunningSimulator, sale: Transaction) -> None:
    request = make_request(sale, 1_200)
    drain()
    assert _state(request) == "executing"
    _wait_until(ChannelNotice.objects.exists)
    _apply()
    (payout,) = request.executions.all()
    assert (_state(request), payout.state, payout.proof_source) == ("refunded", "succeeded", "notice")
    assert ChannelNotice.objects.get().effect == "applied"
    _wait_until(lambda: wechat.control("GET", "/notices")["owed"] == 0)


def test_notice_of_an_account_that_is_no_longer_in_use_is_heard(wechat: RunningSimulator, sale: Transaction) -> None:
    request = make_request(sale, 1_200)
    ChannelAccount.objects.filter(merchant=sale.merchant).update(is_active=False)
    make_account(sale.merchant)
    drain()
    _wait_until(ChannelNotice.objects.exists)
    _apply()
    assert (_state(request), request.executions.get().channel_account_id) == ("refunded", sale.channel_account_id)


def _account(sale: Transaction) -> ChannelAccount:
    assert sale.channel_account is not None
    return ChannelAccount.objects.get(pk=sale.channel_account.pk)


def _replaced(account: ChannelAccount) -> ChannelAccount:
    """The account in its place, with the same merchant number and the same keys."""
    ChannelAccount.objects.filter(pk=account.pk).update(is_active=False, used_until=timezone.now())
    new = make_account(account.merchant)
    new.base_url, new.profile_overrides = account.base_url, account.profile_overrides
    new.set_credentials(account.credentials)
    new.save()
    return new


def test_notice_at_the_address_of_a_replaced_account_is_read_under_the_keys_of_the_new_one(
    wechat: RunningSimulator, sale: Transaction
) -> None:
    """The channel has changed its own key since, and the old account was never told."""
    old = _account(sale)
    _replaced(old)
    former = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = former.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    old.refresh_from_db()
    old.set_credentials(old.credentials | {"public_key": pem})
    old.revision += 1
    old.save()
    request = make_request(sale, 1_200)
    drain()
    assert _state(request) == "unknown"  # its answer is signed with a key that the old account does not know
    _wait_until(ChannelNotice.objects.exists)
    _apply()
    payout = request.executions.get()
    assert (_state(request), payout.state, payout.proof_source) == ("refunded", "succeeded", "notice")
    assert payout.channel_account_id == old.pk


def test_notice_of_the_new_accounts_refund_at_the_old_address_finds_its_payout(
    wechat: RunningSimulator, sale: Transaction, heard: list[tuple[Raw, NoticeReply]]
) -> None:
    """Alipay calls the address that the payment was made with."""
    old = _account(sale)
    new = _replaced(old)
    request = make_request(sale, 1_200)
    request.executions.update(channel_account=new)
    tagged = request.executions.get()
    tagged.tag = None
    tagged.save()
    drain()
    _wait_until(lambda: heard)
    ((headers, body), _), *_ = heard
    ChannelNotice.objects.all().delete()
    reply = notices.receive(channel="wechat", account_code=old.code, headers=headers, body=body, at=timezone.now())
    assert reply.status == 204
    _apply()
    assert ChannelNotice.objects.get(channel_account=old).effect == "applied"
    assert _state(request) == "refunded"


def test_fifty_notices_in_parallel_have_one_effect(
    wechat: RunningSimulator, sale: Transaction, heard: list[tuple[Raw, NoticeReply]]
) -> None:
    _fault(wechat, "notice", "parallel", count=50)
    request = make_request(sale, 1_200)
    drain()
    _wait_until(lambda: len(heard) >= 50)
    assert {reply.status for _, reply in heard} <= {200, 204}
    assert ChannelNotice.objects.count() == 1
    _apply()
    _apply()
    assert _state(request) == "refunded"


def test_notice_before_the_answer_is_not_overwritten_by_it(wechat: RunningSimulator, sale: Transaction) -> None:
    """The money moves and the notice arrives while our call is still open."""
    _fault(wechat, "refund", "notice_before_reply")
    request = make_request(sale, 1_200)
    drain()
    _wait_until(ChannelNotice.objects.exists)
    _apply()
    assert _state(request) == "refunded"


@pytest.mark.parametrize("fault", ["stale_processing", "stale_abnormal"])
def test_stale_notice_after_success_changes_nothing(
    wechat: RunningSimulator, sale: Transaction, heard: list[tuple[Raw, NoticeReply]], fault: str
) -> None:
    _fault(wechat, "notice", fault)
    request = make_request(sale, 1_200)
    drain()
    _wait_until(lambda: len(heard) >= 2)
    _apply()
    (payout,) = request.executions.all()
    assert (_state(request), payout.state, payout.needs_attention) == ("refunded", "succeeded", False)


@pytest.mark.parametrize("fault", ["tampered", "bad_signature", "signtest", "wrong_serial", "old"])
def test_forged_or_probing_notice_is_refused_and_leaves_nothing(
    wechat: RunningSimulator, sale: Transaction, heard: list[tuple[Raw, NoticeReply]], fault: str
) -> None:
    _fault(wechat, "notice", fault)
    request = make_request(sale, 1_200)
    drain()
    _wait_until(lambda: heard)
    assert heard[0][1].status >= 400
    # Its repeat is genuine again: the channel believed that we never got it.
    _wait_until(ChannelNotice.objects.exists)
    _apply()
    assert _state(request) == "refunded"
    assert ChannelNotice.objects.count() == 1


def test_unknown_number_of_a_sale_of_ours_changes_no_refund(wechat: RunningSimulator, sale: Transaction) -> None:
    _fault(wechat, "notice", "unknown_number")
    request = make_request(sale, 1_200)
    drain()
    _wait_until(ChannelNotice.objects.exists)
    _apply()
    assert ChannelNotice.objects.get().effect == "ask_trade"
    assert _state(request) == "executing"
    elsewhere.ask_waiting(at=timezone.now())
    sale.refresh_from_db()
    # The channel's own number says that it is ours.
    assert (ChannelNotice.objects.get().effect, sale.payment_word, sale.held_at) == ("trade_asked", "paid", None)
    _ask_the_channel(request)
    assert _state(request) == "refunded"


def test_wrong_amount_proves_nothing_and_calls_for_a_person(wechat: RunningSimulator, sale: Transaction) -> None:
    _fault(wechat, "notice", "wrong_amount")
    request = make_request(sale, 1_200)
    drain()
    _wait_until(ChannelNotice.objects.exists)
    _apply()
    (payout,) = request.executions.all()
    assert (_state(request), payout.failure_code, payout.needs_attention) == ("unknown", "mismatch", True)
    _ask_the_channel(request)
    assert _state(request) == "refunded"


def test_lost_notice_is_made_up_for_by_a_query(wechat: RunningSimulator, sale: Transaction) -> None:
    _fault(wechat, "notice", "lost")
    request = make_request(sale, 1_200)
    drain()
    time.sleep(0.1)
    assert not ChannelNotice.objects.exists()
    _ask_the_channel(request)
    assert _state(request) == "refunded"


def _post(path: str, raw: Raw) -> int:
    headers, body = raw
    kept = {name: value for name, value in headers.items() if name.startswith(("wechatpay", "content-type"))}
    return int(Client().post(path, body, content_type="application/json", headers=kept).status_code)


def test_replayed_genuine_notice_is_acknowledged_without_effect(
    wechat: RunningSimulator, sale: Transaction, heard: list[tuple[Raw, NoticeReply]]
) -> None:
    assert sale.channel_account is not None
    request = make_request(sale, 1_200)
    drain()
    _wait_until(lambda: heard)
    _apply()
    before = RefundRequest.objects.filter(pk=request.pk).values().get()
    for _ in range(3):
        assert _post(f"/channels/wechat/{sale.channel_account.code}/notices", heard[0][0]) in {200, 204}
    _apply()
    assert ChannelNotice.objects.count() == 1
    assert RefundRequest.objects.filter(pk=request.pk).values().get() == before


def test_notice_sent_to_another_merchants_address_moves_nothing(
    wechat: RunningSimulator, sale: Transaction, heard: list[tuple[Raw, NoticeReply]]
) -> None:
    """Even where both have the same keys: a number belongs to the account that it was sent through."""
    other = make_account(make_merchant(), wechat.account, first_query_s=3600)
    _fault(wechat, "notice", "late", delay_s=0.3)
    request = make_request(sale, 1_200)
    drain()
    _wait_until(lambda: heard)
    ChannelNotice.objects.all().delete()
    assert _post(f"/channels/wechat/{other.code}/notices", heard[0][0]) in {200, 204}
    _apply()
    assert ChannelNotice.objects.get().effect == "unknown_number"
    assert _state(request) == "executing"
    _ask_the_channel(request)


def test_address_that_nobody_has_and_channel_that_does_not_fit_are_404_and_one_out_of_use_is_heard(
    sale: Transaction,
) -> None:
    assert sale.channel_account is not None
    assert _post("/channels/wechat/nobody/notices", ({}, b"{}")) == 404
    assert _post(f"/channels/alipay/{sale.channel_account.code}/notices", ({}, b"{}")) == 404
    sale.channel_account.is_active = False
    sale.channel_account.save()
    assert _post(f"/channels/wechat/{sale.channel_account.code}/notices", ({}, b"{}")) == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"\xff", b"{}", b"[" * 30_000],
    ids=["none", "open", "null", "list", "bytes", "empty", "deep"],
)
def test_unreadable_body_is_refused_not_an_error(sale: Transaction, body: bytes) -> None:
    assert sale.channel_account is not None
    assert 400 <= _post(f"/channels/wechat/{sale.channel_account.code}/notices", ({}, body)) < 500
    assert not ChannelNotice.objects.exists()


def test_huge_body_is_refused_before_it_is_read(sale: Transaction, live_server: LiveServer) -> None:
    assert sale.channel_account is not None
    address = urlsplit(live_server.url)
    path = f"/channels/wechat/{sale.channel_account.code}/notices"
    for headers in ({"Content-Length": str(10**9)}, {"Content-Length": "70000"}):
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        connection.putrequest("POST", path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()
    assert _post(path, ({}, b"x" * 70_000)) == 413


def test_notice_that_comes_while_the_lease_is_held_is_applied(wechat: RunningSimulator, sale: Transaction) -> None:
    """The answer was lost, the worker still holds the payout: the notice does not wait for it."""
    _fault(wechat, "refund", "drop_after_accept")
    request = make_request(sale, 1_200)
    drain()
    Execution.objects.filter(request=request).update(due_at=timezone.now() + timedelta(seconds=60))
    _wait_until(ChannelNotice.objects.exists)
    _apply()
    assert _state(request) == "refunded"


def test_notice_about_something_else_is_acknowledged_counted_and_without_effect(
    sale: Transaction, wechat: RunningSimulator, heard: list[tuple[Raw, NoticeReply]]
) -> None:
    wechat.control("POST", "/faults", {"operation": "notice", "fault": "foreign", "times": 1})
    request = make_request(sale, 1_200)
    drain()
    _wait_until(lambda: len(heard) == 2)

    (raw, reply) = heard[1]
    assert sale.channel_account is not None
    again = notices.receive(
        channel="wechat",
        account_code=sale.channel_account.code,
        headers={name.lower(): value for name, value in raw[0].items()},
        body=raw[1],
        at=timezone.now(),
    )

    assert (reply.status, again.status) == (204, 204)
    foreign = ChannelNotice.objects.get(effect="foreign")
    assert (foreign.event_id, foreign.outcome, foreign.refund_no) == ("foreign COMPLAINT.CREATE", {"count": 2}, "")
    notices.apply_waiting(at=timezone.now())
    assert RefundRequest.objects.get(pk=request.pk).state == "refunded"


def test_notice_about_something_else_when_badly_signed_is_refused(
    sale: Transaction, wechat: RunningSimulator, heard: list[tuple[Raw, NoticeReply]]
) -> None:
    wechat.control("POST", "/faults", {"operation": "notice", "fault": "foreign_forged", "times": 1})
    make_request(sale, 1_200)
    drain()
    _wait_until(lambda: len(heard) == 2)

    assert heard[1][1].status == 400
    assert not ChannelNotice.objects.filter(effect="foreign").exists()


def test_notice_about_a_payment_confirms_a_sale_that_was_reported_before_it_was_paid(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = sale.channel_account
    assert account is not None
    Transaction.objects.filter(pk=sale.pk).update(status="pending")
    told = ForeignNotice(about="TRANSACTION.SUCCESS", paid=(sale.channel_transaction_no, "", sale.amount_fen))
    monkeypatch.setattr(adapter_for(account.pk, account.revision), "read_notice", lambda _: told)

    reply = notices.receive(channel="wechat", account_code=account.code, headers={}, body=b"", at=timezone.now())

    sale.refresh_from_db()
    assert (reply.status, sale.status, sale.payment_word) == (204, "success", "paid")
    assert ChannelNotice.objects.get().effect == "foreign"
