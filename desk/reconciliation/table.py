"""A day's refunds as a table to take away."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from django.utils.translation import gettext

from core.money import yuan
from desk.analytics.table import safe
from desk.templatetags.desk_format import when
from reconciliation import export
from reconciliation.export import Row
from reconciliation.models import ReconciliationDay
from reconciliation.models.bill import MatchOutcome
from reconciliation.models.difference import Resolution


def lines(day: ReconciliationDay) -> Iterator[str]:
    """The file line by line: a day may have ten thousand. Excel takes it for UTF-8 by its first character."""
    headers = (
        gettext("Kind"),
        gettext("Refund"),
        gettext("Our number"),
        gettext("Channel's number"),
        gettext("Order"),
        gettext("Channel's sale"),
        gettext("Ours (¥)"),
        gettext("Statement (¥)"),
        gettext("Fee (¥)"),
        gettext("Channel's state"),
        gettext("Accepted"),
        gettext("Succeeded"),
        gettext("Resolution"),
        gettext("Note"),
        gettext("Owner"),
    )
    yield "\ufeff" + _line(headers)
    for row in export.rows(day=day):
        yield _line(_cells(row))


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(MatchOutcome(row.kind).label),
        row.request_number or "",
        row.refund_no,
        row.channel_refund_no,
        row.order_no,
        row.channel_transaction_no,
        "" if row.ours_fen is None else yuan(row.ours_fen),
        "" if row.bill_fen is None else yuan(row.bill_fen),
        yuan(row.fee_fen),
        row.channel_state,
        when(row.accepted_at),
        when(row.succeeded_at),
        str(Resolution(row.resolution).label) if row.resolution else "",
        row.note,
        row.owner,
    )


def _line(cells: Iterable[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow([safe(cell) for cell in cells])
    return line.getvalue()
