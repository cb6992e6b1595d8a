"""Stage 5, notification. A message that fails is retried; it never fails a refund.

``write_notifications`` turns outbox rows into messages, idempotent per event; ``send_due`` hands them to their carriers.
"""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, F, Func, OuterRef, QuerySet, Value

from core import doorbell
from core.errors import Conflict, existing
from core.failpoints import failpoint
from core.sql import save_fields
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from refunds import lifecycle
from refunds.lifecycle import NOTIFY
from refunds.models import Notification, OutboxMessage, RefundRequest, WeChatConsent
from refunds.models.notification import Medium, NotificationState
from refunds.models.outbox import OutboxState
from refunds.states import State
from refunds.telling import carrying
from refunds.telling.carriers import DeliveryFailed, ReceiptCarrier, Text
from refunds.telling.carrying import Choice, Contracts
from refunds.telling.wording import NOTIFIED, language_of, words


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
        state=NotificationState.PENDING, attempts=0, due_at=at, last_error="", receipt_due_at=None
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
#: Tries before a message goes another way, where it can.
_BEFORE_FALLBACK = 3
#: For so many tries a later message to the same customer waits for an earlier one.
_IN_ORDER = 3
#: A contract, key or template that is not put right by then ends what waits for it.
_MENDED_WITHIN = timedelta(days=3)
#: Calls of one contract at a time, and when the rest of a failing one looks again.
_AT_ONCE, _PROBED_WITHIN = 20, timedelta(seconds=30)
#: When a provider is asked whether a message arrived, from its sending on; after the last it is not known.
_RECEIPTS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=24), timedelta(hours=71))


def work(*, at: datetime) -> tuple[int, int]:
    """Write and send until nothing is due. Returns (outbox rows delivered, notifications handed over)."""
    doorbell.answered(NOTIFY)
    delivered = sent = 0
    while True:
        count = write_notifications(at=at)
        delivered += count
        if count:
            failpoint("outbox.after_commit")
        sent += send_due(at=at)
        if count < _BATCH:
            return delivered, sent


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
    ways = Ways(requests.values())
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
            due_at = at + _PART_WAITS if event == State.PARTIALLY_REFUNDED else at
            messages += ways.messages(requests[row.request_id], event=event, version=row.version, at=at, due_at=due_at)
    Notification.objects.bulk_create(messages, ignore_conflicts=True)
    OutboxMessage.objects.filter(pk__in=[row.pk for row in rows]).update(state=OutboxState.DELIVERED, delivered_at=at)
    failpoint("outbox.before_commit")
    return len(rows)


class Ways:
    """How messages about these requests go: by their merchants' contracts and orders, and what their customers agreed to."""

    def __init__(self, requests: Collection[RefundRequest]) -> None:
        self._consents = _consents({request.pk for request in requests})
        merchants = {request.merchant_id for request in requests}
        self._contracts, self._orders = carrying.contracts(merchants), carrying.orders(merchants)

    def messages(
        self, request: RefundRequest, *, event: str, version: int, at: datetime, due_at: datetime
    ) -> list[Notification]:
        """Unsaved."""
        consent, language = self._consents.get(request.pk), language_of(request.customer_locale)
        chains = self._orders.get((request.merchant_id, event, language), carrying.ORDERS[carrying.USUAL])
        return Notification.of(
            request,
            event=event,
            version=version,
            at=at,
            due_at=due_at,
            chains=carrying.carried(self._contracts[request.merchant_id], key=f"{event}/{language}", chains=chains),
            openid=consent.openid if consent and event in consent.events else "",
        )


def _consents(request_ids: Collection[UUID]) -> dict[UUID, WeChatConsent]:
    given = WeChatConsent.objects.filter(request_id__in=request_ids, refused_at=None).exclude(openid="")
    return {one.request_id: one for one in given}


@dataclass(frozen=True, slots=True)
class _Call:
    """A message that is to be handed over; without a ``choice`` nobody is called, for ``error`` or since it is a sandbox's, and
    not before ``put_off``.
    """

    notification: Notification
    text: Text | None = None
    choice: Choice | None = None
    error: DeliveryFailed | None = None
    put_off: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Result:
    receipt: str = ""
    error: DeliveryFailed | None = None


