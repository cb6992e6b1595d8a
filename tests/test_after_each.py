"""The quick look after every test is not blinder than the thorough one; more is planted in tests/invariants."""

from __future__ import annotations

from unittest import mock

import pytest
from django.db import connection, transaction

from core.audit.models import AuditEvent
from core.database import logins
from tests import after_each
from tests.factories import make_merchant, make_request, make_sale
from tests.owner import as_owner, empty_tables

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]


def found() -> set[str]:
    return {breach.code for breach in after_each.breaches()}


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE core_auditevent DISABLE TRIGGER USER",
        "DROP TRIGGER core_auditevent_append_only ON core_auditevent",
        "DROP TRIGGER core_auditevent_no_truncate ON core_auditevent",
    ],
)
def test_quick_look_when_a_guard_was_taken_away_finds_it_and_nothing_once_it_is_back(statement: str) -> None:
    assert not found()

    with transaction.atomic():
        with as_owner() as cursor:
            cursor.execute(statement)
        assert found() == {"I9"}
        transaction.set_rollback(True)

    assert not found()


def test_quick_look_when_the_application_may_do_more_looks_thoroughly(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not found()
    thorough = mock.Mock(return_value=[])
    monkeypatch.setattr("invariants.inspection.check", thorough)

    assert not found()
    thorough.assert_not_called()
    with transaction.atomic():
        with as_owner() as cursor:
            cursor.execute(
                f"GRANT UPDATE, DELETE ON core_auditevent TO {connection.ops.quote_name(logins.application())}"
            )
        after_each.breaches()
        transaction.set_rollback(True)

    thorough.assert_called_once_with()


@pytest.mark.parametrize("change", ["data = '{}'", "merchant_id = merchant_id + 1"])
def test_quick_look_when_an_event_that_is_not_sealed_was_changed_finds_it(change: str) -> None:
    make_request(make_sale(make_merchant(), 50_000), 1_000)
    assert AuditEvent.objects.exists()
    assert not found()

    with as_owner(silent=True) as cursor:
        cursor.execute(f"UPDATE core_auditevent SET {change} WHERE id = (SELECT max(id) FROM core_auditevent)")

    assert found() == {"I9"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("large_bytes", [0, 1024**3], ids=["by new files", "row by row"])
def test_database_when_tables_were_emptied_has_no_row_but_what_migrating_left(
    large_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.owner._LARGE_BYTES", large_bytes)
    make_request(make_sale(make_merchant(), 50_000), 1_000)

    empty_tables()

    with connection.cursor() as cursor:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        left = set()
        for table in tables:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {connection.ops.quote_name(table)})")
            if cursor.fetchone() == (True,):
                left.add(table)
    assert left == {"django_content_type", "auth_permission"}
