"""What many requests are asked at once: which of them this principal may decide, and if not, why.

To decide is to approve all that was asked for. ``conditions.check``, with the sum that the request is a part of, has the last
word; what stands here asks the same of a whole list in a fixed number of statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from merchants import delegations, policies, rights
from merchants.models import ApiKey
from merchants.policies.rules import Tier
from merchants.principals import Principal
from merchants.rights import Act
from refunds.facts import approvals, conditions, sums
from refunds.models import RefundRequest
from refunds.states import State

#: What is read of a request to judge it, and of its sale.
NEEDS: Final = (
    "merchant_id",
    "store_id",
    "state",
    "version",
    "created_at",
    "amount_fen",
    "reserved_fen",
    "leg_count",
    "staff_id",
    "api_key_id",
    "claimed_by_id",
    "escalated_at",
    "cashier",
    "customer_phone_hash",
    "transaction__cashier",
    "transaction__corrected_at",
    "transaction__channel",
    "transaction__card_last4",
    "transaction__payer_phone_hash",
)


@dataclass(frozen=True, slots=True)
class Undecidable:
    """The code with which ``conditions.check`` refuses, and the roles whose tier it is."""

    code: str
    roles: frozenset[str]


def may_decide(*, by: Principal, request: RefundRequest, at: datetime) -> bool:
    """Whether this principal may take it on and approve all that was asked for. One request: for lists see ``undecidable``."""
    sum_fen = sums.deciding_fen(request=request, amount_fen=request.amount_fen)
    return conditions.may(Act.CLAIM, by=by, request=request, amount_fen=sum_fen, at=at)


def deciding_roles(*, request: RefundRequest, at: datetime) -> frozenset[str]:
    """The roles whose tier this request is, with all that it comes to together with others."""
    sum_fen = sums.deciding_fen(request=request, amount_fen=request.amount_fen)
    return _roles_of(sums.tiers_for(request=request, sum_fen=sum_fen, at=at))


def _roles_of(tiers: Sequence[Tier]) -> frozenset[str]:
    return frozenset().union(*(tier.roles for tier in tiers))


def decidable(*, by: Principal, at: datetime) -> Q:
    """Narrows requests in review to those that may be this principal's to decide: in their stores, not plainly their own, and
    no amount above all that their role decides.

    It lets some through that are refused one by one, never the other way round: what decides is a sum of which the amount is
    only a part, and codes of cashiers are compared folded.
    """
    deputies = delegations.in_force(by=by, at=at)
    theirs_by = {by.role, *(one.absent.role for one in deputies)}
    rules = policies.rules_in_force(merchant_id=by.acting_for, at=at)
    tiers = [tier for tier in rules.tiers if not theirs_by.isdisjoint(tier.roles)]
    if not tiers or not rights.may(Act.CLAIM, by=by):
        return Q(pk__in=[])
    theirs = Q(merchant_id=by.acting_for)
    if by.stores is not None:
        theirs &= Q(store_id__in=by.stores)
    limits = [tier.limit_fen for tier in tiers if tier.limit_fen is not None]
    if len(limits) == len(tiers):
        theirs &= Q(amount_fen__lte=max(limits))
    if by.limit_fen is not None and not deputies:
        theirs &= Q(amount_fen__lte=by.limit_fen)
    if by.person_id is None:
        return theirs
    keys = ApiKey.objects.filter(created_by_id=by.person_id).values_list("pk", flat=True)
    return theirs & ~Q(staff_id=by.person_id) & ~Q(api_key_id__in=list(keys))


def undecidable(*, requests: Sequence[RefundRequest], by: Principal, at: datetime) -> dict[UUID, Undecidable]:
    """Of these requests, which are in this principal's stores, those in review that they may not decide.

    Empty for those who decide nothing at all. The requests come with ``NEEDS``.
    """
    waiting = [request for request in requests if request.state == State.IN_REVIEW]
    if not waiting or not rights.may(Act.APPROVE, by=by):
        return {}
    rules, sum_of = policies.rules_in_force(merchant_id=by.acting_for, at=at), sums.deciding_sums(waiting)
    codes = policies.store_codes(rules, merchant_id=by.acting_for)
    roles = {
        request.pk: _roles_of(
            rules.deciding_tiers(
                sum_of[request.pk],
                store=codes.get(request.store_id, ""),
                escalated=request.escalated_at is not None,
            )
        )
        for request in waiting
    }
    first, deputies = approvals.firsts(requests=waiting, at=at), delegations.in_force(by=by, at=at)

    def is_theirs(request: RefundRequest) -> bool:
        but = approvals.givers([first.get(request.pk)])
        return by.decides(roles=roles[request.pk], amount_fen=sum_of[request.pk]) or any(
            one.covers(roles=roles[request.pk], store_id=request.store_id, amount_fen=sum_of[request.pk])
            for one in deputies
            if one.absent.staff_id not in but
        )

    refused = {
        row.pk: Undecidable("above_own_limit" if by.role in roles[row.pk] else "tier_required", roles[row.pk])
        for row in waiting
        if not is_theirs(row)
    }
    for pk, one in first.items():
        if by.staff_id in approvals.givers([one]):
            refused[pk] = Undecidable("second_approver_needed", roles[pk])
    hands = conditions.hands_or_deputies(waiting, by=by, deputies=deputies)
    return refused | {pk: Undecidable("own_request", roles[pk]) for pk in hands}
