"""Lists made into files by a worker: what the list of the same address shows, all of it or nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import tenant_wall
from core.database import timeouts
from core.errors import DomainError
from core.money import yuan
from core.spreadsheets import Columns, cell, csv_lines, from_cell, name, table, workbook
from desk import rows
from desk.access import Scope, scope_of
from desk.notices import event_label
from desk.notifications.listing import listed as notifications_listed
from desk.refunds import export as refunds_export
from desk.refunds.listing import listed as refunds_listed
from desk.templatetags.desk_format import when
from desk.transactions.listing import listed as transactions_listed
from merchants import channels
from merchants.models import Staff
from refunds.models import ListExport
from refunds.review import exporting


@dataclass(frozen=True, slots=True)
class Table:
    """A list as a table: its rows for an address, newest first by ``field``. ¥ heads amounts."""

    rows: Callable[[QueryDict, Scope], QuerySet[Any]]
    field: str
    columns: Columns


class Cancelled(Exception):
    """Nobody waits for it any more."""


def work() -> None:
    """Make what was asked for, one file after another."""
    while (export := exporting.claim(at=timezone.now())) is not None:
        try:
            with translation.override(export.language), _apart(export.merchant_id):
                content, stores = _made(export)
        except Cancelled:
            continue
        except DomainError as error:
            exporting.finish(export, code=error.code)
        else:
            exporting.finish(export, content=content, stores=stores)


@contextmanager
def _apart(merchant_id: int) -> Iterator[None]:
    """Behind the merchant's wall, with the time that a report may take."""
    with timeouts.within("reports"), tenant_wall.within(merchant_id):
        yield


def _made(export: ListExport) -> tuple[bytes, frozenset[int] | None]:
    """The file, and of which stores it is (None: all)."""
    query, wanted = QueryDict(export.query), TABLES[export.page]
    # As they are now: a right or a store that was taken away counts.
    scope = scope_of(Staff.objects.get(pk=export.staff_id))
    filters = {key: str(query[key]) for key in query}
    found = exporting.checked(
        wanted.rows(query, scope), by=scope.by, filters=filters, at=timezone.now(), page=export.page
    )
    lines = table(wanted.columns, _rows(export, wanted, found))
    if export.form == "csv":
        return "".join(csv_lines(lines)).encode(), scope.store_ids
    return workbook(_typed(lines)), scope.store_ids


def _rows(export: ListExport, wanted: Table, found: QuerySet[Any]) -> Iterator[Any]:
    """What the list has, read page by page along its key; between pages it is noted how far it is."""
    total, done = exporting.counted(found), 0
    for page in refunds_export.in_pages(found, wanted.field):
        if not exporting.is_wanted(export, rows=max(total, done), done=done):
            raise Cancelled
        yield from page
        done += len(page)
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


_SALES: Columns = (
    (_("Receipt"), lambda sale: name(sale.order_no)),
    (_("Paid at"), lambda sale: when(sale.paid_at)),
    (_("Channel"), lambda sale: cell(channels.label(sale.channel))),
    (_("Channel no."), lambda sale: name(sale.channel_transaction_no)),
    (_("Store code"), lambda sale: name(sale.store.code)),
    (_("Store"), lambda sale: name(sale.store.name)),
    (_("Till"), lambda sale: name(sale.terminal.code) if sale.terminal else ""),
    (_("Cashier"), lambda sale: name(sale.cashier)),
    (_("Payer"), lambda sale: name(rows.payer(sale))),
    (_("Paid (¥)"), lambda sale: yuan(sale.amount_fen)),
    (_("Refunded so far (¥)"), lambda sale: yuan(sale.refunded_fen)),
    (_("Refundable (¥)"), lambda sale: yuan(sale.refundable_fen)),
    (_("State"), lambda sale: cell(rows.sale_state(sale)[0])),
)
_NOTICES: Columns = (
    (_("Time"), lambda message: when(message.sent_at or message.created_at)),
    (_("Refund"), lambda message: name(message.request.number)),
    (_("Told"), lambda message: cell(event_label(message.event))),
    (_("Medium"), lambda message: cell(message.get_medium_display())),
    (pgettext_lazy("of a message", "To"), lambda message: name(message.masked_recipient)),
    (_("Tries"), lambda message: str(message.attempts)),
    (_("State"), lambda message: cell(message.get_state_display())),
)

TABLES = {
    "refunds": Table(
        lambda query, scope: refunds_export.read(refunds_listed(query, scope=scope, at=timezone.now()).rows),
        "created_at",
        refunds_export.COLUMNS,
    ),
    "transactions": Table(
        lambda query, scope: transactions_listed(query, scope=scope).rows.select_related("store", "terminal"),
        "paid_at",
        _SALES,
    ),
    "notifications": Table(
        lambda query, scope: notifications_listed(query, scope=scope).rows.select_related("request").defer("recipient"),
        "created_at",
        _NOTICES,
    ),
}