def send_due(*, at: datetime) -> int:
    """Hand due notifications to their carriers, some at a time, ask whether sent ones arrived. Returns how many were tried."""
    tried = 0
    while batch := _claim(at):
        own = carrying.contracts({one.merchant_id for one in batch})
        calls = _within_measure([_prepared(one, own, at) for one in batch], at)
        results = list(_pool().map(_carry, calls))
        failpoint("notification.after_send")
        for call, result in zip(calls, results, strict=True):
            _note(call, result, at)
        _go_on(calls, results, at)
        tried += len(batch)
        # What waited for these may go now. Asking is cheaper than claiming nothing.
        if not _due(at).exists():
            break
    _ask_receipts(at)
    return tried


def _due(at: datetime) -> QuerySet[Notification]:
    return Notification.objects.filter(state=NotificationState.PENDING, due_at__lte=at)


@transaction.atomic
def _claim(at: datetime) -> list[Notification]:
    # Told in the order in which it happened, unless the earlier one waits for long.
    earlier = Notification.objects.filter(
        request_id=OuterRef("request_id"),
        medium=OuterRef("medium"),
        state=NotificationState.PENDING,
        pk__lt=OuterRef("pk"),
    )
    batch = list(
        _due(at)
        .select_for_update(skip_locked=True, of=("self",))
        .exclude(Exists(earlier.filter(attempts__lt=_IN_ORDER)))
        .select_related("request__merchant", "request__store", "request__transaction__channel_account")
        .defer("request__transaction__channel_account__sealed_credentials")
        .order_by("due_at", "pk")[:100]
    )
    Notification.objects.filter(pk__in=[row.pk for row in batch]).update(due_at=at + _LEASE)
    return batch


def _prepared(notification: Notification, own: Contracts, at: datetime) -> _Call:
    if notification.request.merchant.sandbox_of_id is not None:
        return _Call(notification)
    text = _worded(notification)
    if text is None:
        return _Call(notification, error=DeliveryFailed("the message cannot be rendered"))
    try:
        choice = carrying.choose(
            own[notification.merchant_id], medium=notification.medium, text=text, at=at, turn=notification.attempts
        )
    except DeliveryFailed as error:
        return _Call(notification, error=error)
    return _Call(notification, text, choice)


def _within_measure(calls: Sequence[_Call], at: datetime) -> list[_Call]:
    """Of one contract so many at a time, and a single probe while it fails: a provider that hangs holds nobody else up."""
    begun: Counter[int] = Counter()
    measured = []
    for call in calls:
        contract = call.choice.contract if call.choice and call.choice.wait_until is None else None
        if contract is not None:
            begun[contract.pk] += 1
            if begun[contract.pk] > (1 if contract.failures >= carrying.PAUSED_FROM else _AT_ONCE):
                until = at + _PROBED_WITHIN if contract.failures >= carrying.PAUSED_FROM else at
                measured.append(replace(call, choice=None, put_off=until))
                continue
        measured.append(call)
    return measured


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


def _carry(call: _Call) -> _Result:
    """Runs in the pool: no database here."""
    if call.choice is None or call.text is None:
        return _Result("" if call.error or call.put_off else "sandbox: nobody was sent anything", call.error)
    if call.choice.wait_until is not None:
        return _Result(error=DeliveryFailed("the provider does not answer"))
    try:
        return _Result(call.choice.carrier.send(recipient=call.notification.recipient, text=call.text))
    except DeliveryFailed as error:
        return _Result(error=error)


def _note(call: _Call, result: _Result, at: datetime) -> None:
    notification, choice, error = call.notification, call.choice, result.error
    waits = choice is not None and choice.wait_until is not None
    if choice is not None:
        notification.text, notification.carrier = choice.said, choice.contract.kind if choice.contract else ""
        notification.promised_by = call.text.promised_by if call.text else None
    if call.put_off is not None:
        notification.due_at = call.put_off
        return
    if waits and not notification.fallback and choice is not None:
        # Nobody was called: it costs no try.
        notification.due_at, notification.last_error = choice.wait_until, str(error)[:300]
        return
    notification.attempts += 1
    if error is None:
        notification.state, notification.sent_at, notification.due_at = NotificationState.SENT, at, None
        notification.receipt, notification.last_error = result.receipt[:120], ""
        if choice is not None and hasattr(choice.carrier, "has_arrived"):
            notification.receipt_due_at = at + _RECEIPTS[0]
        return
    notification.last_error = str(error)[:300]
    is_over = notification.attempts > len(_BACKOFF)
    if notification.fallback:
        is_over = error.setting or waits or notification.attempts >= _BEFORE_FALLBACK
    elif error.setting or (choice and choice.contract and choice.contract.failures >= carrying.PAUSED_FROM):
        # It goes out once the merchant has mended what is wrong, or the provider is back.
        is_over = is_over and at - notification.created_at > _MENDED_WITHIN
    if is_over or error.permanent:
        _give_up(notification)
        return
    notification.due_at = at + timedelta(seconds=_BACKOFF[min(notification.attempts, len(_BACKOFF)) - 1])


