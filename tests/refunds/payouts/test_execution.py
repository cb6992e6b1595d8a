"""Carrying a refund to a channel that answers well, late, wrongly or never."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from merchants.principals import of_staff
from payment_channels.remedies import REMEDIES
from refunds import payouts
from refunds.models import Execution, RefundRequest
from refunds.payouts import ways_back
from refunds.payouts.loop import drain
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db(transaction=True)


def _paid_sale(wechat: RunningSimulator, amount_fen: int = 10_000, **fields: Any) -> Transaction:
    """A sale that the channel knows."""
    merchant = make_merchant()
    account = make_account(merchant, wechat.account, first_query_s=0.05, timeout_s=0.7)
    sale = make_sale(merchant, amount_fen, channel_account=account, **fields)
    wechat.control(
        "POST",
        "/payments",
        {
            "order_no": sale.order_no,
            "transaction_no": sale.channel_transaction_no,
            "amount_fen": amount_fen,
            "paid_at": sale.paid_at.isoformat(),
        },
    )
    return sale


def _drain_until(request: RefundRequest, *states: str, seconds: float = 60.0) -> RefundRequest:
    """Drain, with every payout made due, until the request is in one of the states."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        Execution.objects.filter(request=request, due_at__isnull=False).update(due_at=timezone.now())
        drain()
        request.refresh_from_db(fields=["version", "refunded_fen", "succeeded_at", "reserved_fen", "step_due_at"])
        request = RefundRequest.objects.get(pk=request.pk)
        if request.state in states:
            return request
        time.sleep(0.05)
    raise AssertionError(f"still {request.state}: {list(Execution.objects.filter(request=request).values())}")


def test_execute_pays_once_and_stores_the_proof(wechat: RunningSimulator) -> None:
    sale = _paid_sale(wechat)
    request = _drain_until(make_request(sale, 1_200), "refunded")
    (payout,) = request.executions.all()
    assert (payout.state, payout.proof_source, request.refunded_fen) == ("succeeded", "query", 1_200)
    (row,) = wechat.control("GET", "/ledger")["rows"]
    assert (row["refund_no"], row["amount_fen"]) == (payout.refund_no, 1_200)
    sale.refresh_from_db()
    assert (sale.reserved_fen, sale.refunded_fen) == (1_200, 1_200)


def test_execute_twice_at_once_sends_one_number(wechat: RunningSimulator) -> None:
    request = make_request(_paid_sale(wechat), 1_200)
    now = timezone.now()
    first = payouts.claim(limit=10, at=now)
    assert [claimed.request_id for claimed in first] == [request.pk]
    assert payouts.claim(limit=10, at=now) == []


#: Whatever happens on the way, these end with the money moved once, under one number.
_SURVIVED = [
    "drop_before_accept",
    "drop_after_accept",
    "timeout_after_accept",
    "error_before_commit",
    "error_after_commit",
    "rate_limited",
    "garbage",
    "reset_in_body",
    "bad_signature",
    "no_signature",
    "tampered_response",
    "stale_response",
    "wrong_serial",
]
_REFUSED = {"account_abnormal": "never", "param_error": "never", "closed": "new_number"}


@pytest.mark.parametrize("fault", _SURVIVED)
def test_execute_survives(wechat: RunningSimulator, fault: str) -> None:
    sale = _paid_sale(wechat)
    wechat.control("POST", "/faults", {"operation": "refund", "fault": fault, "times": 1})
    request = _drain_until(make_request(sale, 1_200), "refunded")
    assert len(wechat.control("GET", "/ledger")["rows"]) == 1
    assert request.executions.count() == 1


