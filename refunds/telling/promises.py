"""A promise that does not hold: customers who were told a day hear of it when their money comes later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Max, Q

from core.calendar import SHANGHAI
from refunds import lifecycle
from refunds.models import Execution, Notification, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.models.notification import ARRIVAL_CHANGED, NotificationState
from refunds.states import PAID, State
from refunds.telling import wording
from refunds.telling.outbox import Ways

#: What has parts says of each where it stands (``refunds.telling.legs``).
_TOLD_OF: Final = (State.APPROVED, State.EXECUTING, State.UNKNOWN, *PAID)
#: What is older has long been a person's.
_LOOKS_BACK: Final = timedelta(days=60)
_AT_ONCE: Final = 500


def tell_changes(*, at: datetime) -> int:
    """Write a message to each customer whose money now comes on a later day than they were told last. Returns how many."""
    under_way = Execution.objects.filter(
        Q(due_at__isnull=False) | Q(second_leg_due_at__isnull=False), created_at__gte=at - _LOOKS_BACK
    )
    ids = list(under_way.order_by("request_id").values_list("request_id", flat=True).distinct())
    written = sum(_tell(ids[start : start + _AT_ONCE], at) for start in range(0, len(ids), _AT_ONCE))
    if written:
        lifecycle.ring_after_commit([lifecycle.NOTIFY])
    return written


def _tell(ids: Sequence[UUID], at: datetime) -> int:
    told = _told(ids)
    refunds = RefundRequest.objects.filter(pk__in=told, state__in=_TOLD_OF).select_related(
        "merchant", "store", "transaction__channel_account"
    )
    later = {}
    for refund in refunds.defer("transaction__channel_account__sealed_credentials"):
        if not is_by_hand(refund.route):
            day = _day(wording.promised_by(refund, now=at))
            if day > told[refund.pk]:
                later[refund] = day.toordinal()
    ways = Ways(later)
    messages = [
        message
        for refund, day in later.items()
        for message in ways.messages(refund, event=ARRIVAL_CHANGED, version=day, at=at, due_at=at)
    ]
    Notification.objects.bulk_create(messages, ignore_conflicts=True)
    return len(messages)


def _told(ids: Sequence[UUID]) -> Mapping[UUID, date]:
    """The latest day that each was told."""
    sent = Notification.objects.filter(
        request_id__in=ids, state=NotificationState.SENT, promised_by__isnull=False
    ).values_list("request_id")
    return {request_id: _day(latest) for request_id, latest in sent.annotate(Max("promised_by")).order_by()}


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()
