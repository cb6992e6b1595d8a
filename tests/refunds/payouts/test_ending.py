"""A payout of which the channel says nothing is ended with proof from its portal, by two people."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from core.audit.models import AuditEvent
from core.errors import DomainError
from merchants.principals import Principal, of_staff
from payment_channels.contract import Unknown
from refunds import payouts
from refunds.evidence import files
from refunds.models import Evidence, Execution, RefundRequest
from refunds.models.ledger import LedgerEntry
from refunds.payouts import ending, ways_back
from refunds.payouts.ending import Finding
from tests import pictures
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds import plans
from tests.refunds.payouts.test_doubt import Scripted

pytestmark = pytest.mark.django_db

LOST = Unknown(code="timeout", message="no answer")


@pytest.fixture(autouse=True)
def _evidence_goes_to(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def lost() -> RefundRequest:
    """Sent, asked about twice in ten minutes, and nothing came."""
    request = make_request(make_sale(make_merchant()), 1_200)
    now = timezone.now()
    for minutes in (0, 1, 10):
        for claimed in payouts.claim(limit=1, at=now + timedelta(minutes=minutes)):
            answer = payouts.ask(claimed, Scripted(refunds=[LOST], queries=[LOST]))
            payouts.settle([answer], at=now + timedelta(minutes=minutes))
    return RefundRequest.objects.get(pk=request.pk)


def _finance(request: RefundRequest) -> Principal:
    return of_staff(make_staff(request.merchant, "finance"))


def _propose(request: RefundRequest, *, by: Principal, **finding: Any) -> RefundRequest:
    return ending.propose(
        request_id=request.pk,
        finding=Finding(**{"paid": False, "note": "查无此单", **finding}),
        picture=files.read_picture(upload=pictures.upload()),
        by=by,
        at=timezone.now(),
        version=request.version,
    )


def _confirm(request: RefundRequest, *, by: Principal) -> RefundRequest:
    return ending.confirm(request_id=request.pk, by=by, at=timezone.now(), version=request.version)


def _paid_at(request: RefundRequest) -> datetime:
    return request.executions.get().created_at + timedelta(milliseconds=1)


def _refused(code: str, request: RefundRequest, act: Any) -> None:
    before = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refusal:
        act()
    assert refusal.value.code == code
    again = RefundRequest.objects.get(pk=request.pk)
    assert (again.state, again.version, again.refunded_fen) == (request.state, request.version, 0)
    assert AuditEvent.objects.count() == before
    assert not LedgerEntry.objects.exists()


def test_confirm_when_two_people_saw_it_paid_pays_and_books_once(lost: RefundRequest) -> None:
    first, second = _finance(lost), _finance(lost)
    _propose(lost, by=first, paid=True, channel_refund_no="5030", paid_at=_paid_at(lost))
    assert RefundRequest.objects.get(pk=lost.pk).state == "unknown"

    done = _confirm(lost, by=second)

    payout = lost.executions.get()
    assert (done.state, payout.state, payout.channel_refund_no) == ("refunded", "succeeded", "5030")
    assert payout.proof_source == "portal"
    assert LedgerEntry.objects.filter(kind="payout").count() == 2
    assert Evidence.objects.filter(request=lost).count() == 1


@pytest.mark.parametrize(
    "typed",
    ["`50300001", " 5030 0001\t", "５０３００００１", "\u202d50300001\u202c", "微信退款单号：50300001", "'50300001"],
)
def test_number_from_the_portal_however_it_was_copied_is_one(lost: RefundRequest, typed: str) -> None:
    first, second = _finance(lost), _finance(lost)
    _propose(lost, by=first, paid=True, channel_refund_no=typed, paid_at=_paid_at(lost))
    _confirm(lost, by=second)
    assert lost.executions.get().channel_refund_no == "50300001"


@pytest.mark.parametrize("typed", ["5.03E+27", "5e27"])
def test_number_that_a_spreadsheet_has_shortened_is_no_proof(lost: RefundRequest, typed: str) -> None:
    by = _finance(lost)
    finding = {"paid": True, "channel_refund_no": typed, "paid_at": _paid_at(lost)}
    _refused("proof_incomplete", lost, lambda: _propose(lost, by=by, **finding))


def test_confirm_when_portal_shows_nothing_fails_and_goes_out_again_under_the_same_number_only(
    lost: RefundRequest,
) -> None:
    _propose(lost, by=_finance(lost))

    failed = _confirm(lost, by=_finance(lost))

    payout = lost.executions.get()
    assert (failed.state, payout.failure_code, payout.failure_message) == ("failed", "not_in_portal", "查无此单")
    ways_back.retry(request_id=lost.pk, by=_finance(lost), at=timezone.now(), version=failed.version)
    again = lost.executions.get()
    assert (again.refund_no, again.state, again.denials) == (payout.refund_no, "ready", 0)


def test_confirm_when_it_is_the_same_person_is_refused(lost: RefundRequest) -> None:
    first = _finance(lost)
    _propose(lost, by=first)

    _refused("second_person_needed", lost, lambda: _confirm(lost, by=first))


def test_confirm_when_nobody_said_anything_is_refused(lost: RefundRequest) -> None:
    _refused("nothing_proposed", lost, lambda: _confirm(lost, by=_finance(lost)))


@pytest.mark.parametrize(
    "finding",
    [
        {"paid": True},
        {"paid": True, "channel_refund_no": "5030"},
        {"paid": True, "channel_refund_no": " ", "paid_at": timezone.now()},
        {"paid": True, "channel_refund_no": "5030", "paid_at": timezone.now() - timedelta(days=9)},
        {"paid": True, "channel_refund_no": "5030", "paid_at": timezone.now() + timedelta(days=9)},
    ],
)
def test_propose_when_it_is_no_proof_is_refused(lost: RefundRequest, finding: dict[str, Any]) -> None:
    _refused("proof_incomplete", lost, lambda: _propose(lost, by=_finance(lost), **finding))


def test_propose_when_the_channel_may_still_say_is_refused() -> None:
    request = make_request(make_sale(make_merchant()), 1_200)
    payouts.claim(limit=1, at=timezone.now())
    request = RefundRequest.objects.get(pk=request.pk)

    _refused("state_conflict", request, lambda: _propose(request, by=_finance(request)))


def test_propose_when_not_of_finance_is_refused(lost: RefundRequest) -> None:
    cashier = of_staff(make_staff(lost.merchant, "cashier"))

    _refused("role_required", lost, lambda: _propose(lost, by=cashier))


# --- legs of a plan ---


@pytest.mark.parametrize("paid", [True, False])
def test_confirm_when_a_leg_is_lost_and_the_other_is_paid_the_leg_alone_is_ended(paid: bool) -> None:
    order = plans.order_of_two()
    request = plans.ask(order[0])
    plans.answer(request, 2, "unknown")
    now = timezone.now()
    for minutes in (1, 10):
        Execution.objects.filter(request=request, state="unknown").update(due_at=now)
        plans.answer(request, 2, "unknown", at=now + timedelta(minutes=minutes))
    request = plans.answer(request, 1)
    assert request.state == "partially_refunded"
    leg = ending.silent(request)
    assert leg is not None
    assert leg.sequence == 2
    first, second = _finance(request), _finance(request)
    found = {"paid": True, "channel_refund_no": "5030", "paid_at": leg.created_at + timedelta(milliseconds=1)}
    _propose(request, by=first, **(found if paid else {}))
    done = _confirm(request, by=second)
    assert (done.state, done.refunded_fen) == (("refunded", 30_000) if paid else ("partially_refunded", 20_000))
    assert plans.held(*order) == [(20_000, 20_000, 1), (10_000, 10_000 * paid, 1)]
    assert ending.silent(done) is None
    assert ending.proposed(done) is None
