"""The second wall between merchants: a role that sees the rows of one merchant, whatever a query forgot to ask for.

The first wall are each face's own querysets. Inside ``within`` the connection works under a role that owns nothing, and the
policies of row-level security add the merchant to every statement. Why so, and what it is no wall against: docs/adr/0023.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import ForeignKey, Model

from core.database.base import OUTSIDE, DatabaseWrapper, Wall

logger = logging.getLogger(__name__)

#: Owns nothing and cannot log in; the application's own role is a member of it. Policies name it.
ROLE = "refunddesk_tenant"

# The privilege to become a role has a name of its own since PostgreSQL 16.
_STANDS = """
SELECT pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)
       AND NOT EXISTS (SELECT unnest(%s) EXCEPT SELECT tablename FROM pg_policies WHERE policyname = 'one_merchant')
  FROM pg_roles WHERE rolname = %s
"""
_BARE = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND pg_has_role(tableowner, 'USAGE')
EXCEPT SELECT tablename FROM pg_policies WHERE policyname = 'one_merchant'
"""
# No subquery: to begin one for each of a submission's tables cost more than to ask again for each row that no index found.
_MINE = "current_setting('app.merchant_id')::bigint"
# What no index is looked for by. The planner knows whose wall it plans behind: for a merchant of few sales, or one that its
# statistics do not know, an index of merchants looks as good as the id, and a kept plan reads all sales of the next one.
_ONLY_MINE = "CASE WHEN {column} = {mine} THEN true ELSE false END"
_MISSING = """The role {role} is missing and this login may not make it. As a superuser:
    CREATE ROLE {role} NOLOGIN; GRANT {role} TO {application};
Then: manage.py raise_tenant_wall"""

#: Tables of libraries, by the field that leads to somebody's merchant.
_OF_LIBRARIES = {
    "mfa.authenticator": "user",
    "account.emailaddress": "user",
    "account.emailconfirmation": "email_address",
}

#: What this process has found out and said so far.
_seen_standing = False
_told_of_none = False


def stands() -> bool:
    """Whether this database has the wall. It has none where the application may not make roles and nobody else made this one:
    ``manage.py raise_tenant_wall`` says what to do.
    """
    global _seen_standing
    if not _seen_standing:
        _seen_standing = stands_now()
    return _seen_standing


def stands_now() -> bool:
    """The same, asked of the database, whatever this process has seen before: not a single table may stand in front of it."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDS, [[table for table, _ in policies()], ROLE])
        row = cursor.fetchone()
    return bool(row and row[0])


def is_built() -> bool:
    """Whether the policies are there, apart from who may become the role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_policies WHERE policyname = 'one_merchant')")
        return bool(cursor.fetchone()[0])


def build() -> str:
    """Put every table whose rows are a merchant's behind the wall, the owner's connection given. Safe to repeat.

    Returns:
        What a superuser has to do first; "" when it stands. A login that may not make roles is no reason to do without the
        product: it works behind its first wall until somebody has made the role.
    """
    # Whoever works behind the wall, which is not always who migrates (docs/adr/0029).
    application = settings.DATABASES["default"]["USER"]
    with connection.cursor() as cursor:
        if not _may_become_tenant(application):
            return _MISSING.format(role=ROLE, application=application)
        cursor.execute(_BARE)
        bare = {table for (table,) in cursor.fetchall()}
        for table, condition in policies():
            if table in bare:
                cursor.execute(f"CREATE POLICY one_merchant ON {table} TO {ROLE} {condition}")
                cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    return ""


def _may_become_tenant(application: str) -> bool:
    """Make the role if it is missing and we may."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper OR rolcreaterole, current_setting('server_version_num')::int >= 160000 "
            "FROM pg_roles WHERE rolname = current_user"
        )
        me, may_make_roles, inherits_apart = cursor.fetchone()
        # The privilege to become a role has a name of its own since PostgreSQL 16.
        privilege = "SET" if inherits_apart else "MEMBER"
        cursor.execute(
            "SELECT pg_has_role(%s, oid, %s) FROM pg_roles WHERE rolname = %s", [application, privilege, ROLE]
        )
        found = cursor.fetchone()
        if found is None and may_make_roles:
            cursor.execute(f"CREATE ROLE {ROLE} NOLOGIN")
            # Not by itself, only for a page: the role's policies are not to be the application's.
            apart = " WITH INHERIT FALSE" if inherits_apart and me != application else ""
            cursor.execute(f"GRANT {ROLE} TO {connection.ops.quote_name(application)}{apart}")
            return True
    return bool(found and found[0])


def policies() -> Iterator[tuple[str, str]]:
    """Table, and which of its rows are the merchant's, of every model that has a merchant, or says by ``walled_by`` which of its
    fields leads to one. With ``walled_without_index`` a model's rows are found by what a statement asks for alone.
    """
    for model in apps.get_models(include_auto_created=True):
        if name := _way_to_merchant(model):
            field = model._meta.get_field(name)
            table, column = model._meta.db_table, getattr(field, "column", name)
            if isinstance(field, ForeignKey) and name != "merchant":
                # The parent's own policy decides. Checked when read only: a row that is stored in one statement with its
                # parent cannot see it yet.
                parent = field.related_model._meta.db_table
                yield (
                    table,
                    f"USING (EXISTS (SELECT FROM {parent} parent WHERE parent.id = {table}.{column})) WITH CHECK (true)",
                )
            else:
                condition = _ONLY_MINE if getattr(model, "walled_without_index", False) else "{column} = {mine}"
                yield table, f"USING ({condition.format(column=column, mine=_MINE)})"


def _way_to_merchant(model: type[Model]) -> str:
    names = {field.name for field in model._meta.get_fields()}
    first = next((name for name in ("merchant", "merchant_id") if name in names), "")
    # The table between two models belongs to the one that declared it.
    owner: Any = model._meta.auto_created
    if owner:
        return str(owner._meta.model_name) if _way_to_merchant(owner) else ""
    return getattr(model, "walled_by", _OF_LIBRARIES.get(model._meta.label_lower, first))


@contextmanager
def within(merchant_id: int) -> Iterator[None]:
    """Work behind the wall of a merchant, then behind the one before, or none.

    Where there is no wall the first one, each face's own querysets, has to do; it is said in the log.
    """
    if not stands():
        _tell_of_none()
        yield
        return
    with _connection().behind(Wall(ROLE, str(merchant_id))):
        yield


@contextmanager
def outside() -> Iterator[None]:
    """Leave the wall for a moment, for what is not the merchant's own rows: its sandbox. Nothing happens where there is none."""
    # A wall of its own, to be told from the one before.
    with _connection().behind(Wall(*OUTSIDE)):
        yield


def _connection() -> DatabaseWrapper:
    """This thread's own, which the settings make one of ours."""
    return cast(DatabaseWrapper, connections[DEFAULT_DB_ALIAS])


def _tell_of_none() -> None:
    global _told_of_none
    if not _told_of_none:
        logger.warning("there is no second wall between merchants: see manage.py raise_tenant_wall")
    _told_of_none = True
