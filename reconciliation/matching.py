"""Comparing a day: every refund of ours with every line of the statement, set by set in the database.

A line belongs to a payout by our number, else by the channel's. A payout of ours that no line has is missing only once the
bills of all days on which it may stand are there: our clock and the channel's differ around the cut-off, and a payout that was
sent again may stand on a later day. What is still in flight is pending, which is no difference.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from core.audit.actors import SYSTEM
from core.audit.record import record_of
from payment_channels.profile import BillBasis
from reconciliation import days
from reconciliation.models import ReconciliationDay
from reconciliation.models.bill import DayState
from refunds import lifecycle
from refunds.models import Execution
from refunds.payouts import contradictions

#: How long a payout may take from its first send to its success and still be looked for on its day.
_LONGEST_WAY = timedelta(days=40)

_IN_FLIGHT = "('ready', 'sending', 'processing', 'unknown', 'held')"

#: The channel's words for a refund that it took from the merchant and cannot deliver: the bank gave it back (退款异常).
STUCK: Final = ("CHANGE", "ABNORMAL", "退款异常")
#: Refusals that say no more than that less is left of the payment, as after a refund made elsewhere.
LESS_LEFT: Final = ("check_amount", "refunded_already", "sale_state")
#: A line that the channel took back or did not pay: no money moved. What is stuck has left the merchant: of ours we know where it
#: lies, and what was made in the channel's portal is in no books until somebody adopts it.
_TAKEN_BACK = (
    "(l.succeeded_at IS NULL AND (upper(l.state) IN ('REFUNDCLOSE', 'CLOSED', 'FAIL', 'FAILED', '退款关闭', '退款失败') "
    f"OR l.execution_id IS NOT NULL AND upper(l.state) IN {STUCK}))"
)

_FROM_AT = {
    BillBasis.ACCEPTED: "e.first_sent_at",
    BillBasis.SUCCEEDED: "coalesce(e.succeeded_at, e.first_sent_at)",
}
#: The latest instant that may have put it on a bill.
_UNTIL_AT = {
    BillBasis.ACCEPTED: "CASE WHEN e.sends > 1 THEN coalesce(e.succeeded_at, e.first_sent_at) ELSE e.first_sent_at END",
    BillBasis.SUCCEEDED: "coalesce(e.succeeded_at, e.first_sent_at)",
}

#: Our payouts of the day that no line has; ``is_missing``: paid, and all bills are there that could have it.
_OURS_WITHOUT_LINE = """
SELECT e.id, e.request_id, e.refund_no, e.amount_fen, e.state, e.first_sent_at,
       e.state = 'succeeded' AND EXISTS (
         SELECT 1 FROM reconciliation_reconciliationday n
          WHERE n.channel_account_id = %(account)s AND n.bill_id IS NOT NULL
            AND n.date = (({until_at} + %(grace)s) AT TIME ZONE 'Asia/Shanghai' + %(shift)s)::date) AS is_missing
  FROM refunds_execution e
 WHERE e.channel_account_id = %(account)s
   AND e.first_sent_at >= %(lookback)s AND e.first_sent_at < %(end)s + interval '1 day'
   AND {from_at} >= %(start)s AND {from_at} < %(end)s
   AND e.state IN ('succeeded', 'sending', 'processing', 'unknown', 'held')
   AND NOT EXISTS (SELECT 1 FROM reconciliation_billline l WHERE l.execution_id = e.id)
"""

_LINK = """
UPDATE reconciliation_billline t SET execution_id = m.execution_id
  FROM (SELECT DISTINCT ON (e.id) e.id AS execution_id, l.id AS line_id
          FROM reconciliation_billline l
          JOIN refunds_execution e ON e.channel_account_id = %(account)s AND e.{number} = l.{number}
         WHERE l.bill_id = %(bill)s AND l.execution_id IS NULL AND l.{number} <> ''
           AND NOT EXISTS (SELECT 1 FROM reconciliation_billline o WHERE o.execution_id = e.id)
         ORDER BY e.id, l.line) m
 WHERE t.id = m.line_id
