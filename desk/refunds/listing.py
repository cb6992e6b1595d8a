"""Which refunds the list shows for an address, in which order, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from desk import filters, keyset, lists, numbers
from desk.access import Scope
from desk.analytics import links
from desk.filters import Filter
from desk.keyset import Capped
from desk.lists import Column
from refunds.models import RefundRequest
from refunds.states import PAID, RELEASED

COLUMNS = (
    Column("at", _("Submitted at")),
    Column("store", _("Store")),
    Column("receipt", _("Receipt")),
    Column("reason", _("Reason")),
    Column("cashier", _("Cashier"), usual=False),
    Column("asked", _("Asked for (¥)"), usual=False),
    Column("amount", _("Amount (¥)")),
    Column("state", _("State")),
    Column("ended", _("Ended at")),
    Column("owner", _("Owner")),
)


@dataclass(frozen=True, slots=True)
class Listed:
    filters: Sequence[Filter]
    rows: QuerySet[RefundRequest]
    order: keyset.Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What was asked for, and of it what went back, what is open, and what was rejected, withdrawn or not paid; no sums beyond
    what is counted.
    """

    count: Capped
    asked_fen: int | None = None
    paid_fen: int = 0
    open_fen: int = 0
    released_fen: int = 0


def listed(query: QueryDict, *, scope: Scope, at: datetime) -> Listed:
    """What the filters, the search and the address of a figure leave."""
    chosen = [
        filters.state(),
        filters.channel_of_refund(scope),
        filters.store(scope),
        filters.reason(),
        filters.amount(),
    ]
    text = query.get("q", "").strip()
    found = numbers.recognise(text, scope=scope).refunds if text else scope.requests()
    found = filters.within_days(filters.apply(found, chosen, query), "created_at", query)
    return Listed(chosen, links.narrow(found, query, now=at), lists.order(query, "created_at"))


def sums(rows: QuerySet[RefundRequest]) -> Sums:
    count = keyset.count(rows)
    if count > keyset.CAP:
        return Sums(count=count)
    paid, released = Q(state__in=PAID), Q(state__in=RELEASED)
    found = rows.order_by().aggregate(
        asked=Sum("amount_fen"),
        paid=Sum(Coalesce("approved_fen", "amount_fen"), filter=paid),
        released=Sum("amount_fen", filter=released),
        open=Sum(Coalesce("approved_fen", "amount_fen"), filter=~paid & ~released),
    )
    asked, given, dropped, waiting = (found[name] or 0 for name in ("asked", "paid", "released", "open"))
    return Sums(count=count, asked_fen=asked, paid_fen=given, released_fen=dropped, open_fen=waiting)