def _give_up(notification: Notification) -> None:
    notification.state = NotificationState.REPLACED if notification.fallback else NotificationState.DEAD
    notification.due_at = notification.receipt_due_at = None
    logger.warning(
        "notification %s %s after %s attempts: %s",
        *(notification.pk, notification.state, notification.attempts, notification.last_error),
    )


@transaction.atomic
def _go_on(calls: Sequence[_Call], results: Sequence[_Result], at: datetime) -> None:
    """Write down what became of each: its row, the message that takes its place, the consent that is used up, the provider."""
    rows = [call.notification for call in calls]
    save_fields(
        rows,
        (
            *("state", "attempts", "due_at", "sent_at", "receipt", "last_error", "text", "carrier", "receipt_due_at"),
            "promised_by",
        ),
    )
    _replace(rows, at)
    outcomes = []
    for call, result in zip(calls, results, strict=True):
        choice, row = call.choice, call.notification
        if choice is None or choice.contract is None or choice.wait_until is not None:
            continue
        outcomes.append((choice.contract, result.error))
        consent = WeChatConsent.objects.filter(request_id=row.request_id)
        if row.medium == Medium.WECHAT and result.error is None:
            consent.update(events=Func(F("events"), Value(row.event), function="array_remove"))
        elif row.medium == Medium.WECHAT and result.error is not None and result.error.permanent:
            consent.update(refused_at=at)
    if outcomes:
        carrying.note(outcomes, at=at)


def _replace(rows: Sequence[Notification], at: datetime) -> None:
    """The next medium's turn for what is given up."""
    given_up = [row for row in rows if row.state == NotificationState.REPLACED]
    if not given_up:
        return
    consents = _consents({row.request_id for row in given_up})
    followers = [
        message
        for row in given_up
        for message in Notification.of(
            row.request,
            event=row.event,
            version=row.version,
            at=at,
            chains=[row.fallback],
            openid=consents[row.request_id].openid if row.request_id in consents else "",
        )
    ]
    Notification.objects.bulk_create(followers, ignore_conflicts=True)


def _ask_receipts(at: datetime) -> None:
    """Whether what was handed over some time ago has arrived."""
    while Notification.objects.filter(receipt_due_at__lte=at).exists() and (rows := _claim_sent(at)):
        own = carrying.contracts({row.merchant_id for row in rows})
        carriers = [_carrier_of(row, own) for row in rows]
        for row, result in zip(rows, _pool().map(_asked, rows, carriers), strict=True):
            _note_receipt(row, result, at)
        with transaction.atomic():
            save_fields(rows, ("state", "due_at", "receipt_due_at", "delivered_at", "last_error"))
            _replace(rows, at)


@transaction.atomic
def _claim_sent(at: datetime) -> list[Notification]:
    due = Notification.objects.filter(receipt_due_at__lte=at).select_related("request")
    rows = list(due.select_for_update(skip_locked=True, of=("self",)).order_by("receipt_due_at")[:50])
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(receipt_due_at=at + _LEASE)
    return rows


def _carrier_of(row: Notification, own: Contracts) -> ReceiptCarrier | None:
    found = next((one for one in own[row.merchant_id] if one.kind == row.carrier), None)
    return cast(ReceiptCarrier, carrying.made(found)) if found else None


def _asked(row: Notification, carrier: ReceiptCarrier | None) -> bool | DeliveryFailed:
    """Runs in the pool: no database here."""
    if carrier is None or row.sent_at is None or not row.recipient:
        return False
    try:
        return carrier.has_arrived(recipient=row.recipient, receipt=row.receipt, sent_at=row.sent_at)
    except DeliveryFailed as error:
        return error


def _note_receipt(row: Notification, result: object, at: datetime) -> None:
    if result is True:
        row.delivered_at, row.receipt_due_at = at, None
    elif isinstance(result, DeliveryFailed) and result.permanent:
        row.last_error = str(result)[:300]
        _give_up(row)
    else:
        sent_at = row.sent_at or at
        row.receipt_due_at = next((sent_at + wait for wait in _RECEIPTS if sent_at + wait > at), None)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="carrier")