"""

#: What was adopted on the channel's word about the payment, before a statement named the refund.
_LINK_ADOPTED = """
UPDATE reconciliation_billline t SET execution_id = m.execution_id
  FROM (SELECT DISTINCT ON (e.id) e.id AS execution_id, l.id AS line_id
          FROM reconciliation_billline l
          JOIN terminals_transaction s ON s.channel_account_id = %(account)s
           AND s.channel_transaction_no = l.channel_transaction_no AND l.channel_transaction_no <> ''
          JOIN refunds_execution e ON e.transaction_id = s.id AND e.proof_source = 'trade' AND e.amount_fen = l.amount_fen
         WHERE l.bill_id = %(bill)s AND l.execution_id IS NULL AND l.succeeded_at IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM reconciliation_billline o WHERE o.execution_id = e.id)
         ORDER BY e.id, l.line) m
 WHERE t.id = m.line_id
"""

_JUDGE = f"""
UPDATE reconciliation_billline t SET outcome = j.outcome
  FROM (SELECT l.id, CASE
          WHEN e.id IS NULL THEN CASE WHEN {_TAKEN_BACK} THEN 'matched' ELSE 'channel_only' END
          WHEN e.state IN {_IN_FLIGHT} THEN 'pending'
          WHEN e.state = 'succeeded' THEN
            CASE WHEN e.amount_fen = l.amount_fen AND NOT {_TAKEN_BACK} THEN 'matched' ELSE 'amount_differs' END
          WHEN e.state = 'failed' AND l.succeeded_at IS NULL THEN 'matched'
          ELSE 'channel_only' END AS outcome
          FROM reconciliation_billline l LEFT JOIN refunds_execution e ON e.id = l.execution_id
         WHERE l.bill_id = %(bill)s) j
 WHERE t.id = j.id AND t.outcome <> j.outcome
"""  # noqa: S608 - our own text

#: One statement: what was found is opened or kept, what was open and is not found any more is cleared.
_DIFFERENCES = f"""
WITH lines AS (
  SELECT l.*, coalesce(nullif(l.refund_no, ''), nullif(l.channel_refund_no, ''), 'line ' || l.line) AS name,
         row_number() OVER (PARTITION BY coalesce(nullif(l.refund_no, ''), nullif(l.channel_refund_no, ''), 'line ' || l.line)
                            ORDER BY l.execution_id IS NULL, l.line) AS place
    FROM reconciliation_billline l WHERE l.bill_id = %(bill)s
), found AS (
  SELECT name || CASE WHEN place > 1 THEN '#' || l.line ELSE '' END AS number, l.outcome AS kind, l.id AS line_id,
         l.execution_id, CASE WHEN e.state = 'succeeded' THEN e.amount_fen END AS ours_fen,
         CASE WHEN {_TAKEN_BACK} THEN 0 ELSE l.amount_fen END AS bill_fen
    FROM lines l LEFT JOIN refunds_execution e ON e.id = l.execution_id
   WHERE l.outcome IN ('amount_differs', 'channel_only')
   UNION ALL
  SELECT o.refund_no, 'ours_only', NULL, o.id, o.amount_fen, NULL
    FROM ({_OURS_WITHOUT_LINE}) o WHERE o.is_missing AND %(bill)s IS NOT NULL
), kept AS (
  INSERT INTO reconciliation_difference AS d
    (merchant_id, channel_account_id, day_id, number, kind, line_id, execution_id, ours_fen, bill_fen, opened_at,
     resolution, note)
  SELECT %(merchant)s, %(account)s, %(day)s, number, kind, line_id, execution_id, ours_fen, bill_fen, %(at)s, '', ''
    FROM found
  ON CONFLICT (day_id, number) DO UPDATE SET
    (kind, line_id, execution_id, ours_fen, bill_fen)
      = (excluded.kind, excluded.line_id, excluded.execution_id, excluded.ours_fen, excluded.bill_fen),
    (opened_at, resolution, note, resolved_at, resolved_by_id)
      = (SELECT CASE WHEN s.same THEN d.opened_at ELSE excluded.opened_at END,
                CASE WHEN s.same THEN d.resolution ELSE '' END, CASE WHEN s.same THEN d.note ELSE '' END,
                CASE WHEN s.same THEN d.resolved_at END, CASE WHEN s.same THEN d.resolved_by_id END
           FROM (SELECT d.resolution <> 'cleared' AND (d.kind, d.ours_fen, d.bill_fen)
                   IS NOT DISTINCT FROM (excluded.kind, excluded.ours_fen, excluded.bill_fen) AS same) s)
  RETURNING d.number
)
UPDATE reconciliation_difference d SET resolution = 'cleared', resolved_at = %(at)s
 WHERE d.day_id = %(day)s AND d.resolution = '' AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.number = d.number)
