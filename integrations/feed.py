"""The event feed: every event of a merchant in one order that only ever grows at its end.

Events are taken from the audit trail a moment after they were committed, by one writer at a time, and numbered 1, 2, 3 ... for
each merchant. Only those of transactions below the oldest one that still runs are taken, so that none is ever passed over;
what a reader has seen up to a number is complete. Webhooks are queued in the same commit.
"""

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min, Q

from core.errors import Conflict
from core.failpoints import failpoint
from integrations.models import Feed, FeedEvent, FeedPoint, WebhookDelivery
from merchants.principals import Principal
from merchants.rights import Act, check_may, may
from refunds.models.batch import BatchState
from refunds.states import State

KEPT = timedelta(days=90)
REFUND = "refund_request"
#: Every type there is. A leg is told where a refund goes back in several.
TYPES: tuple[str, ...] = (
    *(f"{REFUND}.{state}" for state in State.values),
    f"{REFUND}.leg.succeeded",
    f"{REFUND}.leg.failed",
    "transaction.created",
    "transaction.corrected",
    *(f"batch.{state}" for state in BatchState.values),
    "policy.published",
    "webhook_endpoint.disabled",
)
_BATCH = 2000
#: How many numbers one reading looks at, whatever it filters by.
_WINDOW = 20_000
_LOOK_EVERY_S = 0.2


class CursorExpired(Conflict):
    """Events after this cursor are no longer kept."""

    code = "cursor_expired"
    status = 410


# What a thing's later event is told after its earlier one, although its transaction may have begun, and got its number, before
# the earlier one's: whatever is there of the same thing and older comes along (``earlier``), and is not taken again.
_TAKE = f"""
WITH batch AS MATERIALIZED (
  SELECT e.* FROM core_auditevent e
   WHERE (e.txid, e.id) > (%(txid)s, %(id)s) AND e.txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
   ORDER BY e.txid, e.id LIMIT {_BATCH}
), reached AS (
  SELECT txid, id FROM batch ORDER BY txid DESC, id DESC LIMIT 1
), earlier AS (
  SELECT DISTINCT ON (p.id) p.* FROM batch e JOIN core_auditevent p
      ON p.object_id = e.object_id AND p.object_type = e.object_type AND p.id < e.id
   WHERE e.object_type IN ('{REFUND}', 'transaction') AND (p.txid, p.id) > (SELECT txid, id FROM reached)
), named AS (
  SELECT b.*, kind.place, kind.type FROM (SELECT * FROM batch UNION ALL SELECT * FROM earlier) b
   CROSS JOIN LATERAL (VALUES
     (0, CASE WHEN b.action = 'refund.pay_part' OR b.action = 'refund.succeed' AND b.data ? 'leg' THEN '{REFUND}.leg.succeeded'
              WHEN b.action = 'refund.leg_failed' THEN '{REFUND}.leg.failed' END),
     (1, CASE WHEN b.object_type = '{REFUND}' AND b.to_state <> '' THEN '{REFUND}.' || b.to_state
              WHEN b.action = 'transaction.report' THEN 'transaction.created'
              WHEN b.action = 'transaction.correct' THEN 'transaction.corrected'
              WHEN b.action = 'policy.publish' THEN 'policy.published'
              WHEN b.object_type = 'refund_batch' THEN 'batch.' || (b.data ->> 'state')
              WHEN b.action = 'sandbox.event' THEN b.data ->> 'type'
              WHEN b.action = 'webhook_endpoint.give_up' THEN 'webhook_endpoint.disabled' END)
   ) kind (place, type)
   WHERE kind.type IS NOT NULL AND b.at > %(oldest)s
     AND NOT EXISTS (SELECT FROM integrations_feedevent f WHERE f.source = b.id AND f.place = kind.place)
), added AS (
  INSERT INTO integrations_feedevent
    (merchant_id, sequence, source, place, type, store_id, object_type, object_id, version, data, created_at)
  SELECT n.merchant_id,
         coalesce(f.last_sequence, 0) + row_number() OVER (PARTITION BY n.merchant_id ORDER BY n.id, n.place),
         n.id, n.place, n.type, coalesce(r.store_id, t.store_id, w.store_id, q.store_id), n.object_type, n.object_id, n.version,
         jsonb_strip_nulls(jsonb_build_object(
           'number', CASE n.object_type WHEN '{REFUND}' THEN to_jsonb(r.number)
                                        WHEN 'policy_version' THEN n.data -> 'number' END,
           'order_no', t.order_no, 'store', s.code, 'from_state', nullif(n.from_state, ''),
           'state', coalesce(nullif(n.to_state, ''), n.data ->> 'state'), 'leg', n.data -> 'leg')),
         n.at
    FROM named n
    LEFT JOIN integrations_feed f ON f.merchant_id = n.merchant_id
    LEFT JOIN refunds_refundrequest r ON r.id = CASE WHEN n.object_type = '{REFUND}' THEN n.object_id::uuid END
    LEFT JOIN terminals_transaction t
      ON t.id = CASE n.object_type WHEN '{REFUND}' THEN r.transaction_id WHEN 'transaction' THEN n.object_id::uuid END
    LEFT JOIN integrations_webhookendpoint w ON w.id = CASE WHEN n.object_type = 'webhook_endpoint' THEN n.object_id::bigint END
    LEFT JOIN refunds_refundbatch q ON q.id = CASE WHEN n.object_type = 'refund_batch' THEN n.object_id::bigint END
    LEFT JOIN merchants_store s ON s.id = coalesce(r.store_id, t.store_id, w.store_id, q.store_id)
  RETURNING id, merchant_id, sequence, type, store_id, object_id
), counted AS (
  INSERT INTO integrations_feed (merchant_id, last_sequence) SELECT merchant_id, max(sequence) FROM added GROUP BY 1
  ON CONFLICT (merchant_id) DO UPDATE SET last_sequence = excluded.last_sequence
), queued AS (
  INSERT INTO integrations_webhookdelivery (merchant_id, endpoint_id, event_id, webhook_id, type, object_id, sequence, state,
                                            attempts, due_at, body, log, created_at)
  SELECT a.merchant_id, w.id, a.id, 'evt_' || a.id, a.type, a.object_id, a.sequence, 'pending', 0, %(at)s, '', '[]', %(at)s
    FROM added a JOIN integrations_webhookendpoint w ON w.merchant_id = a.merchant_id AND w.enabled
     AND (w.types = '{{}}' OR a.type = ANY (w.types)) AND (w.store_id IS NULL OR a.store_id IS NULL OR w.store_id = a.store_id)
)
SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM added), txid, id FROM reached
"""


