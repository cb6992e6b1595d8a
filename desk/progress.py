"""The five steps of a refund: submitted, judged, reviewed, paid out, arrived."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from refunds.models import Approval, RefundRequest
from refunds.models.approval import Decision
from refunds.models.hand_accounts import is_by_hand
from refunds.rules.arrival import Arrival, expected_arrival
from refunds.states import PAID, UNDECIDED, State

#: While it is with the system or the channel the page keeps asking; every other state waits for a person or is the end.
MOVING = (State.APPROVED, State.EXECUTING, State.UNKNOWN)


def is_settled(request: RefundRequest) -> bool:
    return request.state not in MOVING


def ask_every_s(request: RefundRequest) -> int:
    """How often an open page asks for news: at once while money moves, at ease while colleagues may act, 0 for never."""
    if not is_settled(request):
        return 3
    return 20 if request.state in UNDECIDED else 0


def steps(request: RefundRequest, *, approvals: list[Approval], at: datetime) -> list[dict[str, Any]]:
    """``request`` comes with claimer, sale and channel account; ``approvals`` with their people, oldest first."""
    return [
        _step(gettext("Submitted"), "done", request.created_at),
        _step(gettext("Policy"), "done", request.created_at, _policy_note(request)),
        _review(request, approvals),
        _channel(request),
        _arrival(request, at),
    ]


def _step(label: str, status: str, at: datetime | None = None, note: str = "") -> dict[str, Any]:
    return {"label": label, "status": status, "at": at, "note": note}


def _policy_note(request: RefundRequest) -> str:
    decision = request.verdict["decision"]
    return gettext("approved by rule") if decision == "approve" else gettext("to a person")


def _review(request: RefundRequest, approvals: list[Approval]) -> dict[str, Any]:
    label = gettext("Review")
    state = State(request.state)
    if state is State.IN_REVIEW:
        owner = request.claimed_by
        note = gettext("with %(name)s") % {"name": owner.name} if owner else gettext("nobody's yet")
        return _step(label, "now", None, note)
    if state is State.NEEDS_INFO:
        return _step(label, "now", None, gettext("waiting for the customer"))
    if request.by_rule:
        return _step(label, "skipped", None, gettext("not needed"))
    if state is State.CANCELLED and request.decided_at is None:
        return _step(label, "failed", request.updated_at, gettext("cancelled"))
    decided = [item for item in approvals if item.decision != Decision.REQUEST_INFO]
    name = decided[-1].staff.name if decided else ""
    return _step(label, "failed" if state is State.REJECTED else "done", request.decided_at, name)


def _channel(request: RefundRequest) -> dict[str, Any]:
    label = gettext("Payout") if is_by_hand(request.route) else gettext("Channel")
    state = State(request.state)
    if state in PAID:
        return _step(label, "done", request.succeeded_at)
    if state is State.APPROVED:
        return _step(label, "now", None, gettext("about to be sent"))
    if state is State.EXECUTING:
        return _step(label, "now", None, gettext("the channel is working on it"))
    if state is State.UNKNOWN:
        return _step(label, "now", None, gettext("asking the channel again"))
    if state is State.MANUAL_PENDING:
        return _step(label, "now", None, gettext("a person pays it by hand"))
    if state is State.FAILED:
        return _step(label, "failed", request.updated_at, gettext("refused"))
    if state is State.CANCELLED:
        return _step(label, "skipped")
    return _step(label, "skipped" if state is State.REJECTED else "todo")


def _arrival(request: RefundRequest, at: datetime) -> dict[str, Any]:
    label = gettext("Arrival")
    state = State(request.state)
    if state in (State.REJECTED, State.CANCELLED, State.FAILED):
        return _step(label, "skipped")
    estimate = arrival(request, at=request.succeeded_at or at)
    if state not in PAID:
        return _step(label, "todo", None, arrival_label(estimate))
    if estimate.basis == "at_once" or at >= estimate.latest_at:
        return _step(label, "done", request.succeeded_at if estimate.basis == "at_once" else estimate.latest_at)
    return _step(label, "now", None, arrival_label(estimate))


def arrival(request: RefundRequest, *, at: datetime) -> Arrival:
    sale = request.transaction
    return expected_arrival(funding=sale.funding, profile=sale.profile, at=at, route=request.route)


def arrival_label(estimate: Arrival) -> str:
    """``within minutes``, ``by 2026-11-25``."""
    if estimate.basis == "at_once":
        return gettext("within minutes")
    return gettext("by %(day)s") % {"day": timezone.localtime(estimate.latest_at).strftime("%Y-%m-%d")}
