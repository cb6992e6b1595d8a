"""The table of rights asked about a refund: whose it is, who has had a hand in it, and whose amount it is to decide.

``merchants.rights`` says who may; what it says of a refund's own history is looked up here. Distance is asked of persons: whoever
made a key did what the key did.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from core import clock
from core.audit.actors import ActorKind
from core.audit.models import AuditEvent
from core.errors import Conflict, DomainError, Forbidden, NotFound
from merchants import delegations, rights
from merchants.delegations import Deputyship
from merchants.models import ApiKey, Staff
from merchants.policies.rules import Tier
from merchants.principals import Kind, Principal, of_staff
from merchants.rights import TABLE, Act, Condition, Subject
from refunds.facts import approvals, sums
from refunds.models import Approval, Leg, PendingDecision, RefundRequest
from refunds.models.approval import Decision
from refunds.states import Route
from terminals.models import Transaction
from terminals.versions import CORRECTED

#: The version of a request that was submitted and judged once; nobody has corrected or redirected it yet.
_FIRST_JUDGED = 3

#: What leaves a hand in a refund beside asking for it: correcting it (and with it the account of a transfer), and sending its
#: payout to another account.
_HANDS = ("refund.resubmit", "refund.send_elsewhere", "refund.renew_leg", "refund.transfer_returned")

#: Who rejected it has a hand in it once its customer has appealed: another reviewer looks then.
_REJECT, _APPEAL = "refund.reject", "refund.appeal"

#: What a key may do with refunds that others asked for, and what lets them go on to be paid.
_OF_OTHERS = frozenset({Act.RECEIVE_GOODS, Act.INSPECT_GOODS})

_PAYING = frozenset({Act.PAY_CASH, Act.PAY_BY_HAND, Act.REDIRECT_TO_PERSON})


class ClaimedByAnother(Conflict):
    """A colleague is working on it."""

    code = "claimed_by_another"


class DecisionPending(Conflict, code="decision_pending"):
    """Somebody has decided it a moment ago, and may still take that back."""


class PhoneNotShown(Forbidden, code="phone_not_shown"):
    """Whoever does this has a link to the refund, and has not shown that they hold the customer's phone."""


def phone_to_show(request: RefundRequest) -> str:
    """The phone whose holder alone does behind a link what moves money elsewhere or cannot be taken back: the sale's, before one
    that was typed in for the refund. "" where none is known, and in a sandbox, from which nobody is sent a code.

    Staff, keys and printed slips have the link as well, and what is done by it counts as the customer's.
    """
    if request.merchant.sandbox_of_id is not None:
        return ""
    return request.transaction.payer_phone or request.customer_phone


def check_not_customer(by: Principal) -> None:
    """Customers ask for a refund and name an account, on their own pages: nothing else that ``SUBMIT`` opens to shops."""
    if by.kind is Kind.CUSTOMER:
        raise Forbidden("customers do not do this", code="role_required")


def check(
    act: Act, *, by: Principal, request: RefundRequest, amount_fen: int | None = None, at: datetime | None = None
) -> None:
    """Raise ``Forbidden`` unless ``by`` may do this to the request, by the table and its conditions; ``NotFound`` for what they
    may not know of, ``MandateExceeded`` for a key whose mandate does not go so far.

    ``amount_fen`` is the amount that is decided, by default what was asked for; ``at`` chooses the policy in force.
    """
    check_known(request, by=by)
    rights.check_may(act, by=by, subject=subject_of(request, by=by))
    asked = _Asked(act, by, request, request.amount_fen if amount_fen is None else amount_fen, at or clock.now())
    if by.mandate is not None and act in _OF_OTHERS:
        # What a key may not ask for, it does not help along either.
        by.mandate.check(
            amount_fen=request.amount_fen,
            reason=request.reason,
            route=request.route,
            on_behalf_of=by.name,
            at=asked.at,
        )
    for condition in TABLE[act].conditions:
        _CHECKS[condition](asked)


def as_now(by: Principal) -> Principal:
    """The same person as the database has them at this moment: who has waited for a lock may have been switched off meanwhile."""
    if by.staff_id is None:
        return by
    now = of_staff(Staff.objects.get(pk=by.staff_id))
    return replace(
        by,
        role=now.role,
        stores=now.stores,
        limit_fen=now.limit_fen,
        till_codes=now.till_codes,
        is_active=by.is_active and now.is_active,
    )


def check_known(request: RefundRequest, *, by: Principal) -> None:
    """Raise ``NotFound`` for a request of another merchant or store, as for one that does not exist."""
    try:
        rights.check_within_walls(by=by, subject=subject_of(request, by=by))
    except NotFound as error:
        raise NotFound("there is no such refund request") from error


def check_not_anothers(request: RefundRequest, *, by: Principal) -> None:
    """Raise ``ClaimedByAnother`` where a colleague works on it: a courtesy, the version is the lock. Raise ``DecisionPending``
    where it is decided and that has not taken effect yet.
    """
    if PendingDecision.objects.filter(pk=request.pk).exists():
        raise DecisionPending("it is decided", state=request.state, version=request.version)
    if request.claimed_by_id not in (None, by.staff_id):
        raise ClaimedByAnother("a colleague is working on this request", state=request.state, version=request.version)


