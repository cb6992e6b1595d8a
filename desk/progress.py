"""The five steps of a refund: submitted, judged, reviewed, paid out, arrived."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext

from refunds.models import Approval, Execution, RefundRequest
from refunds.models.approval import Decision
from refunds.models.hand_accounts import is_by_hand
from refunds.rules import payment
from refunds.rules.arrival import Arrival, expected_arrival
from refunds.rules.waiting import Waiting
from refunds.states import OWNER, PAID, UNDECIDED, Owner, State
from refunds.telling.destinations import went
from refunds.telling.stand_words import TABLE
from refunds.telling.stands import Stand, stand

#: While it is with the system or the channel the page keeps asking; every other state waits for a person or is the end.
MOVING = (State.VERIFYING, State.APPROVED, State.EXECUTING, State.UNKNOWN)

#: Of these nobody can say when it arrives.
_NO_DAY = frozenset({Stand.STUCK, Stand.SILENT, Stand.NOT_TAKEN, Stand.DIFFERS, Stand.SHORT, Stand.BARRED})


@dataclass(frozen=True, slots=True)
class Step:
    """``status`` is done, now, todo, failed or skipped."""

    label: str
    status: str
    at: datetime | None = None
    note: str = ""


def is_settled(request: RefundRequest) -> bool:
    return request.state not in MOVING


def ask_every_s(request: RefundRequest) -> int:
    """How often an open page asks for news: at once while money moves, at ease while colleagues may act, 0 for never."""
    if not is_settled(request):
        return 3
    return 20 if request.state in UNDECIDED else 0


def steps(
    request: RefundRequest,
    *,
    approvals: list[Approval],
    payout: Execution | None,
    waited: Waiting | None,
    at: datetime,
) -> list[Step]:
    """``request`` comes with claimer, sale and channel account; ``approvals`` with their people, oldest first; ``payout`` is the
    newest, ``waited`` how long it has been waited for.
    """
    by_rule = request.verdict["decision"] == "approve"
    return [
        Step(gettext("Submitted"), "done", request.created_at),
        Step(
            gettext("Policy"),
            "done",
            request.created_at,
            gettext("approved by rule") if by_rule else gettext("to a person"),
        ),
        _review(request, approvals, at),
        _channel(request, payout),
        _arrival(request, payout, waited, at),
    ]


def _review(request: RefundRequest, approvals: list[Approval], at: datetime) -> Step:
    label = gettext("Review")
    state = State(request.state)
    if state is State.IN_REVIEW:
        owner = request.claimed_by
        if any(one.version == request.version and one.lapses_at and one.lapses_at > at for one in approvals):
            return Step(label, "now", None, gettext("1 of 2 approvals"))
        note = gettext("with %(name)s") % {"name": owner.name} if owner else gettext("nobody's yet")
        return Step(label, "now", None, note)
    if state is State.VERIFYING:
        asked = any(rule["code"] == payment.RULE and not rule["passed"] for rule in request.verdict["rules"])
        said = gettext("the channel is asked about the payment") if asked else gettext("the policy judges it again")
        return Step(label, "now", None, said)
    if state is State.NEEDS_INFO:
        return Step(label, "now", None, gettext("waiting for the customer"))
    if state is State.WAITING_VENDOR:
        return Step(label, "now", None, gettext("waiting for the provider's answer"))
    if state is State.WAITING_GOODS:
        return Step(
            label, "now", None, gettext("waiting for the goods") if request.paused_at else gettext("goods to inspect")
        )
    if request.by_rule:
        return Step(label, "skipped", None, gettext("not needed"))
    if state is State.CANCELLED and request.decided_at is None:
        return Step(label, "failed", request.updated_at, gettext("cancelled"))
    decided = [item for item in approvals if item.decision != Decision.REQUEST_INFO]
    name = decided[-1].staff.name if decided else ""
    if decided and decided[-1].needed > 1:
        first = next((one for one in reversed(decided) if one.lapses_at), decided[-1])
        name = gettext("%(first)s and %(second)s") % {"first": first.staff.name, "second": name}
    return Step(label, "failed" if state is State.REJECTED else "done", request.decided_at, name)


def _channel(request: RefundRequest, payout: Execution | None) -> Step:
    label = gettext("Payout") if is_by_hand(request.route) else gettext("Channel")
    state = State(request.state)
    if state in PAID:
        return Step(label, "done", request.succeeded_at)
    note = str(TABLE[stand(payout)].step) if payout else ""
    if state is State.FAILED:
        return Step(label, "failed", request.updated_at, note)
    if state in (State.APPROVED, State.EXECUTING, State.UNKNOWN, State.MANUAL_PENDING):
        return Step(label, "now", None, note)
    if state is State.CANCELLED:
        return Step(label, "skipped")
    return Step(label, "skipped" if state is State.REJECTED else "todo")


def _arrival(request: RefundRequest, payout: Execution | None, waited: Waiting | None, at: datetime) -> Step:
    label = gettext("Arrival")
    state = State(request.state)
    if state in (State.REJECTED, State.CANCELLED, State.FAILED):
        return Step(label, "skipped")
    sale = request.transaction
    gone = went(request=request)
    estimate = expected_arrival(
        funding=gone.funding(sale), profile=sale.profile, at=request.succeeded_at or at, route=request.route
    )
    where = stand(payout) if payout else None
    # It would be paid before the customer gave or sent what they were asked for.
    if where in _NO_DAY or OWNER[state] is Owner.CUSTOMER:
        return Step(label, "todo")
    if where in (Stand.BANK_SILENT, Stand.WITH_STORE):
        status = "failed" if where is Stand.WITH_STORE else "now"
        return Step(label, status, None, str(TABLE[where].step))
    if waited is not None and waited.overdue:
        day = timezone.localtime(waited.expected_at).strftime("%Y-%m-%d")
        return Step(label, "now" if state in PAID else "todo", None, gettext("overdue; by %(day)s now") % {"day": day})
    if where is Stand.TO_BANK:
        return Step(label, "now", None, str(TABLE[where].step))
    if state not in PAID:
        return Step(label, "todo", None, arrival_label(estimate))
    if estimate.basis == "at_once" or at >= estimate.latest_at:
        return Step(label, "done", request.succeeded_at if estimate.basis == "at_once" else estimate.latest_at)
    return Step(label, "now", None, arrival_label(estimate))


def arrival_label(estimate: Arrival) -> str:
    """``within minutes``, ``by 2026-11-25``, and where that is from own refunds."""
    if estimate.basis == "at_once":
        return gettext("within minutes")
    day = {"day": timezone.localtime(estimate.latest_at).strftime("%Y-%m-%d")}
    if estimate.basis == "own_history":
        return gettext("by %(day)s, as refunds took lately") % day
    return gettext("by %(day)s") % day
