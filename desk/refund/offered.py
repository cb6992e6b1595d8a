"""What this person can do with this refund now. The domain checks again; this only decides which buttons there are."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.utils.translation import gettext

from core import codes
from core.plain_text import listed
from desk.addresses import refund as refund_url
from merchants import rights
from merchants.models import Role
from merchants.principals import Principal
from merchants.rights import Act
from reconciliation import portal
from refunds.facts import conditions, goods, plans
from refunds.models import Execution, PendingDecision, RefundRequest
from refunds.models.goods_return import HERE, OPEN, OfferAnswer
from refunds.payouts import by_hand, ending, ways_back
from refunds.review import decidable
from refunds.review.decidable import Undecidable
from refunds.rules.worth import GOODS_COME_BACK
from refunds.states import OPEN_FOR_REVIEW, PAID, State, edge

#: Where a request takes no more evidence.
_OVER = (State.CANCELLED, State.CLOSED)
#: Where an offer can still be answered.
_ANSWERABLE = (State.IN_REVIEW, State.NEEDS_INFO, State.WAITING_GOODS)
#: Routes whose name is not the action's.
_ROUTES = {"evidence": "add-evidence", "pay": "pay-by-hand", "end": "end-unknown", "give_up": "give-up-leg"}
_CANCELLABLE = edge("cancel").sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Addresses of what is offered, empty for what is not.

    ``blocked`` says why a decider cannot decide what waits for a decision; ``why_not`` says of anything why it is not theirs to
    decide now, and is empty where they can.
    """

    approve: str = ""
    reject: str = ""
    info: str = ""
    extend: str = ""
    claim: str = ""
    release: str = ""
    cancel: str = ""
    reassign: str = ""
    retry: str = ""
    adopt: str = ""
    give_up: str = ""
    pay: str = ""
    end: str = ""
    resubmit: str = ""
    evidence: str = ""
    note: str = ""
    ask_goods: str = ""
    call_off: str = ""
    send_goods: str = ""
    receive_goods: str = ""
    inspect: str = ""
    offer: str = ""
    answer_offer: str = ""
    name_order: str = ""
    return_slip: str = ""
    print: str = ""
    blocked: str
    why_not: str

    @property
    def any_button(self) -> bool:
        """Whether there is a button beside the menu of the rest."""
        return bool(
            self.approve
            or self.reject
            or self.claim
            or self.retry
            or self.adopt
            or self.pay
            or self.end
            or self.resubmit
        )

    @property
    def any_in_pane(self) -> bool:
        """Whether the preview needs a foot; paying by hand alone has a page of its own."""
        return bool(
            self.approve or self.reject or self.info or self.claim or self.retry or self.resubmit or self.blocked
        )

    @property
    def any_in_menu(self) -> bool:
        decided = self.claim or self.release or self.reassign or self.cancel or self.retry or self.resubmit
        goods = self.ask_goods or self.receive_goods or self.offer
        return bool(decided or self.evidence or self.print or self.info or self.extend or goods)


