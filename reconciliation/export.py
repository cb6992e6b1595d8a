"""A day as rows to take away: every refund of either side, what the comparison says of it, what was done about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from reconciliation import matching
from reconciliation.models import ReconciliationDay
from refunds.states import ExecutionState

#: Rows fetched from the database at a time.
_BATCH = 1000

_LINES = """
SELECT coalesce(d.kind, l.outcome), r.number, l.refund_no, l.channel_refund_no, l.order_no, l.channel_transaction_no,
       CASE WHEN e.state = 'succeeded' THEN e.amount_fen END, l.amount_fen, l.fee_fen, l.state, l.accepted_at,
       l.succeeded_at, coalesce(d.resolution, ''), coalesce(d.note, ''), coalesce(o.name, '')
  FROM reconciliation_billline l
  LEFT JOIN refunds_execution e ON e.id = l.execution_id
  LEFT JOIN refunds_refundrequest r ON r.id = e.request_id
  LEFT JOIN reconciliation_difference d ON d.line_id = l.id AND d.resolution <> 'cleared'
  LEFT JOIN merchants_staff o ON o.id = d.owner_id
 WHERE l.bill_id = %(bill)s
 ORDER BY l.id
"""

_OURS = """
SELECT d.kind, r.number, e.refund_no, e.channel_refund_no, t.order_no, t.channel_transaction_no, e.amount_fen, NULL, NULL,
       e.state, e.first_sent_at, e.succeeded_at, d.resolution, d.note, coalesce(o.name, '')
  FROM reconciliation_difference d
  JOIN refunds_execution e ON e.id = d.execution_id
  JOIN refunds_refundrequest r ON r.id = e.request_id
  JOIN terminals_transaction t ON t.id = e.transaction_id
  LEFT JOIN merchants_staff o ON o.id = d.owner_id
 WHERE d.day_id = %(day)s AND d.kind = 'ours_only' AND d.resolution <> 'cleared'
 ORDER BY d.id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One refund. Amounts in fen, None on the side that does not know it."""

    kind: str
    request_number: str | None
    refund_no: str
    channel_refund_no: str
    order_no: str
    channel_transaction_no: str
    ours_fen: int | None
    bill_fen: int | None
    fee_fen: int | None
    channel_state: str
    accepted_at: datetime | None
    succeeded_at: datetime | None
    resolution: str
    note: str
    owner: str


def rows(*, day: ReconciliationDay) -> Iterator[Row]:
    """The day's rows in the statement's order, then those that only we have, then those in flight."""
    parameters = {"bill": day.bill_id, "day": day.pk}
    for sql in (_LINES, _OURS):
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            while batch := cursor.fetchmany(_BATCH):
                for row in batch:
                    yield Row(*row)
    for item in matching.waiting(day=day, limit=100_000):
        yield Row(
            "pending",
            item.request_number,
            item.refund_no,
            "",
            "",
            "",
            item.amount_fen if item.state == ExecutionState.SUCCEEDED else None,
            None,
            None,
            item.state,
            item.sent_at,
            None,
            "",
            "",
            "",
        )
