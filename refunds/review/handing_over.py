"""Handing a request to a colleague."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from core.errors import Invalid
from merchants import principals
from merchants.models import Delegation, Role, Staff
from merchants.principals import Principal
from merchants.rights import TABLE, Act
from refunds import lifecycle
from refunds.facts import approvals, conditions
from refunds.models import RefundRequest
from refunds.review import decidable
from refunds.states import OPEN_FOR_REVIEW

DECIDERS = tuple(role for role in Role if TABLE[Act.CLAIM].of_role(role))


def colleagues(*, request: RefundRequest, at: datetime) -> QuerySet[Staff]:
    """Who could take it on: those of the request's store whose tier it is, by their role or as a deputy, other than the one who
    has it and the one who gave the first of two approvals.
    """
    roles = decidable.deciding_roles(request=request, at=at) & set(DECIDERS)
    deputies = Delegation.objects.filter(
        merchant_id=request.merchant_id, starts_at__lte=at, ends_at__gt=at, revoked_at=None, absent__role__in=roles
    )
    out = {request.claimed_by_id, request.staff_id, *approvals.givers([approvals.first_of_two(request=request, at=at)])}
    return (
        Staff.objects.filter(merchant_id=request.merchant_id, is_active=True)
        .filter(Q(role__in=roles) | Q(role__in=DECIDERS, pk__in=deputies.values("deputy_id")))
        .filter(Q(all_stores=True) | Q(stores=request.store_id))
        .exclude(pk__in=[pk for pk in out if pk is not None])
        .distinct()
        .order_by("name", "pk")
    )


@transaction.atomic
def hand_over(*, request_id: UUID, to: int, by: Principal, at: datetime) -> Staff:
    """Put a request onto the desk of a colleague who could decide it. Raises ``WrongState``, ``Forbidden`` or ``Invalid``."""
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.REASSIGN, by=by, request=request)
    if request.state not in OPEN_FOR_REVIEW:
        raise lifecycle.WrongState(
            "only a request in review has an owner", state=request.state, version=request.version
        )
    colleague = colleagues(request=request, at=at).filter(pk=to).first()
    if colleague is None or not decidable.may_decide(by=principals.of_staff(colleague), request=request, at=at):
        raise Invalid("this person cannot take it on", code="unknown_colleague")
    RefundRequest.objects.filter(pk=request.pk).update(claimed_by=colleague, claimed_at=at)
    lifecycle.record_act(request, "refund.reassign", by=by.actor, at=at, data={"to": colleague.name})
    return colleague