RETURNING d.number
"""  # noqa: S608 - our own text

#: A later bill has the row that an earlier day missed.
_FOUND_LATER = """
UPDATE reconciliation_difference d SET resolution = 'cleared', resolved_at = %(at)s
  FROM reconciliation_reconciliationday y
 WHERE y.id = d.day_id AND y.state = 'open' AND d.channel_account_id = %(account)s AND d.day_id <> %(day)s
   AND d.resolution = '' AND d.kind = 'ours_only'
   AND EXISTS (SELECT 1 FROM reconciliation_billline l WHERE l.execution_id = d.execution_id)
RETURNING d.day_id, d.number
"""

_COUNT = f"""
WITH without_line AS ({_OURS_WITHOUT_LINE}), lines AS (
  SELECT count(*) FILTER (WHERE NOT taken_back) AS bill_count,
         coalesce(sum(amount_fen) FILTER (WHERE NOT taken_back), 0) AS bill_fen,
         count(*) FILTER (WHERE state = 'succeeded') AS ours_count,
         coalesce(sum(ours_fen) FILTER (WHERE state = 'succeeded'), 0) AS ours_fen,
         count(*) FILTER (WHERE outcome = 'matched') AS matched,
         count(*) FILTER (WHERE outcome = 'amount_differs') AS amount_differs,
         count(*) FILTER (WHERE outcome = 'channel_only') AS channel_only,
         count(*) FILTER (WHERE outcome = 'pending') AS pending
    FROM (SELECT l.amount_fen, l.outcome, e.state, e.amount_fen AS ours_fen,
                 {_TAKEN_BACK} OR (l.outcome = 'matched' AND e.state = 'failed') AS taken_back
            FROM reconciliation_billline l LEFT JOIN refunds_execution e ON e.id = l.execution_id
           WHERE l.bill_id = %(bill)s) l
), ours AS (
  SELECT count(*) FILTER (WHERE state = 'succeeded') AS ours_count,
         coalesce(sum(amount_fen) FILTER (WHERE state = 'succeeded'), 0) AS ours_fen,
         count(*) FILTER (WHERE is_missing AND %(bill)s IS NOT NULL) AS ours_only,
         count(*) FILTER (WHERE NOT is_missing OR %(bill)s IS NULL) AS pending
    FROM without_line
)
UPDATE reconciliation_reconciliationday y SET
  ours_count = lines.ours_count + ours.ours_count, ours_fen = lines.ours_fen + ours.ours_fen,
  bill_count = lines.bill_count, bill_fen = lines.bill_fen, matched = lines.matched,
  amount_differs = lines.amount_differs, channel_only = lines.channel_only, ours_only = ours.ours_only,
  pending = lines.pending + ours.pending, compared_at = %(at)s,
  open_differences = (SELECT count(*) FROM reconciliation_difference d WHERE d.day_id = y.id AND d.resolution = '')
  FROM lines, ours WHERE y.id = %(day)s
"""  # noqa: S608 - our own text

#: The statement says paid and we do not know: ask the channel now. The bill alone settles nothing.
_ASK_NOW = """
UPDATE refunds_execution e SET due_at = %(at)s
 WHERE e.id IN (SELECT e.id FROM reconciliation_billline l JOIN refunds_execution e ON e.id = l.execution_id
                 WHERE l.bill_id = %(bill)s AND l.outcome = 'pending' AND l.succeeded_at IS NOT NULL
                   AND e.state IN ('unknown', 'processing') AND e.due_at > %(leased_until)s
                   FOR UPDATE OF e SKIP LOCKED)
