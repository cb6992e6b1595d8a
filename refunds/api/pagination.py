"""Cursor pages, newest first; ids rise with time, so the id alone is the cursor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """``{"next", "previous", "results"}``; ``limit`` from 1 to 200."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def get_page_size(self, request: Any) -> int | None:
        given = request.query_params.get("limit")
        if given is not None and not (given.isascii() and given.isdigit() and int(given[:10]) > 0):
            raise ValidationError({"limit": "a whole number from 1 to 200"}, code="invalid_limit")
        return super().get_page_size(request)

    def decode_cursor(self, request: Any) -> Any:
        """The cursor, believed only as far as it could be one of ours. Raises ``ValidationError``."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None:
                self._check(cursor)
        except (NotFound, ValueError) as error:
            raise ValidationError({"cursor": "not a cursor of this list"}, code="invalid_cursor") from error
        return cursor

    def _check(self, cursor: Any) -> None:
        if cursor.offset:
            raise ValueError("an offset is for positions that several rows share; ids are no such positions")
        if cursor.position is not None:
            self.check_position(cursor.position)

    def check_position(self, position: str) -> None:
        """Raises ``ValueError`` unless the text is an id of this list's rows."""
        UUID(position)


class OldestFirst(NewestFirst):
    """A timeline: the same pages from its beginning, whole unless ``limit`` asks for less."""

    ordering = "id"
    page_size = 200

    def check_position(self, position: str) -> None:
        if not (position.isascii() and position.isdigit() and len(position) <= 18):
            raise ValueError("not a number")
