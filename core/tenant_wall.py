"""The second wall between merchants: a role that sees the rows of one merchant, whatever a query forgot to ask for.

The first wall are each face's own querysets. Inside ``within`` the connection works under a role that owns nothing, and the
policies of row-level security add the merchant to every statement. Why so, and what it is no wall against: docs/adr/0023.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

#: Owns nothing and cannot log in; the application's own role is a member of it. Policies name it.
ROLE = "refunddesk_tenant"


@contextmanager
def within(merchant_id: int) -> Iterator[None]:
    """Work behind the wall of a merchant. The connection leaves it again, or is closed.

    Not to be nested: leaving the inner one would leave both.
    """
    _put(ROLE, str(merchant_id))
    try:
        yield
    finally:
        try:
            _put("none", "")
        except BaseException:
            # Whoever gets this connection next must not find themselves behind somebody's wall.
            connection.close()
            raise


def _put(role: str, merchant_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', %s, false), set_config('app.merchant_id', %s, false)", [role, merchant_id]
        )
