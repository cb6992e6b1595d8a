"""Row-level security for the role ``refunddesk_tenant`` (core/tenant_wall.py, docs/adr/0023).

The application's own role owns the tables, so that the policies do not bind it: the hot path, workers and reports over all
merchants are as they were.
"""

import logging

from django.conf import settings
from django.db import migrations

ROLE = "refunddesk_tenant"

#: Tables whose rows name their merchant.
OWN = (
    "core_auditevent",
    "core_auditlink",
    "merchants_apikey",
    "merchants_channelaccount",
    "merchants_policyversion",
    "merchants_staff",
    "merchants_store",
    "refunds_difference",
    "refunds_execution",
    "refunds_ledgerentry",
    "refunds_notification",
    "refunds_outboxmessage",
    "refunds_payee",
    "refunds_reconciliationday",
    "refunds_refundrequest",
    "refunds_runningsum",
    "terminals_transaction",
)
#: Tables whose rows belong to the merchant of their parent: (column, parent). The parent's own policy decides.
CHILDREN = {
    "merchants_staff_stores": ("staff_id", "merchants_staff"),
    "refunds_approval": ("request_id", "refunds_refundrequest"),
    "refunds_bill": ("day_id", "refunds_reconciliationday"),
    "refunds_billline": ("bill_id", "refunds_bill"),
    "refunds_channelnotice": ("channel_account_id", "merchants_channelaccount"),
    "refunds_evidence": ("request_id", "refunds_refundrequest"),
    "refunds_fundstatement": ("day_id", "refunds_reconciliationday"),
    "refunds_fundline": ("statement_id", "refunds_fundstatement"),
    "refunds_refundline": ("request_id", "refunds_refundrequest"),
    "refunds_survey": ("request_id", "refunds_refundrequest"),
    "terminals_terminal": ("store_id", "merchants_store"),
    "terminals_transactionline": ("transaction_id", "terminals_transaction"),
}
#: What only grows: read and added to behind the wall, never changed.
APPEND_ONLY = ("core_auditevent", "core_auditlink", "refunds_ledgerentry")

# A subquery: worked out once a statement instead of once a row.
_MINE = "(SELECT current_setting('app.merchant_id')::bigint)"

MISSING = f"""The role {ROLE} is missing and this login may not make it. As a superuser:
    CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO %s;
Then: manage.py raise_tenant_wall"""


def raise_wall(connection):
    """Build the wall. Returns what a superuser has to do first; "" when it stands.

    A login that may not make roles is no reason to do without the product: it works behind its first wall until somebody
    has made the role.
    """
    # Whoever works behind the wall, which is not always who migrates (docs/adr/0029).
    application = settings.DATABASES["default"]["USER"]
    with connection.cursor() as cursor:
        # The privilege to become a role has a name of its own since PostgreSQL 16.
        privilege = "SET" if connection.pg_version >= 160000 else "MEMBER"
        cursor.execute("SELECT current_user, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        me, may_make_roles = cursor.fetchone()
        cursor.execute("SELECT pg_has_role(%s, oid, %s) FROM pg_roles WHERE rolname = %s", [application, privilege, ROLE])
        found = cursor.fetchone()
        if found is None and may_make_roles:
            cursor.execute(f"CREATE ROLE {ROLE} NOLOGIN")
            # Not by itself, only for a page: the role's policies are not to be the application's.
            apart = " WITH INHERIT FALSE" if privilege == "SET" and me != application else ""
            cursor.execute(f'GRANT {ROLE} TO "{application}"{apart}')
        elif found is None or not found[0]:
            return MISSING % application
        cursor.execute("SELECT count(*) FROM pg_policies WHERE policyname = 'one_merchant'")
        if not cursor.fetchone()[0]:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            # Tables of later migrations are named above for a wall that is raised afterwards; theirs put them behind one that stands.
            existing = {name for (name,) in cursor.fetchall()}
            for table, statement in _up():
                if table is None or table in existing:
                    cursor.execute(statement)
    return ""


def lower_wall(connection):
    """Take it down again; the role stays, other databases of the server may use it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_policies WHERE policyname = 'one_merchant'")
        if cursor.fetchone()[0]:
            cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = 'one_merchant'")
            walled = {name for (name,) in cursor.fetchall()}
            for table, statement in _down():
                if table in walled:
                    cursor.execute(statement)


def _forwards(_apps, schema_editor):
    missing = raise_wall(schema_editor.connection)
    if missing:
        logging.getLogger(__name__).warning("No second wall between merchants yet. %s", missing)


def _backwards(_apps, schema_editor):
    lower_wall(schema_editor.connection)


def _up():
    """(table, statement); None: for all of them."""
    may = "SELECT, INSERT, UPDATE, DELETE ON"
    yield None, f"GRANT USAGE ON SCHEMA public TO {ROLE}"
    yield None, f"GRANT {may} ALL TABLES IN SCHEMA public TO {ROLE}"
    yield None, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}"
    # What later migrations make.
    yield None, f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {may} TABLES TO {ROLE}"
    yield None, f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {ROLE}"
    for table in APPEND_ONLY:
        yield table, f"REVOKE UPDATE, DELETE ON {table} FROM {ROLE}"
    for table in OWN:
        yield table, f"CREATE POLICY one_merchant ON {table} TO {ROLE} USING (merchant_id = {_MINE})"
    yield "merchants_merchant", f"CREATE POLICY one_merchant ON merchants_merchant TO {ROLE} USING (id = {_MINE})"
    for table, (column, parent) in CHILDREN.items():
        # Checked when read only: a row that is stored in one statement with its parent cannot see it yet.
        yield (
            table,
            f"CREATE POLICY one_merchant ON {table} TO {ROLE} "
            f"USING (EXISTS (SELECT FROM {parent} parent WHERE parent.id = {table}.{column})) WITH CHECK (true)",
        )
    for table in _walled():
        yield table, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"


def extend_wall(connection, table):
    """Put a table of a later migration, whose rows name their merchant, behind a wall that stands already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = 'one_merchant'")
        walled = {name for (name,) in cursor.fetchall()}
        if walled and table not in walled:
            for name, statement in _up():
                if name == table:
                    cursor.execute(statement)


def _down():
    for table in _walled():
        yield table, f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
        yield table, f"DROP POLICY one_merchant ON {table}"


def _walled() -> list[str]:
    return [*OWN, "merchants_merchant", *CHILDREN]


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_append_only"),
        ("merchants", "0004_payouts_scope"),
        ("refunds", "0010_fund_flow"),
        ("terminals", "0002_tills_stay"),
    ]

    operations = [migrations.RunPython(_forwards, _backwards)]
