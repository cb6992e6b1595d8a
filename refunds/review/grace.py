"""More time after a disaster, for chosen stores and days: to ask, and to decide."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from core.audit.models import AuditEvent
from core.audit.record import event, record_of
from core.errors import Conflict, Invalid, existing
from core.sql import save_fields
from merchants import rights
from merchants.models import Grace, Merchant, Store
from merchants.principals import Principal
from merchants.rights import Act, Subject
from refunds.models import RefundRequest
from refunds.rules import clocks
from refunds.states import UNDECIDED

MOST_HOURS = 360


@transaction.atomic
def declare(
    *,
    store_ids: Collection[int] | None,
    starts_at: datetime,
    ends_at: datetime,
    hours: int,
    reason: str,
    by: Principal,
    at: datetime,
) -> Grace:
    """Give so many hours more, in these stores (None: in all), to what is asked for or would fall due in that time. What lies
    on the desk has its new due time at once. Raises ``Forbidden``, ``Invalid``, or ``Conflict`` where another one holds then.
    """
    rights.check_may(Act.GIVE_GRACE, by=by)
    _check_stores(store_ids, by)
    assert by.staff_id is not None  # the table lets nobody else
    if not reason.strip():
        raise Invalid("say what happened", code="message_required")
    if not 1 <= hours <= MOST_HOURS or ends_at <= starts_at or ends_at <= at:
        raise Invalid("a grace has an end to come and 1 to 360 hours", code="grace_invalid")
    known = Store.objects.filter(merchant_id=by.acting_for, pk__in=store_ids or ()).count()
    if store_ids is not None and (not store_ids or known != len(set(store_ids))):
        raise Invalid("choose stores of the merchant", code="unknown_store")
    # Two at once would both see no other one.
    Merchant.objects.select_for_update().get(pk=by.acting_for)
    others = Grace.objects.filter(merchant_id=by.acting_for, starts_at__lt=ends_at, ends_at__gt=starts_at)
    if store_ids is not None:
        others = others.filter(Q(store_ids=None) | Q(store_ids__overlap=sorted(store_ids)))
    if others.exists():
        raise Conflict("these stores have a grace in that time already", code="grace_overlaps")
    grace = Grace.objects.create(
        merchant_id=by.acting_for,
        store_ids=None if store_ids is None else sorted(set(store_ids)),
        starts_at=starts_at,
        ends_at=ends_at,
        hours=hours,
        reason=reason.strip()[:200],
        declared_by_id=by.staff_id,
        declared_at=at,
    )
    moved = _give(grace, by=by, at=at)
    said = {"stores": grace.store_ids, "from": starts_at.isoformat(), "to": ends_at.isoformat(), "hours": hours}
    _record(grace, "grace.declare", by=by, at=at, **said, reason=grace.reason, refunds=moved)
    return grace


@transaction.atomic
def end(*, grace_id: int, by: Principal, at: datetime) -> Grace:
    """End it now. What has more time keeps it. Raises ``NotFound``, or ``Conflict`` where it is over."""
    rights.check_may(Act.GIVE_GRACE, by=by)
    grace = existing(Grace.objects.select_for_update().filter(pk=grace_id, merchant_id=by.acting_for).first(), "grace")
    _check_stores(grace.store_ids, by)
    if grace.ends_at <= at:
        raise Conflict("it is over", code="grace_over")
    grace.ends_at, grace.ended_by_id = max(at, grace.starts_at), by.staff_id
    grace.save(update_fields=["ends_at", "ended_by"])
    _record(grace, "grace.end", by=by, at=at)
    return grace


def _check_stores(store_ids: Collection[int] | None, by: Principal) -> None:
    for store_id in [None] if store_ids is None else sorted(store_ids):
        rights.check_may(Act.GIVE_GRACE, by=by, subject=Subject(merchant_id=by.acting_for, store_id=store_id))


def _give(grace: Grace, *, by: Principal, at: datetime) -> int:
    """More time for what lies on the desk."""
    when = Q(due_at__gte=grace.starts_at, due_at__lt=grace.ends_at)
    when |= Q(created_at__gte=grace.starts_at, created_at__lt=grace.ends_at)
    rows = RefundRequest.objects.filter(when, merchant_id=grace.merchant_id, state__in=UNDECIDED)
    if grace.store_ids is not None:
        rows = rows.filter(store_id__in=grace.store_ids)
    requests = list(
        rows.select_for_update(of=("self",)).only("merchant_id", "created_at", "due_at", "escalated_at").order_by("pk")
    )
    events: list[AuditEvent] = []
    for request in requests:
        latest = request.created_at + clocks.LONGEST
        request.due_at = max(request.due_at, min(request.due_at + timedelta(hours=grace.hours), latest))
        request.escalated_at = None if request.due_at > at else request.escalated_at
        events.append(
            event(
                merchant_id=request.merchant_id,
                by=by.actor,
                action="refund.grace",
                object_type="refund_request",
                object_id=request.pk,
                at=at,
                data={"hours": grace.hours, "reason": grace.reason, "due_at": request.due_at.isoformat()},
            )
        )
    save_fields(requests, ("due_at", "escalated_at"))
    AuditEvent.objects.bulk_create(events)
    return len(requests)


def _record(grace: Grace, action: str, *, by: Principal, at: datetime, **data: object) -> None:
    record_of(grace, by=by.actor, action=action, at=at, data=data)
