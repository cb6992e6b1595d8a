"""Migrating under the owner's login."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.migrations import AddField, AlterField, CreateModel, Migration
from django.db.migrations.state import ProjectState
from pytest_django import Settings

from core.management.commands.migrate import Executor
from tests.owner import as_owner

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]


def test_migrating_under_a_login_that_does_not_own_the_tables_is_refused_in_a_sentence(
    settings: Settings,
) -> None:
    settings.DATABASE_OWNER = None
    with pytest.raises(CommandError, match="belong to refunddesk_owner, and refunddesk migrates"):
        call_command("migrate", verbosity=0)


def test_column_that_points_at_one_which_changes_changes_with_it_though_migrations_before_only_added() -> None:
    """Which columns point at it is known only where every model has been made anew."""

    def migration(name: str, *operations: object) -> Migration:
        made = Migration(name, "probe")
        made.operations = list(operations)  # type: ignore[arg-type]
        return made

    added = migration(
        "0001",
        CreateModel("Parcel", [("id", models.AutoField(primary_key=True))]),
        CreateModel("Slip", [("id", models.AutoField(primary_key=True))]),
        AddField("Slip", "parcel", models.ForeignKey("probe.Parcel", on_delete=models.CASCADE)),
        AddField("Parcel", "weight", models.IntegerField(default=0)),
    )
    changed = migration("0002", AlterField("Parcel", "id", models.BigAutoField(primary_key=True)))
    with as_owner():
        state = Executor(connection).apply_migration(ProjectState(), added)
        assert state.is_delayed
        Executor(connection).apply_migration(state, changed)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = 'probe_slip'::regclass AND attname = 'parcel_id'"
        )
        assert cursor.fetchall() == [("bigint",)]
