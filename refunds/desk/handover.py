"""Handing a request to a colleague."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from core.audit.record import record
from core.errors import Forbidden, Invalid
from merchants.models import Role, Staff
from refunds import lifecycle, permissions
from refunds.models import RefundRequest
from refunds.states import OPEN_FOR_REVIEW

_DECIDERS = (Role.REVIEWER, Role.MANAGER, Role.OWNER)


def colleagues(*, request: RefundRequest, at: datetime) -> QuerySet[Staff]:
    """Who could take it on: those of the request's store whose tier it is, other than the one who has it."""
    roles = permissions.deciding_roles(request=request, at=at) & set(_DECIDERS)
    return (
        Staff.objects.filter(merchant_id=request.merchant_id, is_active=True, role__in=roles)
        .filter(Q(stores=None) | Q(stores=request.store_id))
        .exclude(pk__in=[pk for pk in (request.claimed_by_id, request.staff_id) if pk is not None])
        .distinct()
        .order_by("name", "pk")
    )


def may_hand_over(*, request: RefundRequest, staff: Staff) -> bool:
    """One's own and unclaimed ones; managers and owners also a colleague's."""
    if request.state not in OPEN_FOR_REVIEW or not permissions.may_review(staff):
        return False
    return request.claimed_by_id in (None, staff.pk) or staff.role != Role.REVIEWER


@transaction.atomic
def hand_over(*, request_id: UUID, to: int, by: Staff, at: datetime) -> Staff:
    """Put a request onto a colleague's desk. Raises ``WrongState``, ``Forbidden`` or ``Invalid``."""
    permissions.check_may_review(by)
    request = lifecycle.lock_requests([request_id])[request_id]
    if request.state not in OPEN_FOR_REVIEW:
        raise lifecycle.WrongState(
            "only a request in review has an owner", state=request.state, version=request.version
        )
    if not may_hand_over(request=request, staff=by):
        raise Forbidden("only a manager may hand over a colleague's request", code="role_required")
    colleague = colleagues(request=request, at=at).filter(pk=to).first()
    if colleague is None or not permissions.may_decide(staff=colleague, request=request, at=at):
        raise Invalid("this person cannot take it on", code="unknown_colleague")
    RefundRequest.objects.filter(pk=request.pk).update(claimed_by=colleague, claimed_at=at)
    record(
        merchant_id=request.merchant_id,
        by=by.actor,
        action="refund.reassign",
        object_type="refund_request",
        object_id=request.pk,
        at=at,
        data={"to": colleague.name},
    )
    return colleague
