"""The statements behind the figures: one for each family, each a single pass over an indexed range of time.

Every statement covers the period and the one before; ``current`` tells the two apart. Grouping sets give all cuts of a family
at once; ``analytics.overview`` reads them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from analytics.figures import Selection
from analytics.periods import Period
from refunds.states import PAID, State

#: Somebody or the policy said yes, and nobody withdrew it.
GRANTED = (
    State.APPROVED,
    State.EXECUTING,
    State.UNKNOWN,
    State.MANUAL_PENDING,
    State.FAILED,
    State.PARTIALLY_REFUNDED,
    *PAID,
)
DECIDED = (*GRANTED, State.REJECTED)
#: Somebody still owes a move.
OPEN = tuple(state for state in State if state not in (*PAID, State.REJECTED, State.CANCELLED))

#: An approval by rule that is paid within this many seconds was instant.
INSTANT_S = 300


@dataclass(frozen=True, slots=True)
class Statement:
    """``time`` is the column that places a row in the period."""

    time: str
    sql: str

    @property
    def names(self) -> tuple[str, ...]:
        """What its GROUPING() names, in order."""
        found = re.search(r"grouping\(([\w, ]+)\)", self.sql)
        return tuple(found[1].split(", ")) if found else ()


#: Which store's and channel's rows count; the alias ``r`` is a request or a transaction, which name these alike.
_SCOPE = """r.merchant_id = %(merchant)s
   AND (%(stores)s::bigint[] IS NULL OR r.store_id = ANY(%(stores)s::bigint[]))
   AND (%(channel)s = '' OR r.channel = %(channel)s)"""

_SPAN = """((r.{time} >= %(start)s AND r.{time} < %(end)s)
     OR (r.{time} >= %(previous_start)s AND r.{time} < %(previous_end)s))"""

_BY_HOUR = "extract(hour FROM r.{time} AT TIME ZONE 'Asia/Shanghai')::int"
_BY_DAYS = """(((r.{time} AT TIME ZONE 'Asia/Shanghai')::date
     - CASE WHEN r.{time} >= %(start)s THEN %(first)s::date ELSE %(previous_first)s::date END) / %(step)s)"""

PAID_REFUNDS = Statement(
    "succeeded_at",
    """
WITH paid AS (
  SELECT r.succeeded_at >= %(start)s AS current, {bucket} AS bucket, r.reason, r.store_id, r.terminal_id, r.cashier,
         r.refunded_fen, r.by_rule AND r.succeeded_at <= r.created_at + %(instant)s * interval '1 second' AS instant
    FROM refunds_refundrequest r WHERE {scope} AND {span})
SELECT grouping(bucket, reason, store_id, terminal_id, cashier) AS level, current, bucket, reason, store_id, terminal_id, cashier,
       count(*), coalesce(sum(refunded_fen), 0)::bigint, count(*) FILTER (WHERE instant)
  FROM paid
 GROUP BY GROUPING SETS ((current), (current, bucket), (current, reason), (current, store_id),
                         (current, store_id, cashier), (current, store_id, terminal_id, reason))
""",
)

SALES = Statement(
    "paid_at",
    """
WITH sold AS (
  SELECT r.paid_at >= %(start)s AS current, {bucket} AS bucket, r.store_id, r.cashier, r.terminal_id, r.amount_fen,
         r.refunded_fen
    FROM terminals_transaction r WHERE {scope} AND {span} AND r.status = 'success'
     AND r.kind IN ('sale', 'deposit'))
SELECT grouping(bucket, store_id, cashier, terminal_id) AS level, current, bucket, store_id, cashier, terminal_id,
       count(*), sum(amount_fen)::bigint, sum(refunded_fen)::bigint
  FROM sold
 GROUP BY GROUPING SETS ((current), (current, bucket), (current, store_id), (current, store_id, cashier),
                         (current, store_id, terminal_id))
""",
)

SUBMITTED_REFUNDS = Statement(
    "created_at",
    """
WITH submitted AS (
  SELECT r.created_at >= %(start)s AS current, {bucket} AS bucket, r.store_id, r.channel, r.by_rule, r.state,
         extract(isodow FROM r.created_at AT TIME ZONE 'Asia/Shanghai')::int AS weekday,
         extract(hour FROM r.created_at AT TIME ZONE 'Asia/Shanghai')::int AS hour,
         r.state = ANY(%(decided)s) AND r.decided_at <= r.due_at AS in_time,
         r.state = 'in_review' AND r.due_at < %(now)s AS overdue
    FROM refunds_refundrequest r WHERE {scope} AND {span})
