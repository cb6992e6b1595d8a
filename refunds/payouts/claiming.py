"""Taking due payouts under a lease, and storing that they are being sent before anything is.

A payout whose lease ran out was in the hands of a worker that died: it is asked about before anything is sent again.
"""

import hmac
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from core.audit import keys
from core.audit.actors import SYSTEM
from core.sql import execute_rows
from merchants import channels
from payment_channels.contract import RefundOrder, RefundReference
from refunds import lifecycle
from refunds.facts import vouching
from refunds.lifecycle import Move
from refunds.models.execution import tag_of
from refunds.rules import payer_reason
from refunds.rules.policy import TWO_FOR
from refunds.states import ExecutionState, State

#: So often a number that the channel denies goes out again without being taken; then a person decides. Denials count from the
#: channel's query lag on, so that this takes some eight minutes.
SENT_AGAIN_AT_MOST = 3

#: A payout that nobody vouches for is looked at again after this: somebody may have put the rows right.
UNVOUCHED_RESTS = timedelta(minutes=10)

#: Channels that by their usual contract want time between two refunds of one sale.
_SPACED = [code for code in channels.known() if channels.profile(code, {}).partial_spacing_s]


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A due payout; where ``claim`` returned it, in this loop's hands until its lease runs out.

    ``turn`` counts the claims of this payout. ``denial_counts`` says that the last send is so long ago that a channel which
    does not know the number by now never got it; ``goes_out_again`` that such a number may be sent once more. ``too_late`` says
    that the channel's window has closed on the sale. ``others_fen``: what other refunds of it take, paid or under way.
    ``is_everyday``: a rule approved it, and it is what was approved by then.
    ``has_sale``: whether this claim alone looks at payouts of the sale now.
    """

    execution_id: UUID
    request_id: UUID
    is_everyday: bool
    transaction_id: UUID
    account_id: int
    account_revision: int
    channel: str
    state: str
    request_state: str
    has_sale: bool
    spacing_s: float
    turn: int
    denial_counts: bool
    goes_out_again: bool
    too_late: bool
    others_fen: int
    method: str
    order: RefundOrder
    reference: RefundReference

    @property
    def send(self) -> bool:
        """Only what was never sent, or was proven not accepted, is sent without asking first."""
        return self.state in (ExecutionState.READY, ExecutionState.HELD)


#: Whether request ``r`` was approved by as many as its approval says: by rule, by one, or by two persons over one amount. What
#: else was approved is not sent, whoever stored it. The invariants ask the same.
APPROVED_BY_ENOUGH = """(r.by_rule OR EXISTS (
  SELECT 1 FROM refunds_approval a
   WHERE a.request_id = r.id AND a.decision = 'approve' AND a.lapses_at IS NULL
     AND a.version = (SELECT max(l.version) FROM refunds_approval l
                       WHERE l.request_id = r.id AND l.decision = 'approve' AND l.lapses_at IS NULL)
     AND (a.needed < 2 OR EXISTS (
       SELECT 1 FROM refunds_approval f
        WHERE f.request_id = r.id AND f.decision = 'approve' AND f.version = a.version - 1 AND f.lapses_at > a.at
          AND f.amount_fen = a.amount_fen AND a.staff_id <> f.staff_id
          AND a.staff_id IS DISTINCT FROM f.on_behalf_of_id AND f.staff_id IS DISTINCT FROM a.on_behalf_of_id
          AND (a.on_behalf_of_id = f.on_behalf_of_id) IS NOT TRUE))))"""

_CLAIM = f"""
SELECT e.id, e.request_id, r.by_rule, e.transaction_id, e.state, e.refund_no, e.amount_fen, e.sends, e.queries, e.denials,
       e.first_sent_at, e.last_asked_at, e.channel_account_id, a.revision, a.code, a.channel,
       a.profile_overrides::text,
       t.channel_transaction_no, t.order_no, t.amount_fen, t.paid_at,
       t.reserved_fen - e.amount_fen, r.state, r.reason, r.customer_locale,
       e.method, e.tag, t.held_at IS NOT NULL,
       CASE WHEN a.channel = ANY(%s) OR a.profile_overrides ? 'partial_spacing_s'
            THEN pg_try_advisory_xact_lock(hashtextextended(e.transaction_id::text, 20)) ELSE true END
  FROM refunds_execution e
  JOIN refunds_refundrequest r ON r.id = e.request_id
  JOIN merchants_channelaccount a ON a.id = e.channel_account_id
  JOIN terminals_transaction t ON t.id = e.transaction_id
 WHERE e.due_at <= %s AND (t.held_at IS NULL OR e.state NOT IN ('ready', 'held'))
   AND (e.state NOT IN ('ready', 'held') OR {APPROVED_BY_ENOUGH})
   AND e.channel_account_id <> ALL(%s) AND a.channel <> ALL(%s)
   AND (%s::bigint IS NULL OR e.channel_account_id = %s)
 ORDER BY e.due_at, e.id
 LIMIT %s
   FOR UPDATE OF e, r SKIP LOCKED
