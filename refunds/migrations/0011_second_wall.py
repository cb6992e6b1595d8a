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
            for statement in _up():
                cursor.execute(statement)
    return ""


def lower_wall(connection):
    """Take it down again; the role stays, other databases of the server may use it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_policies WHERE policyname = 'one_merchant'")
        if cursor.fetchone()[0]:
            for statement in _down():
                cursor.execute(statement)


def _forwards(_apps, schema_editor):
    missing = raise_wall(schema_editor.connection)
    if missing:
        logging.getLogger(__name__).warning("No second wall between merchants yet. %s", missing)


def _backwards(_apps, schema_editor):
    lower_wall(schema_editor.connection)


def _up() -> list[str]:
    may = "SELECT, INSERT, UPDATE, DELETE ON"
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {ROLE}",
        f"GRANT {may} ALL TABLES IN SCHEMA public TO {ROLE}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}",
        # What later migrations make.
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {may} TABLES TO {ROLE}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {ROLE}",
        *(f"REVOKE UPDATE, DELETE ON {table} FROM {ROLE}" for table in APPEND_ONLY),
        *(f"CREATE POLICY one_merchant ON {table} TO {ROLE} USING (merchant_id = {_MINE})" for table in OWN),
        f"CREATE POLICY one_merchant ON merchants_merchant TO {ROLE} USING (id = {_MINE})",
    ]
    for table, (column, parent) in CHILDREN.items():
        # Checked when read only: a row that is stored in one statement with its parent cannot see it yet.
        statements.append(
            f"CREATE POLICY one_merchant ON {table} TO {ROLE} "
            f"USING (EXISTS (SELECT FROM {parent} parent WHERE parent.id = {table}.{column})) WITH CHECK (true)"
        )
    return statements + [f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY" for table in _walled()]


def _down() -> list[str]:
    return [
        statement
        for table in _walled()
        for statement in (
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"DROP POLICY one_merchant ON {table}",
        )
    ]


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
