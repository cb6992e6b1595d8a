"""Stage 5, notification. A message that fails is retried; it never fails a refund.

``write_notifications`` turns outbox rows into messages, idempotent per event; ``send_due`` hands them to their carriers.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import InterfaceError, OperationalError, transaction

from core import doorbell
from core.errors import Conflict, existing
from core.failpoints import failpoint
from core.sql import save_fields
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from refunds import lifecycle
from refunds.lifecycle import NOTIFY
from refunds.models import Notification, OutboxMessage, RefundRequest
from refunds.models.notification import NotificationState
from refunds.models.outbox import OutboxState
from refunds.states import State
from refunds.telling.carriers import DeliveryFailed, Text, carrier_for
from refunds.telling.wording import NOTIFIED, words


class NotGivenUp(Conflict, code="not_given_up"):
    """Only a message that was given up needs a person."""


@transaction.atomic
def resend(*, notification_id: int, by: Principal, at: datetime) -> Notification:
    """Queue a dead message again, with all its retries. Raises ``NotFound``, ``Forbidden`` or ``NotGivenUp``."""
    check_may(Act.RESEND, by=by)
    messages = Notification.objects.select_for_update(of=("self",)).select_related("request").defer("recipient")
    found = existing(messages.filter(pk=notification_id).first(), "message")
    subject = Subject(merchant_id=found.merchant_id, store_id=found.request.store_id)
    check_may(Act.RESEND, by=by, subject=subject)
    if found.state != NotificationState.DEAD:
        raise NotGivenUp("the message was not given up")
    Notification.objects.filter(pk=found.pk).update(
        state=NotificationState.PENDING, attempts=0, due_at=at, last_error=""
    )
    data = {"event": found.event, "medium": found.medium}
    lifecycle.record_act(found.request, "refund.resend", by=by.actor, at=at, data=data)
    lifecycle.ring_after_commit([lifecycle.NOTIFY])
    return found


logger = logging.getLogger(__name__)

_BATCH = 500
_LEASE = timedelta(seconds=60)
#: The parts of a plan are mostly paid within seconds of one another: told once, and only where the rest takes longer.
_PART_WAITS = timedelta(minutes=5)
_BACKOFF = (10, 60, 300, 1800, 7200)


def work(*, at: datetime) -> tuple[int, int]:
    """Write and send until nothing is due. Returns (outbox rows delivered, notifications handed over)."""
    doorbell.answered(NOTIFY)
    delivered = sent = 0
    while (count := write_notifications(at=at)) > 0:
        delivered += count
        failpoint("outbox.after_commit")
        sent += send_due(at=at)
    return delivered, sent + send_due(at=at)


@transaction.atomic
def write_notifications(*, at: datetime) -> int:
    """Write the notifications for waiting outbox rows. Returns how many rows were delivered."""
    rows = list(
        OutboxMessage.objects.select_for_update(skip_locked=True)
        .filter(state=OutboxState.PENDING, due_at__lte=at)
        .order_by("due_at", "pk")[:_BATCH]
    )
    if not rows:
        return 0
    events = {row.pk: row.topic.removeprefix("refund_request.") for row in rows}
    wanted = {row.request_id for row in rows if events[row.pk] in NOTIFIED}
    requests = RefundRequest.objects.only("merchant_id", "customer_phone", "customer_email", "customer_locale").in_bulk(
        wanted
    )
    part, whole = (
        {row.request_id for row in rows if events[row.pk] == state}
        for state in (State.PARTIALLY_REFUNDED, State.REFUNDED)
    )
    of_parts = Notification.objects.filter(event=State.PARTIALLY_REFUNDED)
    # Of a part once, and not at all where the rest is paid before that was told.
    of_parts.filter(request_id__in=whole, state=NotificationState.PENDING, attempts=0).delete()
    told = whole | set(of_parts.filter(request_id__in=part).values_list("request_id", flat=True))
    messages: list[Notification] = []
    for row in rows:
        event = events[row.pk]
        if event == State.PARTIALLY_REFUNDED:
            if row.request_id in told:
                continue
            told.add(row.request_id)
        if event in NOTIFIED:
            waits = _PART_WAITS if event == State.PARTIALLY_REFUNDED else timedelta()
            messages += Notification.of(
                requests[row.request_id], event=event, version=row.version, at=at, due_at=at + waits
            )
    Notification.objects.bulk_create(messages, ignore_conflicts=True)
    OutboxMessage.objects.filter(pk__in=[row.pk for row in rows]).update(state=OutboxState.DELIVERED, delivered_at=at)
    failpoint("outbox.before_commit")
    return len(rows)


@dataclass(frozen=True, slots=True)
class _Result:
    receipt: str = ""
    error: str = ""
    permanent: bool = False


def send_due(*, at: datetime) -> int:
    """Hand due notifications to their carriers, some at a time. Returns how many were tried."""
    tried = 0
    while batch := _claim(at):
        texts = [None if _is_tried_out(one) else _worded(one) for one in batch]
        results = list(_pool().map(_carry, batch, texts))
        failpoint("notification.after_send")
        for notification, result in zip(batch, results, strict=True):
            _note(notification, result, at)
        save_fields(batch, ("state", "attempts", "due_at", "sent_at", "receipt", "last_error"))
        tried += len(batch)
    return tried


@transaction.atomic
def _claim(at: datetime) -> list[Notification]:
    batch = list(
        Notification.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state=NotificationState.PENDING, due_at__lte=at)
        .select_related("request__merchant", "request__store", "request__transaction__channel_account")
        .defer("request__transaction__channel_account__sealed_credentials")
        .order_by("due_at", "pk")[:100]
    )
    Notification.objects.filter(pk__in=[row.pk for row in batch]).update(due_at=at + _LEASE)
    return batch


def _worded(notification: Notification) -> Text | None:
    """The message in words; None when that failed, so that one message that cannot be written stops no other."""
    try:
        return words(
            event=notification.event,
            medium=notification.medium,
            locale=notification.locale,
            request=notification.request,
        )
    except (OperationalError, InterfaceError):
        # Nothing is wrong with the message: the database is away, and its lease brings all of them back.
        raise
    except Exception:
        logger.exception("notification %s cannot be rendered", notification.pk)
        return None


def _is_tried_out(notification: Notification) -> bool:
    """Of a sandbox: no customer is sent anything."""
    return notification.request.merchant.sandbox_of_id is not None


def _carry(notification: Notification, text: Text | None) -> _Result:
    """Runs in the pool: no database here."""
    if _is_tried_out(notification):
        return _Result(receipt="sandbox: nobody was sent anything")
    if text is None:
        return _Result(error="the message cannot be rendered")
    try:
        return _Result(receipt=carrier_for(notification.medium).send(recipient=notification.recipient, text=text))
    except DeliveryFailed as error:
        return _Result(error=str(error), permanent=error.permanent)


def _note(notification: Notification, result: _Result, at: datetime) -> None:
    notification.attempts += 1
    if not result.error:
        notification.state, notification.sent_at, notification.due_at = NotificationState.SENT, at, None
        notification.receipt, notification.last_error = result.receipt[:120], ""
        return
    notification.last_error = result.error[:300]
    if result.permanent or notification.attempts > len(_BACKOFF):
        notification.state, notification.due_at = NotificationState.DEAD, None
        logger.warning(
            "notification %s dead after %s attempts: %s", notification.pk, notification.attempts, result.error
        )
        return
    notification.due_at = at + timedelta(seconds=_BACKOFF[notification.attempts - 1])


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="carrier")