@pytest.mark.parametrize("fault", sorted(_REFUSED))
def test_execute_when_the_channel_refuses_gives_the_amount_back(wechat: RunningSimulator, fault: str) -> None:
    sale = _paid_sale(wechat)
    wechat.control("POST", "/faults", {"operation": "refund", "fault": fault, "times": 1})
    request = _drain_until(make_request(sale, 1_200), "failed")
    (payout,) = request.executions.all()
    assert payout.failure_code
    assert payout.failure_remedy in REMEDIES
    assert wechat.control("GET", "/ledger")["rows"] == []
    sale.refresh_from_db()
    assert sale.reserved_fen == 0


def test_short_balance_holds_and_goes_on_by_itself_after_the_top_up(wechat: RunningSimulator) -> None:
    sale = _paid_sale(wechat)
    wechat.control("POST", "/balance", {"available_fen": 0})
    request = make_request(sale, 1_200)
    drain()
    (payout,) = request.executions.all()
    assert (payout.state, payout.failure_retry) == ("held", "after_top_up")
    wechat.control("POST", "/balance", {"available_fen": 1_000_000})
    _drain_until(request, "refunded")
    payout.refresh_from_db()
    assert payout.refund_no == wechat.control("GET", "/ledger")["rows"][0]["refund_no"]


@pytest.mark.parametrize("fault", ["sign_error", "no_auth", "mch_not_exists"])
def test_refusal_of_our_account_holds_and_goes_on_by_itself_once_it_is_mended(
    wechat: RunningSimulator, fault: str
) -> None:
    sale = _paid_sale(wechat)
    wechat.control("POST", "/faults", {"operation": "refund", "fault": fault, "times": 2})
    request = make_request(sale, 1_200)
    drain()
    (payout,) = request.executions.all()
    assert (payout.state, payout.failure_retry) == ("held", "after_mending")
    assert payout.failure_remedy in REMEDIES
    assert wechat.control("GET", "/ledger")["rows"] == []
    sale.refresh_from_db()
    assert sale.reserved_fen == 1_200

    _drain_until(request, "refunded")

    payout.refresh_from_db()
    assert [row["refund_no"] for row in wechat.control("GET", "/ledger")["rows"]] == [payout.refund_no]


def test_closed_card_needs_attention_and_stays_spent(wechat: RunningSimulator) -> None:
    sale = _paid_sale(wechat)
    wechat.control("POST", "/faults", {"operation": "refund", "fault": "abnormal", "times": 1})
    request = make_request(sale, 1_200)
    until = time.monotonic() + 60
    while not request.executions.filter(needs_attention=True).exists():
        assert time.monotonic() < until
        Execution.objects.update(due_at=timezone.now())
        drain()
    sale.refresh_from_db()
    assert sale.reserved_fen == 1_200
    assert RefundRequest.objects.get(pk=request.pk).state == "executing"


def test_failed_payout_goes_out_again_under_a_new_number_where_the_channel_wants_one(wechat: RunningSimulator) -> None:
    sale = _paid_sale(wechat)
    wechat.control("POST", "/faults", {"operation": "refund", "fault": "closed", "times": 1})
    request = _drain_until(make_request(sale, 1_200), "failed")
    finance = make_staff(sale.merchant, "finance")
    ways_back.retry(request_id=request.pk, by=of_staff(finance), at=timezone.now(), version=request.version)
    # The channel wants a minute between two refunds of one order: let one pass on its clock.
    wechat.control("POST", "/clock", {"offset_s": 61})
    request = _drain_until(request, "refunded")
    numbers = [payout.refund_no for payout in request.executions.order_by("created_at")]
    assert [number[-2:] for number in numbers] == ["N1", "N2"]


def test_lease_of_a_dead_worker_runs_out_and_the_channel_is_asked_first(wechat: RunningSimulator) -> None:
    request = make_request(_paid_sale(wechat), 1_200)
    (claimed,) = payouts.claim(limit=1, at=timezone.now())
    assert claimed.send
    (again,) = payouts.claim(limit=1, at=timezone.now() + timedelta(seconds=3600))
    assert (again.execution_id, again.send) == (claimed.execution_id, False)
    _drain_until(request, "refunded")
