"""Sending webhooks: signed as Standard Webhooks says, at least once, in order for each refund.

Deliveries that are due are the queue. Endpoints do not wait for one another, nor refunds for them: each endpoint has few calls
under way at a time, one while it fails, and none while it is paused; all of it runs in threads of its own (``tasks``).
"""

import json
import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string
from django.utils.timezone import localtime
from standardwebhooks.webhooks import Webhook

from core.audit.actors import SYSTEM
from core.audit.record import record_of
from core.failpoints import failpoint
from core.sql import PreparedStatement, save_fields
from integrations import endpoints, feed
from integrations.addresses import Result, post
from integrations.models import DeliveryState, Style, WebhookDelivery, WebhookEndpoint
from refunds.payouts import loop

logger = logging.getLogger(__name__)

#: Seconds until the next attempt, over three days in all.
BACKOFF_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 72_000, 86_400)
#: Failures in a row from which on the whole endpoint pauses, and for how long at most.
_PAUSES_FROM = 3
_LONGEST_PAUSE_S = 900
#: An endpoint that has failed for so long is switched off.
GIVEN_UP_AFTER = timedelta(days=3)
_WIDTH = 64
_AT_ONCE = 4
_GONE = 410
_Reader = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery that was claimed, with all that sending needs: no database from here on."""

    delivery_id: int
    url: str
    secrets: Sequence[str]
    webhook_id: str
    body: str
    at: datetime


# Of each open endpoint so many as it has room for. One is not sent before an earlier one about the same thing has arrived or was
# given up. The outer conditions are asked again of the row as it is when it is locked: two who claim at once share nothing.
# Planned once, and so written that the indexes are the only way: ten thousand may begin to wait at once, of which the table's
# statistics know nothing, and each look would read them all.
_WAITS = "d.state IN ('pending', 'sending')"
_CLAIM = PreparedStatement(
    name="claim_deliveries",
    types=("timestamptz", "timestamptz", "int"),
    sql=f"""
WITH open AS (
  SELECT w.id, w.failures, (CASE WHEN w.failures > 0 THEN 1 ELSE {_AT_ONCE} END) -
         (SELECT count(*) FROM integrations_webhookdelivery d
           WHERE d.endpoint_id = w.id AND d.state = 'sending' AND d.due_at > $1) AS room
    FROM integrations_webhookendpoint w
   WHERE w.enabled AND (w.paused_until IS NULL OR w.paused_until <= $1)
     AND (SELECT d.due_at FROM integrations_webhookdelivery d WHERE d.endpoint_id = w.id AND {_WAITS}
           ORDER BY d.due_at LIMIT 1) <= $1
     FOR NO KEY UPDATE OF w SKIP LOCKED
), due AS (
  SELECT d.id FROM open CROSS JOIN LATERAL (
    SELECT d.id FROM integrations_webhookdelivery d
     WHERE d.endpoint_id = open.id AND {_WAITS} AND d.due_at <= $1
       AND (SELECT b.id FROM integrations_webhookdelivery b
             WHERE b.endpoint_id = d.endpoint_id AND b.object_id = d.object_id AND b.sequence < d.sequence
               AND b.state IN ('pending', 'sending') ORDER BY b.sequence LIMIT 1) IS NULL
     ORDER BY d.due_at, d.sequence LIMIT greatest(open.room, 0)) d
   ORDER BY open.failures, d.id LIMIT $3
)
UPDATE integrations_webhookdelivery d SET state = 'sending', due_at = $2
 WHERE d.id = ANY (ARRAY(SELECT id FROM due)) AND (CASE WHEN {_WAITS} THEN d.due_at END) <= $1
RETURNING d.id
""",
)


@transaction.atomic
def claim(*, at: datetime, most: int = _WIDTH) -> list[Outgoing]:
    """Lease what is due, in the order in which it is to be sent."""
    with connection.cursor() as cursor:
        _CLAIM.execute(cursor, (at, at + timedelta(seconds=settings.EXECUTION_LEASE_S), most))
        claimed = [pk for (pk,) in cursor.fetchall()]
    if not claimed:
        return []
    rows = list(
        WebhookDelivery.objects.filter(pk__in=claimed).select_related("endpoint", "event").order_by("sequence", "pk")
    )
    bare = [row for row in rows if not row.body]
    for row in bare:
        row.body = _body(row)
    save_fields(bare, ("body",))
    return [_outgoing(row, at) for row in rows]


def _outgoing(row: WebhookDelivery, at: datetime) -> Outgoing:
    endpoint, secrets = row.endpoint, [row.endpoint.secret]
    if endpoint.previous_until is not None and endpoint.previous_until > at:
        secrets.append(endpoint.previous_secret)
    return Outgoing(row.pk, endpoint.url, secrets, row.webhook_id, row.body, at)


def _body(row: WebhookDelivery) -> str:
    """The event as the feed gives it; ``full``: with the thing itself as GET gives it at this moment."""
    if row.event is None:
        body: dict[str, Any] = {"id": row.webhook_id, "sequence": 0, "type": row.type, "data": {}}
        body |= {"created_at": row.created_at, "object": {"type": "webhook_endpoint", "id": str(row.endpoint_id)}}
    else:
        body = feed.thin(row.event)
        if row.endpoint.style == Style.FULL and (reader := _reader(row.event.object_type)):
            body["data"] = _in_full(reader, row) or body["data"]
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=_instant)


def _in_full(reader: _Reader, row: WebhookDelivery) -> dict[str, Any] | None:
    """None where it cannot be written: one thing stops no other, and a thin event leads there, too."""
    try:
        with transaction.atomic():
            return reader(merchant_id=row.merchant_id, object_id=row.object_id)
    except Exception:
        logger.exception("webhook %s cannot be written in full", row.webhook_id)
        return None


def _instant(value: object) -> str:
    """As the feed writes it, offset and all."""
    return localtime(value).isoformat() if isinstance(value, datetime) else str(value)


@lru_cache(maxsize=8)
def _reader(object_type: str) -> _Reader | None:
    """How a thing is written in full: the API's own way, which settings name, for no room imports a face."""
    path = settings.WEBHOOK_BODIES.get(object_type)
    return import_string(path) if path else None


