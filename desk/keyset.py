"""Pages of long lists: by the key of the last row seen, never by offset; counted up to a limit, never whole.

A cursor says on which side of which row the page lies and the number of its first row: ``n.<value>.<id>.<first>`` (next)
or ``p....`` (previous). ``value`` is the sort field, an instant in microseconds since 1970 or an amount in fen; empty where the
list is sorted by id alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet, Sum

from refunds.queries import beyond, first_of, place_of

#: Beyond this many rows a list says "1000+".
CAP = 1000

Row = TypeVar("Row", bound=Model)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Capped(int):
    """A number of rows that is shown as ``1000+`` when counting stopped there."""

    def __str__(self) -> str:
        return f"{CAP}+" if self > CAP else int.__repr__(self)


@dataclass(frozen=True, slots=True)
class Total:
    """How many rows, and what they come to; no sum where counting stopped."""

    count: Capped
    amount_fen: int | None


@dataclass(frozen=True, slots=True)
class Order:
    """By ``field`` (an instant or an amount) and then id, or by id alone."""

    field: str = ""
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """``first`` is the number of the first row, from 1; an empty cursor: there is no such page."""

    rows: list[Row]
    first: int
    next_cursor: str
    prev_cursor: str

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def page(rows: QuerySet[Row], *, order: Order, cursor: str, size: int) -> Page[Row]:
    """One page. A cursor that cannot be read gives the first page."""
    place = _read(cursor, rows, order)
    backwards = place is not None and place[0] == "p"
    descending = order.descending != backwards
    sign = "-" if descending else ""
    names = [f"{sign}{name}" for name in (order.field, "pk") if name]
    if place is not None:
        rows = rows.filter(beyond(field=order.field, value=place[1], pk=place[2], descending=descending))
    found = first_of(rows, order=names, size=size + 1)
    more, found = len(found) > size, found[:size]
    first = 1 if place is None else place[3]
    if backwards:
        found.reverse()
        if not more:
            first = 1
    if not found:
        return Page([], first, "", "")
    has_next, has_prev = (True, more) if backwards else (more, place is not None)
    return Page(
        found,
        first,
        _write("n", order, found[-1], first + len(found)) if has_next else "",
        _write("p", order, found[0], max(1, first - size)) if has_prev else "",
    )


def cursor_of(place: int, rows: Sequence[Row], *, order: Order, size: int) -> str:
    """Of the page with the row at this ``place``, from 0, of ``rows``, which are the first of the list; "" for the first page."""
    first = place - place % size
    return _write("n", order, rows[first - 1], first + 1) if first else ""


def count(rows: QuerySet[Any]) -> Capped:
    """How many rows, up to ``CAP``."""
    return Capped(rows.order_by().values("pk")[: CAP + 1].count())


def total(rows: QuerySet[Any], field: str = "amount_fen") -> Total:
    """How many rows and the sum of an amount."""
    number = count(rows)
    if number > CAP:
        return Total(number, None)
    return Total(number, rows.order_by().aggregate(total=Sum(field))["total"] or 0)


def _write(direction: str, order: Order, row: Model, first: int) -> str:
    value = ""
    if order.field:
        found = getattr(row, order.field)
        value = str((found - _EPOCH) // timedelta(microseconds=1) if isinstance(found, datetime) else found)
    return f"{direction}.{value}.{row.pk}.{first}"


def _read(cursor: str, rows: QuerySet[Row], order: Order) -> tuple[str, datetime | int | None, object, int] | None:
    parts = cursor.split(".")
    if len(parts) != 4 or parts[0] not in {"n", "p"} or (parts[1] and not order.field):
        return None
    direction, value, pk, first = parts
    try:
        typed = int(value) if value else None
        at: datetime | int | None = typed
        if typed is not None and order.field != "amount_fen":
            at = _EPOCH + timedelta(microseconds=typed)
        elif typed is not None and not -(2**63) <= typed < 2**63:
            return None
        key = rows.model._meta.pk.to_python(pk)
        number = max(1, min(int(first), 10**9))
        if order.field and at is None and order.field != "amount_fen":
            # In an address kept from when the list was sorted by id alone.
            at = place_of(rows, field=order.field, pk=key)
            if at is None:
                return None
        if order.field and at is None:
            return None
    except (ValueError, OverflowError, ValidationError):
        return None
    return direction, at, key, number