def may(
    act: Act, *, by: Principal, request: RefundRequest, amount_fen: int | None = None, at: datetime | None = None
) -> bool:
    """Whether ``check`` would let it pass: for faces, to decide what to show."""
    try:
        check(act, by=by, request=request, amount_fen=amount_fen, at=at)
    except DomainError:
        return False
    return True


def pay_act(route: str) -> Act:
    """Paying by hand: cash is also a cashier's, transfers and store credit are not."""
    return Act.PAY_CASH if route == Route.CASH else Act.PAY_BY_HAND


def subject_of(request: RefundRequest, *, by: Principal) -> Subject:
    """The request as the table looks at it."""
    holder_id = request.claimed_by_id
    return Subject(
        merchant_id=request.merchant_id,
        store_id=request.store_id,
        is_own=asked_for(request, by=by),
        is_held=holder_id in (None, by.staff_id),
        request_id=request.pk,
    )


def asked_for(request: RefundRequest, *, by: Principal) -> bool:
    """Whether this principal asked for it: the person at the desk, the key itself or another key of its one store, the customer
    whose link it is.
    """
    if by.kind is Kind.STAFF:
        return request.staff_id is not None and request.staff_id == by.staff_id
    if by.kind is Kind.KEY:
        if request.api_key_id is None:
            return False
        return request.api_key_id == by.key_id or _stands_in_for(request.api_key_id, by)
    return by.kind is Kind.CUSTOMER and request.pk == by.request_id


def _stands_in_for(key_id: int, by: Principal) -> bool:
    """Tills of one store stand in for one another, and a new key for those that it replaced."""
    if by.stores and ApiKey.objects.filter(pk=key_id, all_stores=False, store__in=by.stores).exists():
        return True
    before = by.key_id
    while before is not None and before != key_id:
        before = ApiKey.objects.filter(pk=before).values_list("replaces_id", flat=True).first()
    return before is not None


def has_hand_in(request: RefundRequest, *, by: Principal) -> bool:
    """Asked for, corrected, given its account or sent elsewhere by this person, at the desk or by a key they made; or rung up by
    them, or by them as the request has it; or rejected by them before its customer appealed.
    """
    return bool(hands_in([request], by=by))


def hands_in(requests: Sequence[RefundRequest], *, by: Principal) -> set[UUID]:
    """Those that ``has_hand_in`` holds of. A fixed number of statements."""
    if by.person_id is None and by.key_id is None:
        return set()
    keys, sales = _keys_of(by), _sales_of(requests)
    corrected = _corrected({sale.pk for some in sales.values() for sale in some if sale.corrected_at}, by, keys)
    found = {
        request.pk
        for request in requests
        if (request.staff_id is not None and request.staff_id == by.person_id)
        or (request.api_key_id is not None and request.api_key_id in keys)
        or by.has_code(request.cashier, *(sale.cashier for sale in sales[request.pk]))
        or any(sale.pk in corrected for sale in sales[request.pk])
    }
    return found | _acted([request for request in requests if request.pk not in found], by, keys)


def _sales_of(requests: Sequence[RefundRequest]) -> dict[UUID, list[Transaction]]:
    """The sales of each, which say who rang them up whatever the requests say: its own, and those of all its legs."""
    cached = RefundRequest.transaction.is_cached
    of = {request.pk: {request.transaction_id} for request in requests}
    if several := [request.pk for request in requests if request.leg_count]:
        for request_id, sale_id in Leg.objects.filter(request_id__in=several).values_list(
            "request_id", "transaction_id"
        ):
            of[request_id].add(sale_id)
    known = {request.transaction_id: request.transaction for request in requests if cached(request)}
    if others := set().union(*of.values()) - set(known):
        known |= Transaction.objects.only("cashier", "corrected_at").in_bulk(others)
    return {request_id: [known[sale_id] for sale_id in sales] for request_id, sales in of.items()}


def _keys_of(by: Principal) -> frozenset[int]:
    """The key itself and those that this person made, revoked ones too."""
    itself = frozenset() if by.key_id is None else frozenset({by.key_id})
    if by.person_id is None:
        return itself
    return itself.union(ApiKey.objects.filter(created_by_id=by.person_id).values_list("pk", flat=True))


def _acted(requests: Sequence[RefundRequest], by: Principal, keys: frozenset[int]) -> set[UUID]:
    touched = {str(request.pk): request.pk for request in requests if request.version > _FIRST_JUDGED}
    if not touched:
        return set()
    theirs = Q(actor_kind=ActorKind.API_KEY, actor_id__in=[str(pk) for pk in keys])
    if by.person_id is not None:
        theirs |= Q(actor_kind=ActorKind.STAFF, actor_id=str(by.person_id))
    events = AuditEvent.objects.filter(
        Q(theirs, action__in=(*_HANDS, _REJECT)) | Q(action=_APPEAL), object_id__in=touched
    ).order_by()
    seen = set(events.values_list("object_id", "action"))
    return {
        touched[object_id]
        for object_id, action in seen
        if action in _HANDS or (action == _REJECT and (object_id, _APPEAL) in seen)
    }