def send(outgoing: Outgoing) -> Result:
    """Call the endpoint once. Runs in the pool: no database here."""
    # The library reads the clock time as UTC's, whatever its offset.
    at = outgoing.at.astimezone(UTC)
    signed = (Webhook(secret).sign(outgoing.webhook_id, at, outgoing.body) for secret in outgoing.secrets)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "RefundDesk-Webhooks/1",
        "webhook-id": outgoing.webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }
    return post(outgoing.url, body=outgoing.body.encode(), headers=headers)


@transaction.atomic
def note(results: Sequence[tuple[int, Result]], *, at: datetime) -> None:
    """Write down how calls ended: delivered, due again, or given up; and what that says of the endpoint."""
    ended = dict(results)
    rows = WebhookDelivery.objects.filter(pk__in=ended).select_related("endpoint").order_by("endpoint_id", "sequence")
    for row in rows.select_for_update(of=("self", "endpoint"), no_key=True):
        result = ended[row.pk]
        row.attempts += 1
        entry = {"at": at.isoformat(), "status": result.status, "ms": result.ms, "said": result.said}
        row.log = [*row.log, entry][-2 * len(BACKOFF_S) :]
        if row.state != DeliveryState.SENDING:
            # Switched off, or delivered by another, while it was under way.
            row.save(update_fields=["attempts", "log"])
            continue
        if result.arrived:
            row.state, row.due_at, row.delivered_at = DeliveryState.DELIVERED, None, at
        elif row.attempts > len(BACKOFF_S):
            row.state, row.due_at = DeliveryState.FAILED, None
            logger.warning("webhook %s to endpoint %s given up", row.webhook_id, row.endpoint_id)
        else:
            wait_s = BACKOFF_S[row.attempts - 1] * random.uniform(1, 1.1)  # noqa: S311 -- spreads, hides nothing
            row.state, row.due_at = DeliveryState.PENDING, at + timedelta(seconds=wait_s)
        row.save(update_fields=["attempts", "log", "state", "due_at", "delivered_at"])
        _note_endpoint(row.endpoint_id, result, at)


def _note_endpoint(endpoint_id: int, result: Result, at: datetime) -> None:
    endpoint = WebhookEndpoint.objects.get(pk=endpoint_id)
    if result.arrived:
        if endpoint.failures:
            WebhookEndpoint.objects.filter(pk=endpoint_id).update(failures=0, failing_since=None, paused_until=None)
            # It is back: what waits for its next attempt need not.
            endpoint.deliveries.filter(state=DeliveryState.PENDING, due_at__gt=at).update(due_at=at)
        return
    failures, since = endpoint.failures + 1, endpoint.failing_since or at
    pause_s = BACKOFF_S[min(failures - _PAUSES_FROM, len(BACKOFF_S) - 1)] if failures >= _PAUSES_FROM else 0
    WebhookEndpoint.objects.filter(pk=endpoint_id).update(
        failures=failures,
        failing_since=since,
        paused_until=at + timedelta(seconds=min(pause_s, _LONGEST_PAUSE_S)) if pause_s else None,
    )
    if endpoint.enabled and (result.status == _GONE or at - since >= GIVEN_UP_AFTER):
        _give_up(endpoint, at)


def _give_up(endpoint: WebhookEndpoint, at: datetime) -> None:
    """Switch it off. Its page says so, the navigation counts it, and the feed tells it to programs."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(enabled=False, disabled_at=at)
    endpoints.drop_waiting(endpoint)
    record_of(endpoint, by=SYSTEM, action="webhook_endpoint.give_up", at=at, data={"url": endpoint.url})
    logger.warning("webhook endpoint %s is switched off, it did not answer for long", endpoint.pk)


def work(*, clock: Callable[[], datetime]) -> int:
    """Send until nothing is due and nothing is under way. Returns how many calls were made."""
    under_way: dict[Future[Result], int] = {}
    calls = 0
    while True:
        free = _WIDTH - len(under_way)
        for outgoing in claim(at=clock(), most=free) if free and not loop.stopping.is_set() else ():
            under_way[_pool().submit(send, outgoing)] = outgoing.delivery_id
        if not under_way:
            return calls
        failpoint("webhooks.under_way")
        done, _ = wait(under_way, timeout=0.2, return_when=FIRST_COMPLETED)
        if done:
            note([(under_way.pop(future), future.result()) for future in done], at=clock())
            calls += len(done)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_WIDTH, thread_name_prefix="webhook")
