"""What stops a migration before it begins."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.owner import as_owner

pytestmark = pytest.mark.django_db


def _schema() -> set[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples::text, pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        return set(cursor.fetchall())


def test_migrate_when_database_records_unknown_migrations_stops_and_changes_nothing() -> None:
    with as_owner() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('refunds', '0013_sums_index', now())"
        )
    before = _schema()
    for options in ([], ["--plan"], ["refunds", "zero"]):
        with pytest.raises(CommandError, match="make reset-demo") as refused:
            call_command("migrate", *options, verbosity=0)
        assert "refunds.0013_sums_index" in str(refused.value)
        assert "\n" not in str(refused.value)
    assert _schema() == before


def test_migrate_when_a_library_has_left_its_migrations_goes_on() -> None:
    with as_owner() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('axes', '0001_initial', now())")
        call_command("migrate", "--plan", verbosity=0)
