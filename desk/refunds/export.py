"""The lists of refunds as CSV: what the filters show, all of it or nothing, with flat memory.

Rows are fetched page by page along the key, so neither the web process nor the database holds the whole of it, and no
transaction stays open while a slow client reads. No customer's name or contact is in the file.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from core.money import yuan
from core.spreadsheets import cell, csv_lines, name
from desk.access import Scope
from desk.addresses import with_query
from desk.templatetags.desk_format import when
from merchants import channels
from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.queries import beyond
from refunds.states import Reason, Route, State

_PAGE = 1_000
_READ = (
    "number",
    "created_at",
    "state",
    "channel",
    "reason",
    "route",
    "amount_fen",
    "approved_fen",
    "cashier",
    "due_at",
    "decided_at",
    "succeeded_at",
    "by_rule",
    "store__code",
    "store__name",
    "terminal__code",
    "transaction__order_no",
    "transaction__channel_transaction_no",
    "transaction__amount_fen",
    "transaction__paid_at",
)


def export_url(query: QueryDict, scope: Scope, *, view: str = "") -> str:
    """Where the list of this address can be taken away; empty for those who may not. ``view`` names the desk's list."""
    if not scope.may(Act.EXPORT):
        return ""
    return with_query(reverse("desk:refunds-csv"), query, view=view)


def lines(rows: QuerySet[RefundRequest]) -> Iterator[str]:
    """The file line by line, newest refund first. Those submitted after it began are not in it."""
    return csv_lines(chain([headers()], map(cells, _rows(rows))))


def _rows(rows: QuerySet[RefundRequest]) -> Iterator[RefundRequest]:
    page = read(rows).order_by("-created_at", "-pk")
    found = list(page[:_PAGE])
    while found:
        yield from found
        last = found[-1]
        after = beyond(field="created_at", value=last.created_at, pk=last.pk, descending=True)
        found = list(page.filter(after)[:_PAGE]) if len(found) == _PAGE else []


def read(rows: QuerySet[RefundRequest]) -> QuerySet[RefundRequest]:
    """The rows with what the file shows."""
    return rows.select_related("store", "terminal", "transaction").only(*_READ)


def headers() -> list[str]:
    return [
        gettext("Refund request"),
        gettext("Submitted at"),
        gettext("State"),
        gettext("Reason"),
        gettext("Amount asked for (¥)"),
        gettext("Amount approved (¥)"),
        gettext("Decided by"),
        gettext("Due at"),
        gettext("Decided at"),
        gettext("Refunded at"),
        gettext("Route"),
        gettext("Channel"),
        gettext("Store code"),
        gettext("Store"),
        gettext("Till"),
        gettext("Cashier"),
        gettext("Receipt"),
        gettext("Paid at"),
        gettext("Paid (¥)"),
        gettext("Channel no."),
    ]


def cells(request: RefundRequest) -> list[str]:
    sale = request.transaction
    return [
        name(request.number),
        _instant(request.created_at),
        cell(str(State(request.state).label)),
        cell(str(Reason(request.reason).label)),
        yuan(request.amount_fen),
        "" if request.approved_fen is None else yuan(request.approved_fen),
        _decided_by(request),
        _instant(request.due_at),
        _instant(request.decided_at),
        _instant(request.succeeded_at),
        cell(str(Route(request.route).label)),
        cell(channels.label(request.channel)),
        name(request.store.code),
        name(request.store.name),
        name(request.terminal.code) if request.terminal else "",
        name(request.cashier),
        name(sale.order_no),
        _instant(sale.paid_at),
        yuan(sale.amount_fen),
        name(sale.channel_transaction_no or ""),
    ]


def _decided_by(request: RefundRequest) -> str:
    if request.decided_at is None:
        return ""
    return gettext("the policy") if request.by_rule else gettext("a person")


def _instant(at: datetime | None) -> str:
    return "" if at is None else when(at)
