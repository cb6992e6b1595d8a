"""One run at a time: an advisory lock of the database, which it gives back by itself when a run dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from core.errors import Conflict

#: Any number that nobody else takes.
_LOCK = 5_117_204_633


class AlreadyRunning(Conflict):
    """Another run of the invariants is at work on this database."""

    code = "invariants_running"


@contextmanager
def alone() -> Iterator[None]:
    """Raises ``AlreadyRunning`` instead of waiting: two runs would read everything twice at the same time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise AlreadyRunning("the invariants are being checked right now")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
