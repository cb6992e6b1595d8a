"""What the application's login may do, what nobody may, and what an installation says is missing.

Every other test works under the application's login as well: what it is not allowed to do fails there.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from core import tenant_wall
from core.audit.actors import SYSTEM
from core.audit.models import AuditCheckpoint
from core.audit.record import record
from core.database import logins, rights
from invariants import inspection
from merchants import channel_rules
from merchants.models import Signature
from merchants.policies import drafting, reviewing
from merchants.principals import of_staff
from refunds.models import Agreement, Approval, LedgerEntry, RefundRequest, Shift, ShiftLine
from refunds.telling import own_words
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.owner import as_owner
from tests.refunds.settled import paid

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]


def _execute(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_application_owns_nothing_and_is_nobody_special() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles "
            "WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (logins.application(), False)
        cursor.execute("SELECT relname FROM pg_class WHERE pg_has_role(relowner, 'USAGE')")
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT has_database_privilege(current_database(), 'CREATE'), has_schema_privilege('public', 'CREATE')"
        )
        assert cursor.fetchone() == (False, False)


@pytest.mark.parametrize("model", rights.records(), ids=lambda model: str(model._meta.db_table))
def test_no_table_of_ours_is_emptied_by_the_application_or_by_its_owner(model: type[RefundRequest]) -> None:
    sql = f"TRUNCATE {model._meta.db_table} CASCADE"
    with pytest.raises(DatabaseError, match="permission denied"):
        _execute(sql)
    with pytest.raises(DatabaseError, match=r"is never emptied|is append-only"), as_owner() as cursor:
        cursor.execute(sql)


def test_tables_of_ours_are_all_known() -> None:
    """A table that no model stands for would be left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ %s",
            [f"^({'|'.join(rights.OURS)})_"],
        )
        assert {name for (name,) in cursor.fetchall()} == {model._meta.db_table for model in rights.records()}
    assert {model._meta.app_label for model in apps.get_models()} & set(rights.OURS) == set(rights.OURS)


@pytest.fixture
def past() -> None:
    """A row in every table that only grows."""
    merchant = make_merchant()
    request = paid(make_request(make_sale(merchant, 5_000), 1_000))
    review = make_request(make_sale(merchant, 50_000), 30_000)
    manager = make_staff(merchant, "manager")
    Approval.objects.create(
        request=review, staff=manager, decision="approve", tier="manager", version=9, at=review.created_at
    )
    by, at = of_staff(manager), timezone.now()
    Agreement.objects.create(
        request=review, amount_fen=1, agreed_by="x", means="phone", agreed_at=at, recorded_by="x", recorded_at=at
    )
    till = merchant.stores.get().terminals.get()
    shift = Shift.objects.create(terminal=till, opened_at=at, opened_by="x", float_fen=0)
    ShiftLine.objects.create(shift=shift, sale_id=request.transaction_id, tender="cash", amount_fen=1)
    AuditCheckpoint.objects.create(merchant_id=merchant.pk, seq=0, body="{}", signatures={}, key_id="-", at=at)
    said = {"object_type": "t", "object_id": "1", "statement": "{}", "factor": "session", "digest": bytes(32)}
    Signature.objects.create(merchant_id=merchant.pk, staff=manager, at=at, **said)
    drafting.start(by=by, at=at)
    reviewing.review(by=by, at=at)
    own_words.write(event="refunded", language="en", medium="sms", text="x", after=0, by=by, at=at)
    channel_rules.add(channel="wechat", effective_date=at.date(), text="x", source="y", by=by, at=at)
    assert LedgerEntry.objects.filter(execution__request=request).exists()
    record(merchant_id=merchant.pk, by=SYSTEM, action="a", object_type="t", object_id=1, at=timezone.now())
    with as_owner(silent=True) as cursor:
        cursor.execute(
            "INSERT INTO core_auditlink (event_id, merchant_id, seq, hash) "
            "SELECT id, merchant_id, 1, '\\x00' FROM core_auditevent LIMIT 1"
        )


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize("model", rights.append_only(), ids=lambda model: str(model._meta.db_table))
@pytest.mark.parametrize("verb", ["UPDATE {table} SET {key} = {key}", "DELETE FROM {table}"])
def test_what_only_grows_is_changed_neither_by_application_tenant_nor_owner(
    verb: str, model: type[RefundRequest]
) -> None:
    key = model._meta.pk_fields[0]
    assert model._default_manager.exists()
    sql = verb.format(table=model._meta.db_table, key=key.column)
    with pytest.raises(DatabaseError, match="permission denied"):
        _execute(sql)
    with tenant_wall.within(1), pytest.raises(DatabaseError, match="permission denied"):
        _execute(sql)
    with (
        pytest.raises(DatabaseError, match=r"append-only|immutable|only grows"),
        as_owner() as cursor,
    ):
        cursor.execute(sql)