def offered(
    *,
    request: RefundRequest,
    by: Principal,
    last: Execution | None,
    at: datetime,
    known: Mapping[UUID, Undecidable | None] = MappingProxyType({}),
) -> Offered:
    """``last`` is the newest payout; ``known`` is whether these are undecidable, as the list beside it has found already."""
    open_for_review = request.state in OPEN_FOR_REVIEW
    in_review = request.state == State.IN_REVIEW and rights.may(Act.APPROVE, by=by)
    if request.pk not in known:
        known = decidable.undecidable(requests=[request], by=by, at=at)
    refused = known.get(request.pk)
    blocked = _why_not_decide(request, by, refused) if in_review else ""

    def may(act: Act) -> bool:
        return conditions.may(act, by=by, request=request, at=at)

    # Refusing one of many that come to too much together takes no higher tier than the one alone.
    is_pending = getattr(request, "pending_decision", None) is not None
    refusable = in_review and (not blocked or (not is_pending and _is_free(request, by) and may(Act.REJECT)))
    unclaimed = open_for_review and request.claimed_by_id is None
    wanted = {
        "approve": in_review and not blocked,
        "reject": refusable,
        "info": refusable,
        "extend": refusable,
        "claim": unclaimed
        and not is_pending
        and (not refused if in_review else decidable.may_decide(by=by, request=request, at=at)),
        "release": open_for_review and request.claimed_by_id is not None and may(Act.RELEASE),
        "cancel": request.state in _CANCELLABLE and may(Act.CANCEL),
        "reassign": open_for_review and may(Act.REASSIGN),
        "retry": request.state in (State.FAILED, State.PARTIALLY_REFUNDED)
        and ways_back.can_retry(request, last)
        and may(Act.RETRY),
        "adopt": portal.can_adopt(request, last) and rights.may(Act.ADOPT, by=by),
        "give_up": _waits_for_its_account(request, last) and may(Act.RETRY),
        "pay": (waiting := by_hand.waiting_route(request)) != "" and may(conditions.pay_act(waiting)),
        "end": ending.silent(request) is not None and may(Act.END_UNKNOWN),
        "resubmit": (request.state in (State.NEEDS_INFO, State.REJECTED) and may(Act.RESUBMIT))
        or (request.state == State.FAILED and may(Act.RESUBMIT_FAILED)),
        "evidence": request.state not in _OVER and may(Act.ADD_EVIDENCE),
        "note": may(Act.ADD_NOTE),
    }
    # Who may reject it may as well ask for its goods, or offer something else.
    wanted |= _of_goods(request, may, refusable=refusable and _is_free(request, by))
    urls = {
        name: refund_url(request.number, _ROUTES.get(name, name.replace("_", "-")))
        for name, allowed in wanted.items()
        if allowed
    }
    if request.state in PAID:
        urls["print"] = refund_url(request.number, "voucher")
    nothing = (
        gettext("This refund does not wait for a decision.")
        if rights.may(Act.APPROVE, by=by)
        else gettext("Your role does not decide refunds.")
    )
    return Offered(**urls, blocked=blocked, why_not="" if "approve" in urls else blocked or nothing)


def _of_goods(request: RefundRequest, may: Callable[[Act], bool], *, refusable: bool) -> dict[str, bool]:
    """What can be done about goods that come back, and about offers instead."""
    last, open_offer = goods.latest(request), goods.open_offer(request)
    is_here = last is not None and last.state in HERE
    is_open = last is not None and last.state in OPEN
    on_its_way = is_open and not is_here
    about_goods = last is not None or request.reason in GOODS_COME_BACK or request.lines.exists()
    unnamed = any(one.answer == OfferAnswer.ACCEPTED and not one.new_order_no for one in request.offers.all())
    return {
        "ask_goods": refusable and about_goods and not is_open,
        "call_off": on_its_way and request.state == State.WAITING_GOODS and may(Act.ASK_GOODS),
        "send_goods": on_its_way and may(Act.SEND_GOODS),
        "receive_goods": about_goods and not is_here and request.state != State.VERIFYING and may(Act.RECEIVE_GOODS),
        "inspect": is_open and is_here and may(Act.INSPECT_GOODS),
        "offer": refusable and about_goods and open_offer is None,
        "answer_offer": open_offer is not None and request.state in _ANSWERABLE and may(Act.ANSWER_OFFER),
        "name_order": unnamed and may(Act.ANSWER_OFFER),
        "return_slip": last is not None,
    }


def _waits_for_its_account(request: RefundRequest, last: Execution | None) -> bool:
    """Whether an everyday refund's channel account takes no calls; the parts of a plan have buttons of their own."""
    if request.leg_count or last is None or request.state != State.EXECUTING:
        return False
    return plans.standing_of(request, [last])[-1].is_barred


def _why_not_decide(request: RefundRequest, by: Principal, refused: Undecidable | None) -> str:
    pending: PendingDecision | None = getattr(request, "pending_decision", None)
    if pending is not None:
        name = {"name": pending.staff.name}
        return gettext("Decided by %(name)s a moment ago; it takes effect in a few seconds.") % name
    if refused is not None:
        return refusal_of(refused.code, roles=refused.roles)
    if request.claimed_by is not None and not _is_free(request, by):
        return gettext("%(name)s is working on this one.") % {"name": request.claimed_by.name}
    return ""


def _is_free(request: RefundRequest, by: Principal) -> bool:
    """Whether no colleague is working on it."""
    return request.claimed_by_id in (None, by.staff_id)


def refusal_of(code: str, *, roles: Collection[str]) -> str:
    """Why a decider may not decide; ``roles`` are those whose tier it is."""
    if code in ("own_request", "second_approver_needed", "above_own_limit"):
        return codes.words(code)
    named = listed(role.label for role in Role if role.value in roles)
    return gettext("An amount like this is decided by: %(roles)s") % {"roles": named}