"""  # noqa: S608 - a fixed text


@transaction.atomic
def claim(
    *,
    limit: int,
    at: datetime,
    not_accounts: Sequence[int] = (),
    not_channels: Sequence[str] = (),
    only_account: int | None = None,
) -> list[Claimed]:
    """Take up to ``limit`` due payouts for ``EXECUTION_LEASE_S`` seconds; payouts held by others are passed over.

    ``not_accounts`` are channel accounts that are down, ``not_channels`` those with enough in the air; ``only_account``
    takes a probe.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [_SPACED, at, list(not_accounts), list(not_channels), only_account, only_account, limit])
        rows = [_claimed(at, *row) for row in cursor.fetchall()]
        if not rows:
            return []
        rows, unvouched = _keep_vouched(rows, at)
        rows, postponed = _keep_spacing(cursor, rows, at)
        postponed += unvouched
        if rows:
            _take_lease(rows, at)
        if postponed:
            execute_rows(
                "UPDATE refunds_execution e SET due_at = v.due_at FROM (VALUES %s) v (id, due_at) WHERE e.id = v.id",
                postponed,
                template="(%s::uuid, %s::timestamptz)",
            )
    # Several legs of one request may be due at once: the first of them starts it.
    starting = {row.request_id: row for row in reversed(rows) if row.request_state == State.APPROVED}
    lifecycle.advance_many(
        [
            Move(row.request_id, "start_execution", SYSTEM, at, data={"refund_no": row.order.refund_no})
            for row in starting.values()
        ]
    )
    return rows


def _keep_vouched(rows: list[Claimed], at: datetime) -> tuple[list[Claimed], list[tuple[UUID, datetime]]]:
    """What people approved is looked at again before it is sent; what does not hold waits for a person, who is paged."""
    some = {row.request_id for row in rows if row.send and not row.is_everyday}
    if not some or not (broken := vouching.faults(some, paying=True)):
        return rows, []
    for request_id, why in broken.items():
        logger.error("payout of request %s is not sent: %s", request_id, why)
    held = [(row.execution_id, at + UNVOUCHED_RESTS) for row in rows if row.send and row.request_id in broken]
    return [row for row in rows if not (row.send and row.request_id in broken)], held


def _is_tagged(tag: bytes | None, *of: Any) -> bool:
    names = ("request_id", "transaction_id", "channel_account_id", "refund_no", "amount_fen")
    said = dict(zip(names, of, strict=True))
    return tag is not None and any(
        hmac.compare_digest(tag_of(key, **said), bytes(tag)) for key in keys.ring().known.values()
    )


def _take_lease(rows: Sequence[Claimed], at: datetime) -> None:
    lease = at + timedelta(seconds=settings.EXECUTION_LEASE_S)
    execute_rows(
        "UPDATE refunds_execution e SET state = v.state, due_at = v.due_at, sends = e.sends + v.sent, "
        "queries = e.queries + v.asked, first_sent_at = coalesce(e.first_sent_at, v.sent_at), last_asked_at = v.sent_at "
        "FROM (VALUES %s) v (id, state, due_at, sent, asked, sent_at) WHERE e.id = v.id",
        [
            (r.execution_id, ExecutionState.SENDING if r.send else r.state, lease, int(r.send), int(not r.send), at)
            for r in rows
        ],
        template="(%s::uuid, %s::varchar, %s::timestamptz, %s::int, %s::int, %s::timestamptz)",
    )