"""


#: The statement says paid what the channel had refused.
_PAID_AFTER_ALL = f"""
SELECT e.id, l.succeeded_at, l.channel_refund_no, l.line, b.sha256
  FROM reconciliation_billline l JOIN refunds_execution e ON e.id = l.execution_id
  JOIN reconciliation_bill b ON b.id = l.bill_id
 WHERE l.bill_id = %(bill)s AND e.state = 'failed' AND e.paid_after_all_at IS NULL
   AND l.succeeded_at IS NOT NULL AND NOT {_TAKEN_BACK}
 ORDER BY e.id
"""  # noqa: S608 - our own text


#: Payouts that the channel refused because less is left, of sales whose portal refunds its statements name: that is why.
#: ``{sales}``: of which sales.
_EXPLAINED = """
UPDATE refunds_execution e SET failure_remedy = 'refunded_elsewhere'
  FROM (SELECT s.id, s.amount_fen, sum(d.bill_fen) AS fen
          FROM terminals_transaction s
          JOIN reconciliation_difference d ON d.channel_account_id = s.channel_account_id AND d.resolution = ''
           AND d.kind = 'channel_only' AND d.execution_id IS NULL AND d.bill_fen > 0
          JOIN reconciliation_billline l ON l.id = d.line_id AND l.channel_transaction_no = s.channel_transaction_no
         WHERE s.channel_transaction_no <> '' AND s.id IN ({sales})
         GROUP BY s.id) t
 WHERE e.transaction_id = t.id AND e.state = 'failed' AND e.failure_remedy = ANY(%(less_left)s)
   AND t.fen + e.amount_fen > t.amount_fen - (
     SELECT coalesce(sum(o.amount_fen), 0) FROM refunds_execution o
      WHERE o.transaction_id = t.id AND o.state NOT IN ('ready', 'failed', 'cancelled'))
"""
_OF_DAY = """
SELECT x.id FROM terminals_transaction x JOIN reconciliation_billline b ON b.channel_transaction_no = x.channel_transaction_no
 WHERE x.merchant_id = %(merchant)s AND x.channel_account_id = %(account)s AND b.channel_transaction_no <> ''
   AND b.bill_id = %(bill)s AND b.outcome = 'channel_only' AND b.execution_id IS NULL
"""
_OF_PAYOUTS = "SELECT x.transaction_id FROM refunds_execution x WHERE x.id = ANY(%(payouts)s::uuid[])"


def explain(payouts: Collection[UUID]) -> None:
    """Say of payouts that were refused just now, because less is left, what statements that were there before know."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPLAINED.format(sales=_OF_PAYOUTS), {"payouts": list(payouts), "less_left": list(LESS_LEFT)})


def compare(*, day: ReconciliationDay, at: datetime) -> None:
    """Compare a day whose lock the caller holds, and the day before, which may have waited for this one's bill."""
    _compare_one(day, at)
    before = day.date - timedelta(days=1)
    earlier = ReconciliationDay.objects.filter(
        channel_account_id=day.channel_account_id, date=before, state=DayState.OPEN, bill__isnull=False
    ).first()
    if earlier is not None:
        earlier.channel_account = day.channel_account
        _compare_one(earlier, at)
    day.refresh_from_db()


