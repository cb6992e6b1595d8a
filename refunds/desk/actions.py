"""What this person can do with this refund now. The domain checks again; this only decides which buttons there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from core.errors import Forbidden
from merchants.models import Role, Staff
from refunds import permissions, ways_back
from refunds.desk.addresses import refund as refund_url
from refunds.desk.by_hand import may_pay
from refunds.desk.handover import may_hand_over
from refunds.models import Execution, RefundRequest
from refunds.states import OPEN_FOR_REVIEW, PAID, State

#: Where a request takes no more evidence.
_OVER = (State.CANCELLED, State.CLOSED)
#: Routes whose name is not the action's.
_ROUTES = {"evidence": "add-evidence", "pay": "pay-by-hand"}
_CANCELLABLE = (State.NEEDS_INFO, State.IN_REVIEW, State.APPROVED)
_SUPERVISORS = frozenset({Role.MANAGER, Role.OWNER})
_NAMES = "approve reject info claim release cancel reassign retry pay resubmit evidence note print"
_NONE = dict.fromkeys(_NAMES.split(), "")


@dataclass(frozen=True, slots=True)
class Offered:
    """Addresses of what is offered, empty for what is not.

    ``blocked`` says why a decider cannot decide what waits for a decision; ``why_not`` says of anything why it is not theirs to
    decide now, and is empty where they can.
    """

    urls: dict[str, str]
    blocked: str
    why_not: str


def offered(*, request: RefundRequest, staff: Staff, last: Execution | None, at: datetime) -> Offered:
    """``last`` is the newest payout."""
    blocked = why_not_decide(request=request, staff=staff, at=at)
    open_for_review = request.state in OPEN_FOR_REVIEW and permissions.may_review(staff)
    mine = request.claimed_by_id == staff.pk
    decidable = request.state == State.IN_REVIEW and permissions.may_review(staff) and not blocked
    wanted = {
        "approve": decidable,
        "reject": decidable,
        "info": decidable,
        "claim": open_for_review
        and request.claimed_by_id is None
        and permissions.may_decide(staff=staff, request=request, at=at),
        "release": open_for_review and request.claimed_by_id is not None and (mine or staff.role != Role.REVIEWER),
        "cancel": may_cancel(request=request, staff=staff),
        "reassign": may_hand_over(request=request, staff=staff),
        "retry": may_retry(request=request, staff=staff, last=last),
        "pay": request.state == State.MANUAL_PENDING and may_pay(request, staff),
        "resubmit": may_resubmit(request=request, staff=staff),
        "evidence": request.state not in _OVER,
        "note": True,
    }
    urls = {name: refund_url(request.number, _ROUTES.get(name, name)) for name, allowed in wanted.items() if allowed}
    if request.state in PAID:
        urls["print"] = refund_url(request.number, "voucher")
    return Offered({**_NONE, **urls}, blocked, "" if decidable else blocked or _nothing_to_decide(staff))


def _nothing_to_decide(staff: Staff) -> str:
    if not permissions.may_review(staff):
        return gettext("Your role does not decide refunds.")
    return gettext("This refund does not wait for a decision.")


def why_not_decide(*, request: RefundRequest, staff: Staff, at: datetime) -> str:
    """Why a decider may not decide this one; empty when they may, or when there is nothing to decide for them."""
    if request.state != State.IN_REVIEW or not permissions.may_review(staff):
        return ""
    try:
        permissions.check_may_decide(staff=staff, request=request, amount_fen=request.amount_fen, at=at)
    except Forbidden as error:
        return refusal_of(error.code, roles=permissions.deciding_roles(request=request, at=at))
    if request.claimed_by is not None and request.claimed_by_id != staff.pk:
        return gettext("%(name)s is working on this one.") % {"name": request.claimed_by.name}
    return ""


def may_cancel(*, request: RefundRequest, staff: Staff) -> bool:
    """Whoever submitted it, and those who review, as long as nothing was sent."""
    return request.state in _CANCELLABLE and (permissions.may_review(staff) or request.staff_id == staff.pk)


def may_retry(*, request: RefundRequest, staff: Staff, last: Execution | None) -> bool:
    """A failed payout that the channel does not refuse for good."""
    if request.state != State.FAILED or not permissions.may_retry(staff):
        return False
    return last is not None and ways_back.can_go_out_again(last)


def may_resubmit(*, request: RefundRequest, staff: Staff) -> bool:
    """Sending in again: what was missing by those at the counter, what failed by finance, what was rejected by a supervisor."""
    if request.state == State.NEEDS_INFO:
        return permissions.may_review(staff) or request.staff_id == staff.pk
    if request.state == State.FAILED:
        return permissions.may_retry(staff)
    return request.state == State.REJECTED and staff.role in _SUPERVISORS


def refusal_of(code: str, *, roles: Collection[str]) -> str:
    """Why a decider may not decide; ``roles`` are those whose tier it is."""
    if code == "own_request":
        return gettext("You submitted or rang up this one. Someone else must decide it.")
    named = ", ".join(str(role.label) for role in Role if role.value in roles)
    return gettext("An amount like this is decided by: %(roles)s") % {"roles": named}