def _claimed(
    at: datetime,
    execution_id: UUID,
    request_id: UUID,
    by_rule: bool,  # noqa: FBT001 - a column of the row
    transaction_id: UUID,
    state: str,
    refund_no: str,
    amount_fen: int,
    sends: int,
    queries: int,
    denials: int,
    first_sent_at: datetime | None,
    last_asked_at: datetime | None,
    account_id: int,
    account_revision: int,
    account_code: str,
    channel: str,
    overrides: str,
    channel_transaction_no: str,
    order_no: str,
    paid_fen: int,
    paid_at: datetime,
    others_fen: int,
    request_state: str,
    reason: str,
    locale: str,
    method: str,
    tag: bytes | None,
    is_held: bool,  # noqa: FBT001 - a column of the row
    has_sale: bool,  # noqa: FBT001 - a column of the row
) -> Claimed:
    profile = channels.usable_profile_of_text(channel, overrides)
    # The last send left at the latest when its claim's lease ended; after that a query may lag for a while.
    quiet = timedelta(seconds=profile.query_lag_s + settings.EXECUTION_LEASE_S)
    return Claimed(
        execution_id=execution_id,
        request_id=request_id,
        is_everyday=by_rule
        and channel not in TWO_FOR
        and _is_tagged(tag, request_id, transaction_id, account_id, refund_no, amount_fen),
        transaction_id=transaction_id,
        account_id=account_id,
        account_revision=account_revision,
        channel=channel,
        state=state,
        request_state=request_state,
        has_sale=has_sale,
        spacing_s=profile.partial_spacing_s,
        turn=sends + queries + 1,
        denial_counts=last_asked_at is not None and at - last_asked_at >= quiet,
        # What finance holds is asked about and never sent, and so is what the channel's portal sent, not we.
        goes_out_again=(sends > 0 or state == ExecutionState.READY) and denials < SENT_AGAIN_AT_MOST and not is_held,
        # A day more than the channel says: it may count whole days, and a refund that it would take must go out.
        too_late=at - paid_at > timedelta(days=profile.window_days + 1),
        others_fen=others_fen,
        method=method,
        order=RefundOrder(
            refund_no=refund_no,
            channel_transaction_no=channel_transaction_no,
            order_no=order_no,
            amount_fen=amount_fen,
            paid_fen=paid_fen,
            paid_at=paid_at,
            reason=payer_reason.phrase(reason=reason, locale=locale),
            notify_url=f"{settings.BASE_URL}/channels/{channel}/{account_code}/notices",
            first_sent_at=first_sent_at or at,
            # An earlier send may lie at the channel. One held without ever being asked about was refused each time.
            maybe_received=state != ExecutionState.READY and not (state == ExecutionState.HELD and queries == 0),
        ),
        reference=RefundReference(
            refund_no=refund_no,
            channel_transaction_no=channel_transaction_no,
            order_no=order_no,
            amount_fen=amount_fen,
            sent_at=first_sent_at,
        ),
    )


def _keep_spacing(cursor: Any, rows: list[Claimed], at: datetime) -> tuple[list[Claimed], list[tuple[UUID, datetime]]]:
    """Some channels want time between two refunds of one sale: one goes now, the others when their turn comes.

    What another claim sends of the same sale at this moment is not visible yet: a payout whose sale is in other hands stays
    due. The statement below sees what those who had it before us have committed.
    """
    rows = [row for row in rows if row.has_sale or not (row.send and row.spacing_s)]
    spaced = [row for row in rows if row.send and row.spacing_s]
    if not spaced:
        return rows, []
    cursor.execute(
        "SELECT transaction_id, id, last_asked_at FROM refunds_execution "
        "WHERE transaction_id = ANY(%s::uuid[]) AND sends > 0",
        [list({row.transaction_id for row in spaced})],
    )
    sent: dict[UUID, dict[UUID, datetime]] = defaultdict(dict)
    for transaction_id, execution_id, asked_at in cursor.fetchall():
        sent[transaction_id][execution_id] = asked_at
    kept: list[Claimed] = []
    postponed: list[tuple[UUID, datetime]] = []
    for row in rows:
        if not row.send or not row.spacing_s:
            kept.append(row)
            continue
        # The payout's own earlier sends are no other refund: one that was held goes out again as soon as it may.
        others = [asked_at for pk, asked_at in sent[row.transaction_id].items() if pk != row.execution_id]
        free_at = max(others) + timedelta(seconds=row.spacing_s) if others else at
        if free_at > at:
            postponed.append((row.execution_id, free_at))
        else:
            kept.append(row)
        sent[row.transaction_id][row.execution_id] = max(free_at, at)
    return kept, postponed