@transaction.atomic
def recompare(*, day_id: int, at: datetime) -> None:
    """Compare once more, since payouts have moved on. Raises ``DayClosed``."""
    compare(day=days.locked(day_id), at=at)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payout of ours that the day still waits for."""

    request_number: str
    refund_no: str
    amount_fen: int
    state: str
    sent_at: datetime


def waiting(*, day: ReconciliationDay, limit: int) -> list[Waiting]:
    """Payouts of the day that are in flight, or whose bill is not there yet, and that no line has."""
    with connection.cursor() as cursor:
        statement = _statement(_OURS_WITHOUT_LINE, day)
        cursor.execute(
            f"SELECT r.number, o.refund_no, o.amount_fen, o.state, o.first_sent_at FROM ({statement}) o "  # noqa: S608 - our own
            "JOIN refunds_refundrequest r ON r.id = o.request_id "
            "WHERE NOT is_missing OR %(bill)s IS NULL ORDER BY o.id LIMIT %(limit)s",
            {**_parameters(day, day.compared_at), "limit": limit},
        )
        return [Waiting(*row) for row in cursor.fetchall()]


def _compare_one(day: ReconciliationDay, at: datetime) -> None:
    parameters = _parameters(day, at)
    with connection.cursor() as cursor:
        for number in ("refund_no", "channel_refund_no"):
            cursor.execute(_LINK.format(number=number), parameters)
        cursor.execute(_LINK_ADOPTED, parameters)
        cursor.execute(_JUDGE, parameters)
        cursor.execute(_statement(_DIFFERENCES, day), parameters)
        cleared = [number for (number,) in cursor.fetchall()]
        cursor.execute(_FOUND_LATER, parameters)
        later = cursor.fetchall()
        cursor.execute(_statement(_COUNT, day), parameters)
        cursor.execute(_ASK_NOW, parameters)
        asked = cursor.rowcount
        cursor.execute(_PAID_AFTER_ALL, parameters)
        paid_after_all = cursor.fetchall()
        cursor.execute(_EXPLAINED.format(sales=_OF_DAY), parameters)
    _hold(paid_after_all, at)
    for other in ReconciliationDay.objects.filter(pk__in={day_id for day_id, _ in later}):
        other.channel_account = day.channel_account
        with connection.cursor() as cursor:
            cursor.execute(_statement(_COUNT, other), _parameters(other, at))
    if asked:
        lifecycle.ring_after_commit(["refunds.execute"])
    if cleared or later:
        _record_cleared(day, [*cleared, *(number for _, number in later)], at)


def _hold(rows: Sequence[tuple[UUID, datetime, str, int, str]], at: datetime) -> None:
    """Hold the sales of payouts that the channel had refused and its statement has as paid."""
    if not rows:
        return
    payouts = {row.pk: row for row in Execution.objects.filter(pk__in=[pk for pk, *_ in rows])}
    lifecycle.lock_requests({payout.request_id for payout in payouts.values()})
    for pk, succeeded_at, channel_refund_no, line, sha256 in rows:
        contradictions.hold(
            payouts[pk],
            contradictions.PaidAfterAll(
                channel_refund_no=channel_refund_no,
                paid_at=succeeded_at,
                proof=json.dumps({"bill": sha256, "line": line}),
                source="bill",
            ),
            by=SYSTEM,
            at=at,
        )


def _record_cleared(day: ReconciliationDay, numbers: list[str], at: datetime) -> None:
    record_of(
        day,
        by=SYSTEM,
        action="reconciliation.clear",
        at=at,
        data={"date": day.date.isoformat(), "count": len(numbers), "numbers": numbers[:50]},
    )


def _statement(sql: str, day: ReconciliationDay) -> str:
    basis = days.habits_for(day).profile.bill_basis
    return sql.replace("{from_at}", _FROM_AT[basis]).replace("{until_at}", _UNTIL_AT[basis])


def _parameters(day: ReconciliationDay, at: datetime | None) -> Mapping[str, Any]:
    habits = days.habits_for(day)
    start = habits.start_of(day.date)
    noon = habits.end_of(date(2000, 1, 1)).time()
    ends_early = timedelta(hours=noon.hour, minutes=noon.minute)
    return {
        "merchant": day.merchant_id,
        "account": day.channel_account_id,
        "day": day.pk,
        "bill": day.bill_id,
        "at": at,
        "less_left": list(LESS_LEFT),
        "leased_until": at and at + timedelta(seconds=settings.EXECUTION_LEASE_S),
        "start": start,
        "end": habits.end_of(day.date),
        "lookback": start - (_LONGEST_WAY if habits.profile.bill_basis is BillBasis.SUCCEEDED else timedelta()),
        "grace": habits.grace,
        # Pushes the cut-off to midnight, so that a cast gives the bill day.
        "shift": timedelta(days=1) - ends_early if ends_early else timedelta(),
    }