SELECT grouping(bucket, store_id, channel, weekday, hour) AS level, current, bucket, store_id, channel, weekday, hour,
       count(*), count(*) FILTER (WHERE by_rule), count(*) FILTER (WHERE NOT by_rule AND state = ANY(%(granted)s)),
       count(*) FILTER (WHERE state = ANY(%(decided)s)), count(*) FILTER (WHERE state = ANY(%(paid)s)),
       count(*) FILTER (WHERE state = 'rejected'), count(*) FILTER (WHERE state = 'cancelled'),
       count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE in_time), count(*) FILTER (WHERE overdue)
  FROM submitted
 GROUP BY GROUPING SETS ((current), (current, bucket), (current, store_id), (current, channel), (current, weekday, hour))
""",
)

#: What a person decided, from submission to decision.
HANDLING = Statement(
    "created_at",
    """
WITH handled AS (
  SELECT r.created_at >= %(start)s AS current, {bucket} AS bucket, r.store_id,
         extract(epoch FROM r.decided_at - r.created_at)::float8 AS seconds
    FROM refunds_refundrequest r
   WHERE {scope} AND {span} AND NOT r.by_rule AND r.state = ANY(%(decided)s))
SELECT grouping(bucket, store_id) AS level, current, bucket, store_id, count(*),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds), avg(seconds)
  FROM handled GROUP BY GROUPING SETS ((current), (current, bucket), (current, store_id))
""",
)

#: From approval to the channel's proof, and from submission.
ARRIVAL = Statement(
    "created_at",
    """
WITH arrived AS (
  SELECT r.created_at >= %(start)s AS current, r.channel,
         extract(epoch FROM r.succeeded_at - r.decided_at)::float8 AS seconds,
         extract(epoch FROM r.succeeded_at - r.created_at)::float8 AS cycle
    FROM refunds_refundrequest r WHERE {scope} AND {span} AND r.state = ANY(%(paid)s))
SELECT grouping(channel) AS level, current, channel, count(*),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds), avg(seconds),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY cycle), avg(cycle)
  FROM arrived GROUP BY GROUPING SETS ((current), (current, channel))
""",
)

#: Payouts that stand failed, by the channel's code of the latest one. Few rows, so the look-up of each is cheap.
FAILURES = Statement(
    "created_at",
    """
SELECT r.created_at >= %(start)s AS current, e.failure_code, min(e.failure_message), count(*), sum(e.amount_fen)::bigint
  FROM refunds_refundrequest r
 CROSS JOIN LATERAL (SELECT x.failure_code, x.failure_message, x.amount_fen FROM refunds_execution x
                      WHERE x.request_id = r.id AND x.state = 'failed' ORDER BY x.attempt_no DESC LIMIT 1) e
 WHERE {scope} AND {span} AND r.state = 'failed'
 GROUP BY 1, 2
""",
)

REVIEWERS = Statement(
    "created_at",
    """
SELECT s.id, s.name, count(*), count(*) FILTER (WHERE a.decision = 'approve'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.at - r.created_at)::float8),
       count(*) FILTER (WHERE a.at <= r.due_at)
  FROM refunds_refundrequest r
  JOIN refunds_approval a ON a.request_id = r.id AND a.decision IN ('approve', 'reject')
  JOIN merchants_staff s ON s.id = a.staff_id
 WHERE {scope} AND r.created_at >= %(start)s AND r.created_at < %(end)s AND NOT r.by_rule
 GROUP BY s.id, s.name ORDER BY count(*) DESC, s.id
""",
)

#: Answers of customers whose money came back in the period.
ANSWERS = Statement(
    "succeeded_at",
    """
SELECT r.succeeded_at >= %(start)s AS current, v.score, r.reason, count(*)
  FROM refunds_survey v JOIN refunds_refundrequest r ON r.id = v.request_id
 WHERE {scope} AND {span}
 GROUP BY 1, 2, 3
""",
)

#: Ended payouts of the requests submitted in the period: how many there are, paid, paid at once, voids.
PAYOUTS = Statement(
    "created_at",
    """
