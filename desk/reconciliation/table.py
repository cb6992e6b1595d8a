"""A day's refunds as a table to take away."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from django.utils.translation import gettext

from core.money import yuan
from core.spreadsheets import cell, name
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
        cell(str(MatchOutcome(row.kind).label)),
        name(row.request_number or ""),
        name(row.refund_no),
        name(row.channel_refund_no),
        name(row.order_no),
        name(row.channel_transaction_no),
        "" if row.ours_fen is None else yuan(row.ours_fen),
        "" if row.bill_fen is None else yuan(row.bill_fen),
        "" if row.fee_fen is None else yuan(row.fee_fen),
        name(row.channel_state),
        when(row.accepted_at),
        when(row.succeeded_at),
        cell(str(Resolution(row.resolution).label)) if row.resolution else "",
        name(row.note),
        name(row.owner),
    )


def _line(cells: Iterable[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
