"""Who may do what. ``check_x`` raises ``Forbidden``; ``may_x`` answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from core.audit.actors import ActorKind
from core.audit.models import AuditEvent
from core.errors import Forbidden
from merchants import policies
from merchants.models import ApiKey, Role, Staff
from merchants.policy_rules import Rules, Tier
from refunds.models import Approval, RefundRequest
from refunds.models.approval import Decision
from refunds.states import Route, State

#: The version of a request that was submitted and judged once; nobody has corrected it yet.
_FIRST_JUDGED = 3

_DECIDERS = frozenset({Role.REVIEWER, Role.MANAGER, Role.OWNER})
_ANALYSTS = frozenset({Role.REVIEWER, Role.MANAGER, Role.FINANCE, Role.OWNER})
_RETRIERS = frozenset({Role.FINANCE, Role.MANAGER, Role.OWNER})
#: Transfers and store credit are finance's; cash is also paid at the till.
_PAYERS = frozenset({Role.FINANCE, Role.MANAGER, Role.OWNER})
_TILL_PAYERS = _PAYERS | {Role.CASHIER}
_RECONCILERS = frozenset({Role.FINANCE, Role.MANAGER, Role.OWNER})
_EXPORTERS = frozenset({Role.MANAGER, Role.FINANCE, Role.OWNER})
_REVEALERS = frozenset({Role.REVIEWER, Role.MANAGER, Role.FINANCE, Role.OWNER})


def may_review(staff: Staff) -> bool:
    """Reviewers, managers and owners work at the desk."""
    return staff.is_active and staff.role in _DECIDERS


def may_see_analytics(staff: Staff) -> bool:
    return staff.is_active and staff.role in _ANALYSTS


def may_retry(staff: Staff) -> bool:
    """Sending a failed payout again is finance's work."""
    return staff.is_active and staff.role in _RETRIERS


def may_pay_by_hand(staff: Staff, route: str = Route.CASH) -> bool:
    """Paying back by hand: finance, managers and owners; cash also a cashier. Who approved or asked for it pays nothing."""
    return staff.is_active and staff.role in (_TILL_PAYERS if route == Route.CASH else _PAYERS)


def check_may_pay_by_hand(*, staff: Staff, request: RefundRequest) -> None:
    """Role and distance: two persons for every payout by hand."""
    if not may_pay_by_hand(staff, request.route):
        raise Forbidden("your role does not pay on this route", code="role_required")
    if is_own(staff=staff, request=request) or has_approved(staff_id=staff.pk, request=request):
        raise Forbidden("who asked for a refund or approved it does not pay it", code="two_persons_needed")


def has_approved(*, staff_id: int | None, request: RefundRequest) -> bool:
    """Whether this person approved the request, now or in an earlier round."""
    decided = Approval.objects.filter(request_id=request.pk, decision=Decision.APPROVE)
    return staff_id is not None and decided.filter(staff_id=staff_id).exists()


def may_reconcile(staff: Staff) -> bool:
    """Comparing with the channels' statements and closing days: finance, managers and owners."""
    return staff.is_active and staff.role in _RECONCILERS


def may_export(staff: Staff) -> bool:
    """Taking a whole list of refunds away as a file; every export is audited."""
    return staff.is_active and staff.role in _EXPORTERS


def may_reveal(staff: Staff) -> bool:
    """Seeing a customer's full contact; every look is audited."""
    return staff.is_active and staff.role in _REVEALERS


def check_may_review(staff: Staff) -> None:
    if not may_review(staff):
        raise Forbidden("only reviewers, managers and owners may decide refunds", code="role_required")


def check_may_decide(*, staff: Staff, request: RefundRequest, amount_fen: int, at: datetime) -> None:
    """Role, tier and distance: nobody decides what they asked for themselves, not even through a key of their own making."""
    check_may_review(staff)
    if is_own(staff=staff, request=request):
        raise Forbidden("you cannot decide a refund that you requested", code="own_request")
    # The limits in force now count, not those of the day of submission.
    version = policies.in_force(merchant_id=request.merchant_id, at=at)
    tier = policies.rules_of(version.pk).tier_for(amount_fen)
    if staff.role not in tier.roles:
        raise Forbidden(f"an amount like this is decided in tier {tier.name}", code="tier_required", tier=tier.name)