SELECT r.created_at >= %(start)s AS current, count(*), count(*) FILTER (WHERE e.state = 'succeeded'),
       count(*) FILTER (WHERE e.state = 'succeeded' AND e.attempt_no = 1 AND e.sends = 1),
       count(*) FILTER (WHERE e.state = 'succeeded' AND e.method = 'void')
  FROM refunds_refundrequest r JOIN refunds_execution e ON e.request_id = r.id AND e.state IN ('succeeded', 'failed')
 WHERE {scope} AND {span} AND (r.state = ANY(%(paid)s) OR r.state = 'failed')
 GROUP BY 1
""",
)

#: Fees that a channel kept of payouts whose refund succeeded in the period.
FEES_LOST = Statement(
    "succeeded_at",
    """
SELECT r.succeeded_at >= %(start)s AS current, sum(b.amount_fen)::bigint
  FROM refunds_refundrequest r
  JOIN refunds_execution e ON e.request_id = r.id AND e.state = 'succeeded'
  JOIN refunds_ledgerentry b ON b.execution_id = e.id AND b.kind = 'fee' AND b.account = 'fees_lost'
 WHERE {scope} AND {span}
 GROUP BY 1
""",
)

#: Customers whose first refund of the period is 90 days old in it, and how many of them have bought again since. Known by the
#: payer's phone, or else the one given with the refund: whoever is not known is not counted.
REPEATS = Statement(
    "succeeded_at",
    """
WITH refunded AS (
  SELECT r.succeeded_at + INTERVAL '90 days' >= %(start)s AS current, r.merchant_id, min(r.succeeded_at) AS at,
         coalesce(t.payer_phone_hash, r.customer_phone_hash) AS who
    FROM refunds_refundrequest r JOIN terminals_transaction t ON t.id = r.transaction_id
   WHERE {scope} AND r.succeeded_at <= %(now)s - INTERVAL '90 days'
     AND ((r.succeeded_at >= %(start)s - INTERVAL '90 days' AND r.succeeded_at < %(end)s - INTERVAL '90 days') OR
          (r.succeeded_at >= %(previous_start)s - INTERVAL '90 days'
           AND r.succeeded_at < %(previous_end)s - INTERVAL '90 days'))
   GROUP BY 1, 2, 4)
SELECT current, count(*) FILTER (WHERE EXISTS (
         SELECT FROM terminals_transaction n
          WHERE n.payer_phone_hash = who AND n.merchant_id = refunded.merchant_id AND n.status = 'success'
            AND n.kind IN ('sale', 'deposit') AND n.paid_at > at AND n.paid_at <= at + INTERVAL '90 days')), count(*)
  FROM refunded WHERE who IS NOT NULL
 GROUP BY 1
""",
)

NAMES = Statement(
    "",
    """
SELECT s.id, s.code, s.name, t.id, t.code FROM merchants_store s LEFT JOIN terminals_terminal t ON t.store_id = s.id
 WHERE s.merchant_id = %(merchant)s AND (%(stores)s::bigint[] IS NULL OR s.id = ANY(%(stores)s::bigint[]))
 ORDER BY s.code, t.code
""",
)


def allow_sorting() -> None:
    """Let this transaction sort and hash in memory: at a million refunds that makes the figures twice as fast."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")


def run(statement: Statement, *, scope: Selection, period: Period) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement."""
    sql, bucket = statement.sql, _BY_HOUR if period.by_hour else _BY_DAYS
    for name, text in (("{bucket}", bucket), ("{scope}", _SCOPE), ("{span}", _SPAN), ("{time}", statement.time)):
        sql = sql.replace(name, text)
    parameters = {
        "merchant": scope.merchant_id,
        "stores": None if scope.store_ids is None else list(scope.store_ids),
        "channel": scope.channel,
        "start": period.start_at,
        "end": period.end_at,
        "previous_start": period.previous_start_at,
        "previous_end": period.previous_end_at,
        "first": period.first_date,
        "previous_first": period.previous_first_date,
        "step": period.step_days,
        "now": period.now,
        "instant": INSTANT_S,
        "paid": list(PAID),
        "granted": list(GRANTED),
        "decided": list(DECIDED),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        yield from cursor.fetchall()