def test_what_is_said_to_never_change_is_among_them() -> None:
    assert {model._meta.db_table for model in rights.append_only()} == {
        "core_auditcheckpoint",
        "core_auditevent",
        "core_auditlink",
        "merchants_channelrulechange",
        "merchants_channelrulereading",
        "merchants_messagewording",
        "merchants_policyreview",
        "merchants_policyrevision",
        "merchants_policyversion",
        "merchants_signature",
        "refunds_agreement",
        "refunds_approval",
        "refunds_judgement",
        "refunds_ledgerentry",
        "refunds_shiftline",
    }


def test_application_sees_all_merchants_and_the_tenants_role_does_not() -> None:
    ours, _theirs = make_request(make_sale(make_merchant())), make_request(make_sale(make_merchant()))
    assert RefundRequest.objects.count() == 2
    with tenant_wall.within(ours.merchant_id):
        assert RefundRequest.objects.count() == 1


def test_statements_carry_no_condition_more_for_the_application() -> None:
    """The plan is the owner's: an index is used on what is asked for, and nothing is filtered besides."""
    sql = "SELECT * FROM refunds_refundrequest WHERE number = 'R1' AND merchant_id = 7"

    def plan() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (COSTS OFF) {sql}")
            return [row[0] for row in cursor.fetchall()]

    as_application = plan()
    with as_owner():
        assert as_application == plan()
    assert not [line for line in as_application if "app.merchant_id" in line]


def _missing() -> set[str]:
    return {one.code for one in rights.missing()}


_TAKEN: dict[str, tuple[str, Callable[[], str]]] = {
    "a grant too many": ("rights", lambda: f"GRANT UPDATE ON core_auditevent TO {logins.application()}"),
    "a grant to empty": ("rights", lambda: f"GRANT TRUNCATE ON refunds_execution TO {logins.application()}"),
    "an open schema": ("schema_closed", lambda: "GRANT CREATE ON SCHEMA public TO PUBLIC"),
    "a trigger asleep": ("triggers", lambda: "ALTER TABLE refunds_ledgerentry DISABLE TRIGGER USER"),
    "a trigger gone": ("triggers", lambda: "DROP TRIGGER terminals_transaction_no_truncate ON terminals_transaction"),
}


@pytest.mark.parametrize("name", _TAKEN)
def test_what_is_missing_is_said_by_readyz_and_metrics_and_mended_by_migrate(name: str) -> None:
    code, statement = _TAKEN[name]
    assert code not in _missing()
    with as_owner() as cursor:
        cursor.execute(statement())
    assert code in _missing()
    answer = Client().get("/readyz").json()
    assert code in {one["code"] for one in answer["missing"]}
    assert f'refunddesk_missing{{code="{code}"}} 1.0' in Client().get("/metrics").content.decode()
    if code == "triggers":
        assert any(breach.code == "I9" for breach in inspection.breaches())
    if "DISABLE" in statement():
        # Somebody's own doing; they have to say ENABLE themselves.
        return
    with as_owner():
        rights.apply()
    assert code not in _missing()


def test_server_with_one_login_works_and_says_so() -> None:
    with as_owner():
        assert "two_logins" in _missing()
        # Everything that is not about logins stands all the same.
        assert _missing() == {"two_logins"}
        make_request(make_sale(make_merchant()))
