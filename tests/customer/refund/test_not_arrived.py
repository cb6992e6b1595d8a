"""Two hundred customers who do not find their money, at a channel that does not always answer: how many need a person, and that
nobody is shown a proof that is none.

Per customer, by dice: three in twenty times the channel answers wrongly or not at all, two in three are on an imported statement,
one in thirty has the money returned to the store, one in thirty was paid by hand, one in twenty-five asks again after the day
that was named. These rates are assumed; what follows from them is measured.
"""

from __future__ import annotations

import logging
import os
import random
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core import clock
from reconciliation import days
from reconciliation.models import Bill, BillLine, FundLine, FundStatement
from reconciliation.models.bill import MatchOutcome
from reconciliation.models.fund_line import FundKind
from refunds.models import CustomerReport, Execution, RefundRequest
from refunds.payouts.loop import drain
from refunds.states import Route
from refunds.telling import tracking
from simulators.kit.testing import RunningSimulator
from tests.factories import make_account, make_merchant, make_request, make_sale
from tests.refunds import hand

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800), pytest.mark.django_db(transaction=True)]

logger = logging.getLogger(__name__)
CUSTOMERS = int(os.environ.get("CUSTOMERS", "200"))
SEED = int(os.environ.get("SEED", "1"))
_WRONG = (
    *("drop", "reset_in_body", "garbage", "html_200", "html_403", "error", "rate_limited", "not_exists", "query_lag"),
    *("bad_signature", "no_signature", "tampered_response", "stale_processing", "stale_response"),
)


def test_not_arrived_when_200_ask_four_in_five_need_nobody_and_no_proof_is_wrong(
    wechat: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(SEED)
    requests = _paid(wechat, CUSTOMERS)
    by_hand = [hand.confirmed(hand.waiting(Route.BANK_TRANSFER)) for _ in range(round(CUSTOMERS / 30))]
    asking = requests[len(by_hand) :] + by_hand
    returned = set(dice.sample(requests[len(by_hand) :], round(CUSTOMERS / 30)))
    statement = _statement(requests[0])
    for request in asking[: len(asking) - len(by_hand)]:
        if dice.random() < 2 / 3:
            _line(statement[0], request)
        if request in returned:
            _came_back(statement[1], request)
    late = set(dice.sample(asking, round(CUSTOMERS / 25)))
    wechat.control("POST", "/faults", {"random": {"seed": SEED, "rate": 0.15, "faults": list(_WRONG)}})

    for request in asking:
        _say_missing(request)
    now = timezone.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=4))
    for request in late:
        _say_missing(request)

    ledger = {row["refund_no"]: row for row in wechat.control("GET", "/ledger")["rows"]}
    reports = CustomerReport.objects.filter(request__in=asking)
    wrong = [
        proof
        for report in reports
        for proof in report.proofs
        if report.request in returned or not _is_true(proof, ledger.get(proof["refund_no"]))
    ]
    with_a_person = set(reports.filter(due_at__isnull=False).values_list("request_id", flat=True))
    alone = len(asking) - len(with_a_person)
    said = f"{len(asking)} asked, {alone} ended without staff, {len(wrong)} wrong proofs"
    logger.info("seed %s: %s", SEED, said)
    assert len(set(reports.values_list("request_id", flat=True))) == len(asking) == CUSTOMERS
    assert wrong == [], said
    assert {request.pk for request in returned} | {request.pk for request in by_hand} <= with_a_person
    assert alone >= 0.8 * len(asking), said


def _paid(wechat: RunningSimulator, count: int) -> list[RefundRequest]:
    merchant = make_merchant()
    make_account(merchant, wechat.account, first_query_s=0.05)
    sales = [make_sale(merchant, 10_000, phone=f"139{number:08d}", cashier=f"C{number}") for number in range(count)]
    payments = [
        {"order_no": sale.order_no, "transaction_no": sale.channel_transaction_no, "amount_fen": sale.amount_fen}
        for sale in sales
    ]
    wechat.control("POST", "/payments", {"payments": payments})
    # No amount by which the stand-in chooses an outcome of its own.
    requests = [make_request(sale, 1_210 + number % 80) for number, sale in enumerate(sales)]
    assert {request.state for request in requests} == {"approved"}
    until = time.monotonic() + 900
    while RefundRequest.objects.exclude(state__in=("refunded", "follow_up")).exists():
        assert time.monotonic() < until, list(RefundRequest.objects.values_list("state", flat=True))
        drain()
        time.sleep(0.05)
    return requests


def _say_missing(request: RefundRequest) -> None:
    """As the customer's page sends it."""
    answer = Client().post(f"/r/{tracking.token_for(request.pk)}/missing")
    assert answer.status_code == 302, answer.content.decode()


def _statement(request: RefundRequest) -> tuple[Bill, FundStatement]:
    account = request.transaction.channel_account
    assert account is not None
    day = days.day_made(account=account, day=timezone.now().date())
    said: dict[str, Any] = {"sha256": "0", "size": 1, "imported_at": timezone.now()}
    bill = Bill.objects.create(day=day, version=1, source="download", refunds=1, refunds_fen=1, **said)
    return bill, FundStatement.objects.create(day=day, **said)


def _named(payout: Execution) -> dict[str, Any]:
    return {
        "refund_no": payout.refund_no,
        "channel_refund_no": payout.channel_refund_no,
        "amount_fen": payout.amount_fen,
        "execution": payout,
    }


def _line(bill: Bill, request: RefundRequest) -> None:
    payout = request.executions.get()
    more = {"kind": "refund", "state": "SUCCESS", "outcome": MatchOutcome.MATCHED, "succeeded_at": payout.succeeded_at}
    BillLine.objects.create(bill=bill, line=bill.lines.count() + 1, **_named(payout), **more)


def _came_back(statement: FundStatement, request: RefundRequest) -> None:
    line = FundLine.objects.filter(statement=statement).count() + 1
    FundLine.objects.create(statement=statement, line=line, kind=FundKind.BACK, **_named(request.executions.get()))


def _is_true(proof: dict[str, Any], moved: dict[str, Any] | None) -> bool:
    """Whether the channel's own book has this payout under this number."""
    return moved is not None and (moved["channel_refund_no"], moved["amount_fen"]) == (
        proof["reference"],
        proof["amount_fen"],
    )
