"""Cursor pages, newest first: by an instant of the row and its id, so that a page of a year ago costs what the first one does."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination

from api.fields import refused
from refunds.queries import Changes, beyond, first_of, place_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Of more changes than that the rows are not looked for by the changes: each page would read all of them anew. So many rows are
#: asked one by one instead, and where a page's worth has not been found among them, the page is short and the next goes on.
FEW, WALKED = 5_000, 5_000


class NewestFirst(CursorPagination):
    """``{"next", "previous", "results"}``; ``limit`` from 1 to 200.

    A position is ``<microseconds since 1970>.<id>``, or the id alone in a list that is sorted by it.
    """

    #: The instant that rows are sorted by before their id; "" for the id alone.
    field: ClassVar[str] = "created_at"
    descending: ClassVar[bool] = True
    #: Rows have numbers, not UUIDs.
    numbered: ClassVar[bool] = False
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def __init__(self, changes: Changes | None = None) -> None:
        """``changes``: only rows to which something has happened since."""
        self.changes = changes

    def get_page_size(self, request: Any) -> int | None:
        given = request.query_params.get("limit")
        if given is not None and not (given.isascii() and given.isdigit() and int(given[:10]) > 0):
            raise refused("invalid_limit", "limit")
        return super().get_page_size(request)

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        """The page that the cursor names. Raises ``ValidationError`` for a cursor that is none of this list's."""
        self.request = request
        self.size = self.get_page_size(request) or self.page_size
        self.base_url = request.build_absolute_uri()
        cursor = self.decode_cursor(request)
        self.backwards = backwards = cursor is not None and cursor.reverse
        descending = self.descending != backwards
        if cursor is not None and cursor.position is not None:
            value, pk = self._place(cursor.position, queryset)
            queryset = queryset.filter(beyond(field=self.field, value=value, pk=pk, descending=descending))
        sign = "-" if descending else ""
        order = [f"{sign}{name}" for name in (self.field, "pk") if name]
        self.stopped: str | None = None
        rows = self._changed(queryset, order) if self.changes else first_of(queryset, order=order, size=self.size + 1)
        more, rows = len(rows) > self.size or self.stopped is not None, rows[: self.size]
        if backwards:
            rows.reverse()
        came_from = cursor is not None and cursor.position is not None
        self.rows = rows
        self.has_next, self.has_previous = (came_from, more) if backwards else (more, came_from)
        return rows

    def _changed(self, rows: QuerySet[Any], order: list[str]) -> list[Any]:
        """Those of them that have changed. ``stopped`` is how far was looked, where that was not to the end."""
        assert self.changes is not None
        newer = rows.filter(**{f"{self.field}__gte": self.changes.since})
        older = rows.filter(**{f"{self.field}__lt": self.changes.since})
        size, found = self.size + 1, []
        if order[0].startswith("-"):
            found = first_of(newer, order=order, size=size)
            return found + (self._older(older, order, size - len(found)) if len(found) < size else [])
        found = self._older(older, order, size)
        more = len(found) < size and self.stopped is None
        return found + (first_of(newer, order=order, size=size - len(found)) if more else [])

    def _older(self, rows: QuerySet[Any], order: list[str], size: int) -> list[Any]:
        """So many of the rows that were there before and have changed."""
        assert self.changes is not None
        if self.changes.ids[: FEW + 1].count() <= FEW:
            return first_of(rows.filter(pk__in=self.changes.ids), order=order, size=size)
        edge = list(rows.order_by(*order).values_list(self.field, "pk")[WALKED - 1 : WALKED + 1])
        if len(edge) > 1:
            value, pk = edge[1]
            rows = rows.filter(beyond(field=self.field, value=value, pk=pk, descending=not order[0].startswith("-")))
        found = first_of(rows.filter(self.changes.of_row), order=order, size=size)
        if len(edge) > 1 and len(found) < size:
            self.stopped = self._position(*edge[0])
        return found

    def get_next_link(self) -> str | None:
        return self._link(-1, reverse=False) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(0, reverse=True) if self.has_previous else None

    def _link(self, index: int, *, reverse: bool) -> str | None:
        position = self.stopped if reverse == self.backwards else None
        if position is None:
            if not self.rows:
                return None
            row = self.rows[index]
            position = self._position(getattr(row, self.field) if self.field else None, row.pk)
        link: str = self.encode_cursor(Cursor(0, reverse, position))  # type: ignore[arg-type]  # a position is text to DRF
        return link

    def _position(self, value: datetime | None, pk: object) -> str:
        return str(pk) if value is None else f"{(value - _EPOCH) // timedelta(microseconds=1)}.{pk}"

    def decode_cursor(self, request: Any) -> Any:
        """The cursor, believed only as far as it could be one of ours. Raises ``ValidationError``."""
        try:
            cursor = super().decode_cursor(request)
        except (NotFound, ValueError) as error:
            raise refused("invalid_cursor", "cursor") from error
        if cursor is not None and (cursor.offset or (cursor.position is None and request.query_params["cursor"])):
            # An offset is for positions that several rows share; ours are no such positions. None is no place at all: the
            # first page again would be a list without end.
            raise refused("invalid_cursor", "cursor")
        return cursor

    def _place(self, position: str, rows: QuerySet[Any]) -> tuple[datetime | None, object]:
        value, _, pk = position.rpartition(".") if self.field else ("", "", position)
        try:
            key = self.read_id(pk)
            at = _EPOCH + timedelta(microseconds=int(value)) if value else None
        except (ValueError, OverflowError) as error:
            raise refused("invalid_cursor", "cursor") from error
        if self.field and at is None:
            # From when the list was sorted by id alone: the instant is its row's.
            at = place_of(rows, field=self.field, pk=key)
            if at is None:
                raise refused("invalid_cursor", "cursor")
        return at, key

    def read_id(self, text: str) -> object:
        """Raises ``ValueError`` unless the text is an id of this list's rows."""
        if not self.numbered:
            return UUID(text)
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise ValueError("not a number")
        return int(text)


class NewestPaidFirst(NewestFirst):
    """Sales, by when they were paid."""

    field = "paid_at"


class OldestFirst(NewestFirst):
    """A timeline: the same pages from its beginning, whole unless ``limit`` asks for less."""

    field, numbered = "", True
    descending = False
    page_size = 200
