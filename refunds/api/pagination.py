"""Cursor pages, newest first; ids rise with time, so the id alone is the cursor."""

from __future__ import annotations

from typing import Any

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
        try:
            return super().decode_cursor(request)
        except NotFound as error:
            raise ValidationError({"cursor": "not a cursor of this list"}, code="invalid_cursor") from error
