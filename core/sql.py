"""Statements over many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values


def execute_rows(sql: str, rows: Sequence[Sequence[Any]], *, template: str) -> None:
    """Run ``sql``, which holds ``VALUES %s``, over ``rows``. Raises Django's database errors, as its own cursor does:
    the driver's helper by itself would raise the driver's, and ``except IntegrityError`` would not see them.
    """
    with connection.wrap_database_errors, connection.cursor() as cursor:
        execute_values(cursor.cursor, sql, rows, template=template, page_size=1000)
