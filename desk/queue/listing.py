"""Which refunds the review desk lists for an address, and where one of them stands among them."""

import operator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from desk import filters, keyset, numbers, people
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.filters import Filter
from desk.keyset import Order
from desk.queue import saved_views
from desk.queue.saved_views import VIEWS, View
from desk.rows import lean
from refunds.models import RefundRequest
from refunds.review import decidable

#: Rows of a page.
PAGE_SIZE = 20
#: A refund's place in the list is told as long as it is among the first of them.
_PLACES = 200


@dataclass(frozen=True, slots=True)
class DeskList:
    view: View
    filters: list[Filter]
    order: Order
    rows: QuerySet[RefundRequest]


def desk_list(query: QueryDict, *, scope: Scope, at: datetime) -> DeskList:
    """The saved view, narrowed by the filters and the search of the address."""
    view = saved_views.view_named(query.get("view", ""))
    chosen = [filters.store(scope), filters.channel_of_refund(scope), filters.reason(), filters.amount()]
    wanted = query.get("q", "").strip()
    named = numbers.recognise(wanted, scope=scope).refunds if wanted else scope.requests()
    rows = filters.apply(named.filter(saved_views.UNDECIDED_YET, view.condition(scope.staff, at)), chosen, query)
    return DeskList(view, chosen, Order("due_at", descending=query.get("sort") == "-due"), rows)


def next_url(url: str, *, after: RefundRequest, scope: Scope, at: datetime) -> str:
    """Where the desk goes on once ``after`` is decided, which was opened at ``url``: at the next one of its list that this person
    may decide, as a page where it was a page, and in the queue where the list has no more.
    """
    address = urlsplit(url)
    query, is_page = QueryDict(address.query), address.path == refund_url(after.number)
    if not is_page and address.path != reverse("desk:queue"):
        return url
    wanted = desk_list(query, scope=scope, at=at)
    # The row below, as it was when the list was shown: a colleague may be at it by now.
    if not is_page and (below := query.get("selected")):
        row = lean(wanted.rows.filter(number=below)).first()
        if row is not None and row.pk != after.pk and people.take_next(row, staff=scope.staff, at=at):
            return url
    found = next_of(wanted, after=after, scope=scope, at=at)
    if found is None:
        is_whole = wanted.view is VIEWS[0] and not filters.any_chosen(wanted.filters, query) and not query.get("q")
        return url if is_whole and not is_page else reverse("desk:queue")
    if is_page:
        return with_query(refund_url(found.number), query)
    return with_query(address.path, query, c=found.cursor, selected=found.number)


@dataclass(frozen=True, slots=True)
class Next:
    """A refund of the list and the page on which it stands."""

    number: str
    cursor: str


def next_of(wanted: DeskList, *, after: RefundRequest | None, scope: Scope, at: datetime) -> Next | None:
    """The one that this person is given next, wherever in the list it stands: behind ``after``, else from its beginning."""
    names = [f"-{name}" if wanted.order.descending else name for name in ("due_at", "pk")]
    rows = [row for row in lean(wanted.rows).order_by(*names)[:_PLACES] if after is None or row.pk != after.pk]
    refused = decidable.undecidable(requests=rows, by=scope.by, at=at)
    theirs = [row for row in rows if row.pk not in refused and row.claimed_by_id in (None, scope.staff.pk)]
    behind = operator.lt if wanted.order.descending else operator.gt
    later = [row for row in theirs if after is None or behind(_place(row), _place(after))]
    in_turn = [*later, *(row for row in theirs if row not in later)]
    found = next((row for row in in_turn if people.take_next(row, staff=scope.staff, at=at)), None)
    if found is None:
        return None
    return Next(found.number, keyset.cursor_of(rows.index(found), rows, order=wanted.order, size=PAGE_SIZE))


def _place(row: RefundRequest) -> tuple[datetime, UUID]:
    return row.due_at, row.pk


@dataclass(frozen=True, slots=True)
class Position:
    """The ``index``-th of ``total``; a neighbour that there is not has no address."""

    index: int
    total: int | str
    prev_url: str
    next_url: str

    @property
    def label(self) -> str:
        return gettext("%(index)s of %(total)s") % {"index": self.index, "total": self.total}


def position(query: QueryDict, *, request: RefundRequest, scope: Scope, at: datetime) -> Position | None:
    """The refund's place in the list it was opened from, with its neighbours; None when it is not in it any more."""
    wanted = desk_list(query, scope=scope, at=at)
    names = [f"-{name}" if wanted.order.descending else name for name in ("due_at", "pk")]
    numbers = list(wanted.rows.order_by(*names).values_list("number", flat=True)[:_PLACES])
    if request.number not in numbers:
        return None
    index = numbers.index(request.number)
    before, after = numbers[:index][-1:], numbers[index + 1 :][:1]
    return Position(
        index + 1,
        f"{_PLACES}+" if len(numbers) == _PLACES else len(numbers),
        with_query(refund_url(before[0]), query) if before else "",
        with_query(refund_url(after[0]), query) if after else "",
    )
