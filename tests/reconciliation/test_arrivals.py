"""A customer who does not find the money gets proof, or a person; never a proof that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import NotFound
from merchants import principals
from merchants.principals import Principal
from payment_channels.contract import Done, Outcome, PaidTo, Refused, Retry, SecondLeg, Unknown
from reconciliation import arrivals, days
from reconciliation.models import Bill, BillLine, FundLine, FundStatement
from reconciliation.models.bill import MatchOutcome
from reconciliation.models.fund_line import FundKind
from refunds.follow_up import reports
from refunds.models import CustomerReport, Execution, RefundRequest
from refunds.payouts import proving
from refunds.states import Route
from tests.customer.conftest import in_state
from tests.refunds import hand
from tests.refunds.payouts.test_doubt import Scripted

pytestmark = pytest.mark.django_db

LOST = Unknown(code="timeout", message="no answer in time")


def customer_of(request: RefundRequest) -> Principal:
    return principals.of_customer(merchant_id=request.merchant_id, store_id=request.store_id, request_id=request.pk)


def done(payout: Execution, **changes: Any) -> Done:
    assert payout.succeeded_at is not None
    said = Done(
        refund_no=payout.refund_no,
        channel_refund_no=payout.channel_refund_no,
        amount_fen=payout.amount_fen,
        succeeded_at=payout.succeeded_at,
        raw="{}",
    )
    return replace(said, **changes)


Says = Callable[[Outcome], None]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """What the channel answers from now on, however often."""

    def script(outcome: Outcome) -> None:
        monkeypatch.setattr(proving, "adapter_for", lambda *_: Scripted(queries=[outcome]))

    return script


def report(request: RefundRequest, **later: float) -> CustomerReport:
    at = timezone.now() + timedelta(**later)
    return arrivals.not_arrived(request_id=request.pk, by=customer_of(request), at=at)


def test_not_arrived_when_channel_confirms_shows_its_number(says: Says) -> None:
    request = in_state("refunded")
    payout = request.executions.get()
    says(done(payout))

    said = report(request)

    (proof,) = said.proofs
    assert (proof["reference"], proof["amount_fen"]) == (payout.channel_refund_no, 26_800)
    assert proof["seen"] == ["channel"]
    assert (said.due_at, said.owner) == (None, None)
    assert AuditEvent.objects.filter(object_id=str(request.pk), action="refund.not_arrived").count() == 1


@pytest.mark.parametrize(
    "changes",
    [{"amount_fen": 100}, {"channel_refund_no": "5030999"}, {"refund_no": "R9"}],
    ids=["another amount", "another number", "another refund"],
)
def test_not_arrived_when_channel_speaks_of_something_else_opens_a_case(says: Says, changes: dict[str, Any]) -> None:
    request = in_state("refunded")
    says(done(request.executions.get(), **changes))

    said = report(request)

    assert said.proofs == []
    assert said.is_open
    assert said.owner is not None


@pytest.mark.parametrize(
    "outcome",
    [LOST, Unknown(code="not_found", message=""), Unknown(code="ABNORMAL", message="", attention=True)],
    ids=["time-out", "not known", "stuck"],
)
def test_not_arrived_when_channel_proves_nothing_opens_a_case(says: Says, outcome: Outcome) -> None:
    request = in_state("refunded")
    says(outcome)

    said = report(request)

    assert (said.proofs, said.is_open) == ([], True)


def test_not_arrived_when_channel_takes_it_back_holds_the_sale_and_opens_a_case(says: Says) -> None:
    request = in_state("refunded")
    says(Refused(code="REFUND_NOT_EXISTS", message="", retry=Retry.NEVER))

    said = report(request)

    request.transaction.refresh_from_db()
    assert request.transaction.held_at is not None
    assert (said.proofs, said.is_open) == ([], True)


def test_not_arrived_when_the_store_has_the_money_opens_a_case(says: Says) -> None:
    request = in_state("refunded")
    request.executions.update(paid_to=PaidTo.MERCHANT)
    says(done(request.executions.get()))

    assert report(request).proofs == []


def test_not_arrived_when_the_bank_is_silent_after_its_day_opens_a_case(says: Says) -> None:
    request = in_state("refunded")
    request.executions.update(second_leg=SecondLeg.PENDING, arrives_at=timezone.now() - timedelta(days=1))
    says(done(request.executions.get(), second_leg=SecondLeg.PENDING))

    assert report(request).proofs == []


def _line(payout: Execution, **changes: Any) -> None:
    """A line of a statement; only what is asked about it is stored (its bill and day do not matter here)."""

    assert payout.succeeded_at is not None
    day = days.day_made(account=payout.channel_account, day=payout.succeeded_at.date())
    bill = Bill.objects.create(
        day=day, version=1, source="download", sha256="0", size=1, refunds=1, refunds_fen=1, imported_at=timezone.now()
    )
    said = {
        "refund_no": payout.refund_no,
        "channel_refund_no": payout.channel_refund_no,
        "amount_fen": payout.amount_fen,
        "succeeded_at": payout.succeeded_at,
        "outcome": MatchOutcome.MATCHED,
    }
    BillLine.objects.create(bill=bill, line=1, kind="refund", execution=payout, state="SUCCESS", **{**said, **changes})


def test_not_arrived_when_channel_is_away_and_statement_has_it_shows_proof(says: Says) -> None:
    request = in_state("refunded")
    _line(request.executions.get())
    says(LOST)

    said = report(request)

    assert [proof["seen"] for proof in said.proofs] == [["statement"]]
    assert not said.is_open


@pytest.mark.breaks_invariants  # a statement that differs is what it is about
@pytest.mark.parametrize(
    "changes",
    [{"outcome": MatchOutcome.AMOUNT_DIFFERS}, {"amount_fen": 1}, {"channel_refund_no": "X"}, {"succeeded_at": None}],
    ids=["differs", "amount", "number", "not paid"],
)
def test_not_arrived_when_channel_is_away_and_statement_differs_opens_a_case(
    says: Says, changes: dict[str, Any]
) -> None:
    request = in_state("refunded")
    _line(request.executions.get(), **changes)
    says(LOST)

    assert report(request).is_open


def test_not_arrived_when_the_money_came_back_opens_a_case_whatever_else_is_said(says: Says) -> None:
    request = in_state("refunded")
    payout = request.executions.get()
    day = days.day_made(account=payout.channel_account, day=timezone.now().date())
    statement = FundStatement.objects.create(day=day, sha256="0", size=1, imported_at=timezone.now())
    FundLine.objects.create(
        statement=statement,
        line=1,
        kind=FundKind.BACK,
        refund_no=payout.refund_no,
        channel_refund_no=payout.channel_refund_no,
        amount_fen=payout.amount_fen,
        execution=payout,
    )
    says(done(payout))

    assert report(request).is_open


def test_not_arrived_when_said_twice_at_once_is_one_word_and_asks_once(says: Says) -> None:
    request = in_state("refunded")
    says(done(request.executions.get()))
    first = report(request)

    assert report(request) == first  # a second question would find the script at its end


def test_not_arrived_when_said_again_after_its_day_opens_a_case(says: Says) -> None:
    request = in_state("refunded")
    says(done(request.executions.get()))
    report(request)
    says(done(request.executions.get()))

    again = report(request, days=1)

    assert again.is_open
    assert len(again.proofs) == 1
    assert report(request, days=2) == again


def test_not_arrived_when_a_person_paid_opens_a_case() -> None:
    request = hand.confirmed(hand.waiting(Route.BANK_TRANSFER))

    said = report(request)

    assert (said.proofs, said.is_open) == ([], True)


@pytest.mark.parametrize("state", ["in_review", "executing", "failed", "rejected"])
def test_not_arrived_when_nothing_is_paid_is_refused(state: str) -> None:
    request = in_state(state)

    with pytest.raises(reports.NotPaidYet):
        report(request)

    assert not CustomerReport.objects.exists()


def test_not_arrived_when_link_is_of_another_request_is_not_found() -> None:
    request, other = in_state("refunded"), in_state("refunded")

    with pytest.raises(NotFound):
        arrivals.not_arrived(request_id=request.pk, by=customer_of(other), at=timezone.now())

    assert not CustomerReport.objects.exists()
