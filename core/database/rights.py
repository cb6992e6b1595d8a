"""What the application's login may do, and what nobody may: built after every migration, and found missing where it is not.

Under the owner's login ``apply`` gives the application and the tenants' role what they need and nothing else, lets the
application through row-level security, and sets the triggers that even an owner runs into. Why so: docs/adr/0029.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

from core import tenant_wall
from core.database import logins

#: Django's own list of what has been migrated: the owner's alone to change.
_READ_ONLY = ("django_migrations",)
#: The apps whose tables are ours.
OURS = ("core", "merchants", "terminals", "refunds", "reconciliation", "integrations")

# Beside the triggers of the migrations, with messages of their own, whatever a later migration adds.
_FUNCTIONS = """
CREATE OR REPLACE FUNCTION core_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE FUNCTION core_never_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is never emptied', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""


def append_only() -> list[type[Model]]:
    """Models whose rows are added and never changed: those that say so. Only what they name ``erasable`` may be emptied."""
    return [model for model in apps.get_models() if getattr(model, "append_only", False)]


def _erasable(model: type[Model]) -> tuple[str, ...]:
    return getattr(model, "erasable", ())


def _fixed_columns(model: type[Model]) -> str:
    """``OF`` and the columns that nobody changes; "" where all are such."""
    kept = [str(field.column) for field in model._meta.local_fields if field.name not in _erasable(model)]
    return f" OF {', '.join(kept)}" if _erasable(model) else ""


def records() -> list[type[Model]]:
    """All models of ours: TRUNCATE, which no trigger on rows sees, has no business on any of their tables."""
    models: Iterable[type[Model]] = apps.get_models(include_auto_created=True)
    return [model for model in models if model._meta.app_label in OURS]


def _tables(models: Iterable[type[Model]]) -> set[str]:
    return {model._meta.db_table for model in models}


def foreign_tables() -> list[str]:
    """Who else owns tables here: ``name`` of each owner that this login cannot act for."""
    return _column(
        "SELECT DISTINCT r.rolname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
        "WHERE c.relkind IN ('r', 'S') AND c.relnamespace = 'public'::regnamespace "
        "AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1"
    )


def apply() -> str:
    """Make everything as it has to be. Safe to repeat; the connection is the owner's.

    Returns:
        What a superuser has to do before there can be a second wall between merchants; "" when it stands.
    """
    there = set(
        _column("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND pg_has_role(tableowner, 'USAGE')")
    )
    with connection.cursor() as cursor:
        cursor.execute(_FUNCTIONS)
        for statement in _triggers(there):
            cursor.execute(statement)
        to_do = tenant_wall.build()
        if tenant_wall.is_built():
            for statement in _grants(tenant_wall.ROLE, there):
                cursor.execute(statement)
        if logins.owner() != logins.application():
            # As every server has it since PostgreSQL 15; one that was upgraded may not.
            cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            for statement in [*_grants(logins.application(), there), *_policies()]:
                cursor.execute(statement)
    return to_do


def _triggers(there: set[str]) -> list[str]:
    """Those that are missing."""
    guarded = set(_column(_GUARDED_AGAINST_TRUNCATE))
    fixed = set(_column(_GUARDED_AGAINST_CHANGE))
    return [
        *(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION core_never_emptied()"
            for table in sorted(there & _tables(records()) - guarded)
        ),
        *(
            f"CREATE TRIGGER {model._meta.db_table}_append_only BEFORE DELETE OR UPDATE{_fixed_columns(model)} "
            f"ON {model._meta.db_table} FOR EACH ROW EXECUTE FUNCTION core_append_only()"
            for model in append_only()
            if model._meta.db_table in there - fixed
        ),
    ]


