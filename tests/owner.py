"""To do in a test what the application's login may not: as the owner of the tables, for a moment and inside the test's
transaction. The test services let their application become it; no installation does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

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
