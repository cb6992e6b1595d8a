"""Lists made into files by a worker: what the list of the same address shows, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils import timezone, translation
from django.utils.translation import gettext, pgettext

from core import tenant_wall
from core.database import timeouts
from core.errors import DomainError
from core.money import yuan
from core.spreadsheets import cell, csv_lines, from_cell, name, workbook
from desk import rows
from desk.access import Scope, scope_of
from desk.notices import notice
from desk.notifications.listing import listed as notifications_listed
from desk.refunds import export as refunds_export
from desk.refunds.listing import listed as refunds_listed
from desk.templatetags.desk_format import when
from desk.transactions.listing import listed as transactions_listed
from merchants import channels
from merchants.models import Staff
from refunds.models import ListExport, Notification
from refunds.queries import beyond
from refunds.review import exporting
from terminals.models import Transaction

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Table:
    """A list as a table: its rows for an address, newest first by ``field``, and the cells of each. ¥ heads amounts."""

    rows: Callable[[QueryDict, Scope], QuerySet[Any]]
    field: str
    headers: Callable[[], list[str]]
    cells: Callable[[Any], list[str]]


class Cancelled(Exception):
    """Nobody waits for it any more."""


def work() -> None:
    """Make what was asked for, one file after another."""
    while (export := exporting.claim(at=timezone.now())) is not None:
        try:
            with translation.override(export.language), _apart(export.merchant_id):
                content = _made(export)
        except Cancelled:
            continue
        except DomainError as error:
            exporting.finish(export, code=error.code)
        else:
            exporting.finish(export, content=content)


@contextmanager
def _apart(merchant_id: int) -> Iterator[None]:
    """Behind the merchant's wall, with the time that a report may take."""
    with timeouts.within("reports"), tenant_wall.within(merchant_id):
        yield


def _made(export: ListExport) -> bytes:
    query, table = QueryDict(export.query), TABLES[export.page]
    # As they are now: a right or a store that was taken away counts.
    scope = scope_of(Staff.objects.get(pk=export.staff_id))
    filters = {key: str(query[key]) for key in query}
    found = exporting.checked(
        table.rows(query, scope), by=scope.by, filters=filters, at=timezone.now(), page=export.page
    )
    lines = _lines(export, table, found)
    if export.form == "csv":
        return "".join(csv_lines(lines)).encode()
    return workbook(_typed(lines))


def _lines(export: ListExport, table: Table, found: QuerySet[Any]) -> Iterator[list[str]]:
    """The table, read page by page along its key; between pages it is noted how far it is."""
    total, done = exporting.counted(found), 0
    yield table.headers()
    page = list(found.order_by(f"-{table.field}", "-pk")[:_PAGE])
    while page:
        if not exporting.is_wanted(export, rows=max(total, done), done=done):
            raise Cancelled
        yield from map(table.cells, page)
        done += len(page)
        last: Model = page[-1]
        after = beyond(field=table.field, value=getattr(last, table.field), pk=last.pk, descending=True)
        more = found.filter(after).order_by(f"-{table.field}", "-pk")
        page = list(more[:_PAGE]) if len(page) == _PAGE else []
    if not exporting.is_wanted(export, rows=done, done=done):
        raise Cancelled


def _typed(lines: Iterable[Sequence[str]]) -> Iterator[Sequence[str | Decimal]]:
    """The same for a workbook, which needs no signs to keep texts what they are, and adds amounts up."""
    money: list[bool] = []
    for line in lines:
        if not money:
            money = ["¥" in header for header in line]
            yield line
            continue
        yield [
            Decimal(text) if is_money and text else from_cell(text) for text, is_money in zip(line, money, strict=True)
        ]


def _sale_headers() -> list[str]:
    return [
        gettext("Receipt"),
        gettext("Paid at"),
        gettext("Channel"),
        gettext("Channel no."),
        gettext("Store code"),
        gettext("Store"),
        gettext("Till"),
        gettext("Cashier"),
        gettext("Payer"),
        gettext("Paid (¥)"),
        gettext("Refunded so far (¥)"),
        gettext("Refundable (¥)"),
        gettext("State"),
    ]


def _sale_cells(sale: Transaction) -> list[str]:
    row = rows.sale(sale)
    return [
        name(sale.order_no),
        when(sale.paid_at),
        cell(channels.label(sale.channel)),
        name(sale.channel_transaction_no),
        name(sale.store.code),
        name(sale.store.name),
        name(row.terminal_code),
        name(sale.cashier),
        name(row.payer_masked),
        yuan(row.paid_fen),
        yuan(row.refunded_fen),
        yuan(row.refundable_fen),
        cell(row.state_label),
    ]


def _notice_headers() -> list[str]:
    return [
        gettext("Time"),
        gettext("Refund"),
        gettext("Told"),
        gettext("Medium"),
        pgettext("of a message", "To"),
        gettext("Tries"),
        gettext("State"),
    ]


def _notice_cells(message: Notification) -> list[str]:
    said = notice(message)
    return [
        when(said.at),
        name(message.request.number),
        cell(said.title),
        cell(message.get_medium_display()),
        name(message.masked_recipient),
        str(message.attempts),
        cell(str(said.state_label)),
    ]


TABLES = {
    "refunds": Table(
        lambda query, scope: refunds_export.read(refunds_listed(query, scope=scope, at=timezone.now()).rows),
        "created_at",
        refunds_export.headers,
        refunds_export.cells,
    ),
    "transactions": Table(
        lambda query, scope: transactions_listed(query, scope=scope).rows.select_related("store", "terminal"),
        "paid_at",
        _sale_headers,
        _sale_cells,
    ),
    "notifications": Table(
        lambda query, scope: notifications_listed(query, scope=scope).rows.select_related("request").defer("recipient"),
        "created_at",
        _notice_headers,
        _notice_cells,
    ),
}
