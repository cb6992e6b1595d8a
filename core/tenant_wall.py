"""The second wall between merchants: a role that sees the rows of one merchant, whatever a query forgot to ask for.

The first wall are each face's own querysets. Inside ``within`` the connection works under a role that owns nothing, and the
policies of row-level security add the merchant to every statement. Why so, and what it is no wall against: docs/adr/0023.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

logger = logging.getLogger(__name__)

#: Owns nothing and cannot log in; the application's own role is a member of it. Policies name it.
ROLE = "refunddesk_tenant"

# The privilege to become a role has a name of its own since PostgreSQL 16.
_STANDS = """
SELECT pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)
       AND EXISTS (SELECT FROM pg_policies WHERE policyname = 'one_merchant' AND tablename = 'refunds_refundrequest')
  FROM pg_roles WHERE rolname = %s
"""
#: What this process has found out and said so far.
_seen_standing = False
_told_of_none = False


def stands() -> bool:
    """Whether this database has the wall. It has none where the application may not make roles and nobody else made this one:
    ``manage.py raise_tenant_wall`` says what to do.
    """
    global _seen_standing
    if not _seen_standing:
        with connection.cursor() as cursor:
            cursor.execute(_STANDS, [ROLE])
            row = cursor.fetchone()
        _seen_standing = bool(row and row[0])
    return _seen_standing


def is_built() -> bool:
    """Whether the policies are there, whoever may become the role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_policies WHERE policyname = 'one_merchant')")
        return bool(cursor.fetchone()[0])


@contextmanager
def within(merchant_id: int) -> Iterator[None]:
    """Work behind the wall of a merchant. The connection leaves it again, or is closed.

    Not to be nested: leaving the inner one would leave both. Where there is no wall the first one, each face's own querysets, has
    to do; it is said in the log.
    """
    if not stands():
        _tell_of_none()
        yield
        return
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


def _tell_of_none() -> None:
    global _told_of_none
    if not _told_of_none:
        logger.warning("there is no second wall between merchants: see manage.py raise_tenant_wall")
    _told_of_none = True


def _put(role: str, merchant_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', %s, false), set_config('app.merchant_id', %s, false)", [role, merchant_id]
        )
