"""The database as production has it: the application's login owns nothing, and row-level security binds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

_OWNS = "SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'refunds_refundrequest'"
_WALLED = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace ORDER BY 1"
#: What only owners may do, or somebody to whom nobody gives it: an owner can take it from themselves, and give it back.
_RIGHTS = (
    ("TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA public", "{me}"),
    ("TEMPORARY ON DATABASE {database}", "PUBLIC, {me}"),
)


@pytest.fixture
def login_of_production(request: pytest.FixtureRequest) -> Iterator[None]:
    """For the length of a test. Behind the tenant's wall it is the tenant's role as ever."""
    request.getfixturevalue("_django_db_helper")
    with connection.cursor() as cursor:
        cursor.execute(_OWNS)
        owns = cursor.fetchone()[0]
        if owns:
            _give_up(cursor)
    commits = not connection.in_atomic_block
    yield
    # Within a transaction it is taken back with everything else.
    if owns and commits:
        with connection.cursor() as cursor:
            _take_back(cursor)


def _give_up(cursor: Any) -> None:
    names = _names(cursor)
    for table in _walled(cursor):
        cursor.execute(f"CREATE POLICY login ON {table} TO {names['me']} USING (true)")
        cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for what, whose in _RIGHTS:
        cursor.execute(f"REVOKE {what} FROM {whose}".format(**names))


def _take_back(cursor: Any) -> None:
    names = _names(cursor)
    for table in _walled(cursor):
        cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        cursor.execute(f"DROP POLICY login ON {table}")
    for what, whose in _RIGHTS:
        cursor.execute(f"GRANT {what} TO {whose}".format(**names))


def _names(cursor: Any) -> dict[str, str]:
    cursor.execute("SELECT quote_ident(current_user), quote_ident(current_database())")
    return dict(zip(("me", "database"), cursor.fetchone(), strict=True))


def _walled(cursor: Any) -> list[str]:
    cursor.execute(_WALLED)
    return [table for (table,) in cursor.fetchall()]
