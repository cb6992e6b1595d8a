"""The lists of refunds as CSV: what the filters show, all of it or nothing, with flat memory.

Rows are fetched page by page along the key, so neither the web process nor the database holds the whole of it, and no
transaction stays open while a slow client reads. No customer's name or contact is in the file.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.money import yuan
from core.spreadsheets import Columns, cell, csv_lines, name, table
from desk.access import Scope
from desk.addresses import with_query
from desk.templatetags.desk_format import when
from merchants.rights import Act
from refunds.facts import plans
from refunds.models import Leg, RefundRequest
from refunds.queries import beyond
from refunds.states import Reason, Route, State
from refunds.telling import legs
from terminals.models import Transaction

_PAGE = 1_000
_READ = (
    "number",
    "created_at",
    "state",
    "leg_count",
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
    "transaction__channel",
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
    return csv_lines(table(COLUMNS, (row for page in in_pages(read(rows), "created_at") for row in page)))


def in_pages(rows: QuerySet[Any], field: str) -> Iterator[list[Any]]:
    """The rows along their key, newest first, so many at a time."""
    ordered = rows.order_by(f"-{field}", "-pk")
    found = _read_in(ordered[:_PAGE])
    while found:
        yield found
        last = found[-1]
        after = beyond(field=field, value=getattr(last, field), pk=last.pk, descending=True)
        found = _read_in(ordered.filter(after)[:_PAGE]) if len(found) == _PAGE else []


def _read_in(rows: QuerySet[Any]) -> list[Any]:
    """These rows; of refunds that go back by several payments with those, and where there are none without a statement more."""
    found = list(rows)
    in_parts = [one for one in found if isinstance(one, RefundRequest) and one.leg_count]
    legs = Leg.objects.select_related("transaction").only(*plans.OF_PAYMENT).order_by("sequence")
    prefetch_related_objects(in_parts, Prefetch("legs", legs))
    return found


def read(rows: QuerySet[RefundRequest]) -> QuerySet[RefundRequest]:
    """The rows with what the file shows."""
    return rows.select_related("store", "terminal", "transaction").only(*_READ)


def _paid(request: RefundRequest) -> Sequence[Transaction]:
    """The payments that it goes back by, each once."""
    of_legs = dict.fromkeys(leg.transaction for leg in request.legs.all()) if request.leg_count else ()
    return tuple(of_legs) or (request.transaction,)


def _decided_by(request: RefundRequest) -> str:
    if request.decided_at is None:
        return ""
    return gettext("the policy") if request.by_rule else gettext("a person")


def _instant(at: datetime | None) -> str:
    return "" if at is None else when(at)


#: What the file shows.
COLUMNS: Columns = (
    (_("Refund request"), lambda one: name(one.number)),
    (_("Submitted at"), lambda one: _instant(one.created_at)),
    (_("State"), lambda one: cell(str(State(one.state).label))),
    (_("Reason"), lambda one: cell(str(Reason(one.reason).label))),
    (_("Amount asked for (¥)"), lambda one: yuan(one.amount_fen)),
    (_("Amount approved (¥)"), lambda one: "" if one.approved_fen is None else yuan(one.approved_fen)),
    (_("Decided by"), lambda one: _decided_by(one)),
    (_("Due at"), lambda one: _instant(one.due_at)),
    (_("Decided at"), lambda one: _instant(one.decided_at)),
    (_("Refunded at"), lambda one: _instant(one.succeeded_at)),
    (_("Route"), lambda one: cell(str(Route(one.route).label))),
    (_("Channel"), lambda one: cell(legs.channels_label(one, _paid(one)))),
    (_("Store code"), lambda one: name(one.store.code)),
    (_("Store"), lambda one: name(one.store.name)),
    (_("Till"), lambda one: name(one.terminal.code) if one.terminal else ""),
    (_("Cashier"), lambda one: name(one.cashier)),
    (_("Receipt"), lambda one: name(one.transaction.order_no)),
    (_("Paid at"), lambda one: _instant(one.transaction.paid_at)),
    (_("Paid (¥)"), lambda one: yuan(sum(each.amount_fen for each in _paid(one)))),
    (
        _("Channel no."),
        lambda one: name(" + ".join(filter(None, (each.channel_transaction_no for each in _paid(one))))),
    ),
)