def _grants(role: str, there: set[str]) -> list[str]:
    name = connection.ops.quote_name(role)
    read_only, growing = there & set(_READ_ONLY), there & _tables(append_only())
    owner = connection.ops.quote_name(logins.owner())
    everything = "SELECT, INSERT, UPDATE, DELETE"
    return [
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"REVOKE ALL ON {_listed(there)} FROM {name}",
        f"GRANT SELECT ON {_listed(there)} TO {name}",
        f"GRANT INSERT ON {_listed(there - read_only)} TO {name}",
        f"GRANT UPDATE, DELETE ON {_listed(there - read_only - growing)} TO {name}",
        *(
            f"GRANT UPDATE ({', '.join(_erasable(model))}) ON {model._meta.db_table} TO {name}"
            for model in append_only()
            if _erasable(model) and model._meta.db_table in there
        ),
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT {everything} ON TABLES TO {name}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE ON SEQUENCES TO {name}",
    ]


def _policies() -> list[str]:
    """The application sees all merchants: as a constant, so that no statement carries a condition more."""
    role = connection.ops.quote_name(logins.application())
    return [
        f"ALTER POLICY application ON {table} TO {role}"
        if known
        else f"CREATE POLICY application ON {table} TO {role} USING (true)"
        for table, known in _rows(
            "SELECT c.relname, EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'application') "
            "FROM pg_class c WHERE c.relrowsecurity AND c.relnamespace = 'public'::regnamespace "
            "AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1"
        )
    ]


def _listed(tables: Iterable[str]) -> str:
    return ", ".join(connection.ops.quote_name(table) for table in sorted(tables))


def unguarded() -> list[str]:
    """Tables of ours that somebody has taken the triggers from, or silenced them. Whoever owns them could change the past."""
    there = set(_column("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
    guarded, fixed = set(_column(_GUARDED_AGAINST_TRUNCATE)), set(_column(_GUARDED_AGAINST_CHANGE))
    return sorted(there & ((_tables(records()) - guarded) | (_tables(append_only()) - fixed)))


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that an installation works without, and would be safer with."""

    code: str
    what: str


def missing() -> list[Missing]:
    """What is missing here, asked under the application's own login."""
    found = []
    (owns, may_own, above, makes_tables, empties, changes) = _rows(_STANDING, sorted(_tables(append_only())))[0]
    if above:
        found.append(Missing("ordinary_login", "the application's login is a superuser or passes row-level security"))
    if owns:
        found.append(
            Missing(
                "two_logins", "the application's login owns the tables: give migrations another (DATABASE_OWNER_URL)"
            )
        )
    elif may_own:
        found.append(Missing("owner_apart", "the application's login may become the owner of the tables"))
    if makes_tables and not owns:
        found.append(Missing("schema_closed", "the application's login may make tables"))
    if (empties or changes) and not owns:
        found.append(Missing("rights", "the application's login may do more than it has to: run manage.py migrate"))
    if not tenant_wall.is_built():
        found.append(Missing("tenant_wall", "no second wall between merchants: see manage.py raise_tenant_wall"))
    if bare := unguarded():
        found.append(Missing("triggers", f"no trigger keeps the past of {', '.join(bare)}: run manage.py migrate"))
    return found


# Triggers that fire for everybody but a superuser who silences them ('O' and 'A'), by the bits of pg_trigger.tgtype.
_GUARDED_AGAINST_TRUNCATE = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 34 = 34
   AND c.relnamespace = 'public'::regnamespace
"""
_GUARDED_AGAINST_CHANGE = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 26 = 26 AND t.tgqual IS NULL
   AND c.relnamespace = 'public'::regnamespace
"""
_STANDING = """
SELECT bool_or(pg_has_role(c.relowner, 'USAGE')), bool_or(pg_has_role(c.relowner, 'MEMBER')),
       (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user),
       has_schema_privilege('public', 'CREATE'),
       bool_or(has_table_privilege(c.oid, 'TRUNCATE')),
       coalesce(bool_or(has_table_privilege(c.oid, 'UPDATE, DELETE')) FILTER (WHERE c.relname = ANY (%s)), false)
  FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""


def _rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _column(sql: str, *parameters: Any) -> list[Any]:
    return [row[0] for row in _rows(sql, *parameters)]
