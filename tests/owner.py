"""To do in a test what the application's login may not: as the owner of the tables, for a moment and inside the test's
transaction. The test services let their application become it; no installation does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection, connections, transaction
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from core.database import logins


@contextmanager
def as_owner(*, silent: bool = False) -> Iterator[Any]:
    """A cursor under the owner's role. ``silent``: triggers say nothing, as when a superuser has silenced them."""
    # A savepoint takes the role back however the block ends.
    with transaction.atomic(), connection.cursor() as cursor:
        if logins.owner() != logins.application():
            cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(logins.owner())}")
        if silent:
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor
        if silent:
            cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("SET LOCAL ROLE NONE")


#: Filled by migrating and never changed by us: kept, where `flush` would empty them and have them filled again.
_KEPT = {"django_migrations", "django_content_type", "auth_permission"}
#: Deleted rows leave their room behind; a table that has grown to more than so much gets a new file.
_LARGE_BYTES = 64 * 1024


@cache
def _emptier(database: str) -> Any:
    """The owner's own connection to this database, kept. To silence triggers makes a connection plan all anew, which took longer
    than emptying does.
    """
    parameters = {**connection.get_connection_params(), "dbname": database}
    if settings.DATABASE_OWNER:
        parameters |= {"user": settings.DATABASE_OWNER["USER"], "password": settings.DATABASE_OWNER["PASSWORD"]}
    made = psycopg2.connect(**parameters)
    with made, made.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    return made


def empty_tables() -> None:
    """Between tests that commit: what `manage.py flush` does, at a twentieth of its price.

    It waits for whoever still writes. Ordinary triggers are silenced, so that append-only tables can be emptied, too: the test
    services grant the right to do so; no real installation does.
    """
    database, raw = connection.settings_dict["NAME"], connection.connection
    if raw is not None and not raw.closed and raw.info.transaction_status != TRANSACTION_STATUS_IDLE:
        # It waits for nothing that this connection itself holds.
        with as_owner(silent=True) as cursor:
            _empty(cursor)
        return
    try:
        with _emptier(database) as emptier, emptier.cursor() as cursor:
            _empty(cursor)
    except psycopg2.OperationalError:  # the server was ended by the test
        _emptier.cache_clear()
        with _emptier(database) as emptier, emptier.cursor() as cursor:
            _empty(cursor)


def _empty(cursor: Any) -> None:
    cursor.execute(
        "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "AND relname <> ALL (%s) ORDER BY 1",
        [sorted(_KEPT)],
    )
    tables = [name for (name,) in cursor.fetchall()]
    cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
    sizes = ", ".join(f"pg_relation_size('{name}')" for name in tables)
    cursor.execute(f"SELECT {sizes}")
    used = {name: size for name, size in zip(tables, cursor.fetchone(), strict=True) if size}
    if large := [name for name, size in used.items() if size > _LARGE_BYTES]:
        # With those that point to them: all are to be emptied.
        cursor.execute(f"TRUNCATE {', '.join(large)} CASCADE")
    for name, size in used.items():
        if size <= _LARGE_BYTES:
            cursor.execute(f"DELETE FROM {name}")


#: DISCARD ALL, but for the statements that were prepared: to plan the question for every invariant takes longer than a test.
_AS_NEW = """
CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all();
DISCARD SEQUENCES; DISCARD TEMP
"""


def kept_as_new() -> bool:
    """Make what a test that commits leaves of its connection as good as a new one, which costs more than most tests.

    False: something was done to it, or there are several; Django then closes them all.
    """
    raw = connection.connection
    if raw is None or raw.closed or connection.in_atomic_block or len(connections.all(initialized_only=True)) != 1:
        return False
    if raw.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return False
    try:
        with raw.cursor() as cursor:
            cursor.execute(_AS_NEW)
        connection.init_connection_state()
    except psycopg2.Error:
        return False
    return True


#: Smaller tables are read faster than they are cleared.
_WORTH_SWEEPING_BYTES = 128 * 1024


def sweep_tables() -> None:
    """Clear away what tests that were rolled back have left in the tables; between two tests, outside of any transaction."""
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
            "AND pg_relation_size(oid) > %s",
            [_WORTH_SWEEPING_BYTES],
        )
        large = [name for (name,) in cursor.fetchall()]
        if large:
            cursor.execute(f"SET ROLE {connection.ops.quote_name(logins.owner())}")
            cursor.execute(f"VACUUM {', '.join(large)}")
            cursor.execute("SET ROLE NONE")