def take_events(*, at: datetime) -> int:
    """Put what was committed since the last time into the feeds. Returns how many events; safe to run at any time."""
    added = 0
    while _is_there_more():
        with transaction.atomic(), connection.cursor() as cursor:
            FeedPoint.objects.get_or_create(pk=1)
            point = FeedPoint.objects.select_for_update().get(pk=1)
            cursor.execute(_TAKE, {"txid": point.txid, "id": point.event_id, "oldest": at - KEPT, "at": at})
            row = cursor.fetchone()
            if row is None:
                # Somebody else has taken it meanwhile.
                break
            count, new, point.txid, point.event_id = row
            point.save()
            failpoint("feed.before_commit")
        added += new
        if count < _BATCH:
            break
    return added


def _is_there_more() -> bool:
    """Asked many times a second: a small statement, and no lock."""
    point = FeedPoint.objects.values_list("txid", "event_id").first() or (0, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM core_auditevent WHERE (txid, id) > (%s, %s) "
            "AND txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)",
            point,
        )
        return bool(cursor.fetchone()[0])


def forget_old(*, at: datetime) -> int:
    """Events and deliveries of more than ``KEPT`` ago are gone, a batch at a time. Returns how many events."""
    old = FeedEvent.objects.filter(created_at__lt=at - KEPT).order_by("created_at").values("pk")[:_BATCH]
    count = 0
    while batch := FeedEvent.objects.filter(pk__in=old).delete()[1].get("integrations.FeedEvent", 0):
        count += batch
    WebhookDelivery.objects.filter(event=None, created_at__lt=at - KEPT).delete()
    return count


@dataclass(frozen=True, slots=True)
class Page:
    """``next`` is the number after which to go on. ``come_back``: an answer before its time, for too many are waiting."""

    events: Sequence[FeedEvent]
    next: int
    has_more: bool
    come_back: bool = False


def events_for(by: Principal) -> Q:
    """The events that this principal may know of."""
    check_may(Act.READ_REFUNDS, by=by)
    seen = Q(merchant_id=by.acting_for)
    if by.stores is not None:
        seen &= Q(store_id=None) | Q(store_id__in=by.stores)
    return seen if may(Act.READ_SALES, by=by) else seen & ~Q(type__startswith="transaction.")


def read(*, by: Principal, after: int | None, types: Collection[str], limit: int) -> Page:
    """Events after this number in order, from the oldest that is kept where there is none. Raises ``Forbidden``,
    ``CursorExpired`` or ``ValueError`` for a number that no event has had.
    """
    seen = events_for(by)
    last = last_sequence(by.acting_for)
    oldest = FeedEvent.objects.filter(merchant_id=by.acting_for).aggregate(at=Min("sequence"))["at"]
    first = last + 1 if oldest is None else oldest
    if after is None:
        after = first - 1
    if after > last:
        raise ValueError("no event has had this number")
    if after < first - 1:
        raise CursorExpired("events after this cursor are no longer kept", oldest=str(first - 1))
    end = min(last, after + _WINDOW)
    found = FeedEvent.objects.filter(seen, sequence__gt=after, sequence__lte=end)
    if types:
        found = found.filter(type__in=types)
    events = list(found.order_by("sequence")[:limit])
    reached = events[-1].sequence if len(events) == limit else end
    return Page(events, reached, has_more=reached < last)


def last_sequence(merchant_id: int) -> int:
    """The number of the merchant's newest event; 0 before the first."""
    found = Feed.objects.filter(pk=merchant_id).values_list("last_sequence", flat=True).first()
    return found or 0


#: Threads of this process that may wait for an event; the others go on answering calls.
_places = threading.BoundedSemaphore(settings.FEED_WAITING_THREADS)


def wait_for(*, by: Principal, after: int | None, types: Collection[str], limit: int, wait_s: float) -> Page:
    """The same; where there is nothing, wait so long for something. Raises as ``read`` does."""
    page = read(by=by, after=after, types=types, limit=limit)
    if page.events or page.has_more or not wait_s:
        return page
    if not _places.acquire(blocking=False):
        return replace(page, come_back=True)
    until = time.monotonic() + wait_s
    try:
        while not page.events and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
            if last_sequence(by.acting_for) > page.next:
                page = read(by=by, after=page.next, types=types, limit=limit)
    finally:
        _places.release()
    return page


def thin(event: FeedEvent) -> dict[str, Any]:
    """An event as the feed gives it, but for the form of its instant."""
    return {
        "id": f"evt_{event.pk}",
        "sequence": event.sequence,
        "type": event.type,
        "created_at": event.created_at,
        "object": {"type": event.object_type, "id": event.object_id, "version": event.version},
        "data": event.data,
    }