def is_own(*, staff: Staff, request: RefundRequest) -> bool:
    """Requested or corrected by this person, rung up by them at the till, or sent in with a key they made."""
    if request.staff_id == staff.pk or (request.cashier and request.cashier == staff.username):
        return True
    own_keys = ApiKey.objects.filter(created_by_id=staff.pk)
    if request.api_key_id is not None and request.staff_id is None and own_keys.filter(pk=request.api_key_id).exists():
        return True
    if request.version <= _FIRST_JUDGED:
        return False
    by_staff = Q(actor_kind=ActorKind.STAFF, actor_id=str(staff.pk))
    by_key = Q(actor_kind=ActorKind.API_KEY, actor_id__in=[str(pk) for pk in own_keys.values_list("pk", flat=True)])
    corrections = AuditEvent.objects.filter(object_id=str(request.pk), action="refund.resubmit")
    return corrections.filter(by_staff | by_key).exists()


# --- lists ------------------------------------------------------------------------------------------------------------
# What many requests have to be asked at once. ``check_may_decide`` has the last word; a test holds these against it.


def may_decide(*, staff: Staff, request: RefundRequest, at: datetime) -> bool:
    """Whether ``check_may_decide`` would let this person decide all that was asked for."""
    try:
        check_may_decide(staff=staff, request=request, amount_fen=request.amount_fen, at=at)
    except Forbidden:
        return False
    return True


def deciding_roles(*, request: RefundRequest, at: datetime) -> frozenset[str]:
    """The roles whose tier this request is."""
    version = policies.in_force(merchant_id=request.merchant_id, at=at)
    return frozenset(_tier_of(request, policies.rules_of(version.pk)).roles)


def decidable(*, staff: Staff, at: datetime) -> Q:
    """Narrows requests in review to those that may be this person's: amounts of their tiers, not plainly their own.

    It may let one through that ``check_may_decide`` refuses, never the other way round.
    """
    version = policies.in_force(merchant_id=staff.merchant_id, at=at)
    of_tiers, above_fen = Q(pk__in=[]), 0
    for tier in policies.rules_of(version.pk).tiers:
        if staff.role in tier.roles:
            upto = Q() if tier.limit_fen is None else Q(amount_fen__lte=tier.limit_fen)
            of_tiers |= Q(amount_fen__gt=above_fen) & upto
        above_fen = tier.limit_fen or above_fen
    return of_tiers & ~Q(staff_id=staff.pk) & ~Q(cashier=staff.username)


@dataclass(frozen=True, slots=True)
class Undecidable:
    """The code with which ``check_may_decide`` refuses, and the roles whose tier it is."""

    code: str
    roles: frozenset[str]


def undecidable(*, requests: Sequence[RefundRequest], staff: Staff, at: datetime) -> dict[UUID, Undecidable]:
    """Of these requests, those in review that this person may not decide.

    A fixed number of statements. Empty for whoever decides nothing at all.
    """
    waiting = [request for request in requests if request.state == State.IN_REVIEW]
    if not waiting or not may_review(staff):
        return {}
    version = policies.in_force(merchant_id=staff.merchant_id, at=at)
    rules = policies.rules_of(version.pk)
    roles = {request.pk: frozenset(_tier_of(request, rules).roles) for request in waiting}
    refused = {pk: Undecidable("tier_required", of_tier) for pk, of_tier in roles.items() if staff.role not in of_tier}
    return refused | {pk: Undecidable("own_request", roles[pk]) for pk in _own_among(waiting, staff)}


def _tier_of(request: RefundRequest, rules: Rules) -> Tier:
    """The tier of all that was asked for: the one place where lists judge an amount."""
    return rules.tier_for(request.amount_fen)


def _own_among(requests: Sequence[RefundRequest], staff: Staff) -> set[UUID]:
    """Those for which ``is_own`` holds."""
    keys = set(ApiKey.objects.filter(created_by_id=staff.pk).values_list("pk", flat=True))
    own = {
        request.pk
        for request in requests
        if request.staff_id == staff.pk
        or (request.cashier and request.cashier == staff.username)
        or (request.staff_id is None and request.api_key_id in keys)
    }
    corrected = {str(request.pk): request.pk for request in requests if request.version > _FIRST_JUDGED}
    if corrected:
        by_staff = Q(actor_kind=ActorKind.STAFF, actor_id=str(staff.pk))
        by_key = Q(actor_kind=ActorKind.API_KEY, actor_id__in=[str(pk) for pk in keys])
        found = AuditEvent.objects.filter(object_id__in=corrected, action="refund.resubmit").filter(by_staff | by_key)
        own |= {corrected[object_id] for object_id in found.order_by().values_list("object_id", flat=True)}
    return own
