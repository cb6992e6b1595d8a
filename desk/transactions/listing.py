"""Which sales the list shows for an address, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from desk import filters, keyset, lists, numbers
from desk.access import Scope
from desk.filters import Filter
from desk.lists import Column
from desk.numbers import Found
from terminals.models import Transaction

COLUMNS = (
    Column("at", _("Paid at")),
    Column("store", _("Store")),
    Column("payer", _("Payer")),
    Column("number", _("Channel no."), usual=False),
    Column("paid", _("Paid (¥)")),
    Column("refunded", _("Refunded so far (¥)")),
    Column("refundable", _("Refundable (¥)")),
    Column("state", _("State")),
)


@dataclass(frozen=True, slots=True)
class Listed:
    filters: Sequence[Filter]
    rows: QuerySet[Transaction]
    order: keyset.Order
    named: Found


def listed(query: QueryDict, *, scope: Scope) -> Listed:
    """What the filters and the search leave."""
    chosen = [filters.channel(scope), filters.store(scope), filters.amount()]
    text = query.get("q", "").strip()
    named = numbers.recognise(text, scope=scope)
    found = filters.apply(named.sales if text else scope.sales(), chosen, query)
    return Listed(chosen, filters.within_days(found, "paid_at", query), lists.order(query, "paid_at"), named)