def _corrected(sales: Collection[UUID], by: Principal, keys: frozenset[int]) -> set[UUID]:
    """Of sales that were corrected, those that this person has corrected, or that were theirs until somebody said otherwise."""
    corrected = {str(pk): pk for pk in sales}
    if not corrected:
        return set()
    events = AuditEvent.objects.filter(object_id__in=corrected, action=CORRECTED).order_by()
    return {
        corrected[event.object_id]
        for event in events
        if (event.actor_kind == ActorKind.STAFF and event.actor_id == str(by.person_id))
        or (event.actor_kind == ActorKind.API_KEY and event.actor_id in {str(pk) for pk in keys})
        or by.has_code(event.data["before"].get("cashier", ""))
    }


def hands_or_deputies(requests: Sequence[RefundRequest], *, by: Principal, deputies: Iterable[Deputyship]) -> set[UUID]:
    """``hands_in`` of this person, or of one who is away and for whom they decide: nobody has their own decided that way."""
    found = hands_in(requests, by=by)
    for one in deputies:
        found |= hands_in([request for request in requests if request.pk not in found], by=one.absent)
    return found


def has_approved(request: RefundRequest, *, by: Principal) -> bool:
    """Whether this person approved the request, now or in an earlier round."""
    decided = Approval.objects.filter(request_id=request.pk, decision=Decision.APPROVE)
    return by.person_id is not None and decided.filter(staff_id=by.person_id).exists()


def check_not_approver(request: RefundRequest, *, by: Principal) -> None:
    """Raise ``Forbidden`` for who ``has_approved`` it."""
    if has_approved(request, by=by):
        raise Forbidden("who approved a refund does not pay it", code="two_persons_needed")


# --- the conditions of the table --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    act: Act
    by: Principal
    request: RefundRequest
    amount_fen: int
    at: datetime


def _check_distance(asked: _Asked) -> None:
    if not hands_or_deputies([asked.request], by=asked.by, deputies=delegations.in_force(by=asked.by, at=asked.at)):
        return
    if asked.act in _PAYING:
        raise Forbidden("who asked for a refund or had a hand in it does not pay it", code="two_persons_needed")
    raise Forbidden("you cannot decide a refund that you asked for or had a hand in", code="own_request")


def _check_not_approver(asked: _Asked) -> None:
    check_not_approver(asked.request, by=asked.by)


def _check_not_first(asked: _Asked) -> None:
    if asked.by.staff_id in approvals.givers([approvals.first_of_two(request=asked.request, at=asked.at)]):
        raise Forbidden("the second approval is another person's", code="second_approver_needed")


def _check_tier(asked: _Asked) -> None:
    decided_in(by=asked.by, request=asked.request, amount_fen=asked.amount_fen, at=asked.at)


def decided_in(
    *, by: Principal, request: RefundRequest, amount_fen: int, at: datetime
) -> tuple[Tier, Principal | None]:
    """The tier in which ``by`` decides this, and the absent person for whom they do where their own role does not. Raises
    ``Forbidden``, also where a delegation or a policy has ended since it was asked before.
    """
    tiers = sums.tiers_for(request=request, sum_fen=amount_fen, at=at)
    for tier in tiers:
        if by.decides(roles=tier.roles, amount_fen=amount_fen):
            return tier, None
    # Who gave the first of two approvals does not give the second through a deputy.
    firsts = approvals.givers([approvals.first_of_two(request=request, at=at)])
    for tier in tiers:
        if absent := deputy_for(tier, by=by, request=request, amount_fen=amount_fen, at=at, but=firsts):
            return tier, absent
    if any(by.role in tier.roles for tier in tiers):
        raise Forbidden("the amount is above this person's own limit", code="above_own_limit")
    name = tiers[0].name
    raise Forbidden(f"an amount like this is decided in tier {name}", code="tier_required", tier=name)


def deputy_for(
    tier: Tier, *, by: Principal, request: RefundRequest, amount_fen: int, at: datetime, but: Collection[int] = ()
) -> Principal | None:
    """The absent person, none of ``but``, for whom ``by`` may decide this where their own role does not."""
    able = (
        one.absent
        for one in delegations.in_force(by=by, at=at)
        if one.covers(roles=tier.roles, store_id=request.store_id, amount_fen=amount_fen)
    )
    return next((absent for absent in able if absent.staff_id not in but), None)


def _no_refunds_matter(_asked: _Asked) -> None:
    """Of the whole merchant: the table itself has asked, or ``merchants.policies.drafting``."""


_CHECKS: Mapping[Condition, Callable[[_Asked], None]] = {
    Condition.WHOLE: _no_refunds_matter,
    Condition.DISTANCE: _check_distance,
    Condition.NOT_APPROVER: _check_not_approver,
    Condition.NOT_FIRST: _check_not_first,
    Condition.NOT_AUTHOR: _no_refunds_matter,
    Condition.TIER: _check_tier,
}
