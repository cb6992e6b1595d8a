"""Planting what must never be true."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from tests.owner import as_owner


def plant(statements: str, drop: Sequence[str], rows: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with as_owner() as cursor:
        for constraint in drop:
            table, name = constraint.split(".")
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            cursor.execute(f"DROP INDEX IF EXISTS {name}")
    with as_owner(silent=True) as cursor:
        for name, value in rows.items():
            statements = statements.replace(f":{name}", value)
        cursor.execute(statements)
        assert statements.startswith(("DROP", "ALTER", "GRANT")) or cursor.rowcount > 0, "nothing was planted"
