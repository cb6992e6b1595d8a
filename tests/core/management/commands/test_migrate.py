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


def test_migration_that_does_more_than_add_finds_every_model_as_it_is_by_then() -> None:
    """Those before it made anew only what they changed; what pointed at that pointed at what it had been."""

    def migration(name: str, *operations: object) -> Migration:
        made = Migration(name, "probe")
        made.operations = list(operations)  # type: ignore[arg-type, misc]
        return made

    def points_at_what_is_there(state: ProjectState) -> bool:
        parcel, slip = (state.apps.get_model("probe", name) for name in ("Parcel", "Slip"))
        return slip._meta.get_field("parcel").remote_field.model is parcel

    added = migration(
        "0001",
        CreateModel("Parcel", [("id", models.AutoField(primary_key=True))]),
        CreateModel("Slip", [("id", models.AutoField(primary_key=True))]),
        CreateModel("Note", [("id", models.AutoField(primary_key=True)), ("text", models.CharField(max_length=9))]),
        AddField("Slip", "parcel", models.ForeignKey("probe.Parcel", on_delete=models.CASCADE)),
        AddField("Parcel", "weight", models.IntegerField(default=0)),
    )
    another = migration("0002", AlterField("Note", "text", models.CharField(max_length=99)))
    changed = migration("0003", AlterField("Parcel", "id", models.BigAutoField(primary_key=True)))
    with as_owner():
        state = Executor(connection).apply_migration(ProjectState(), added)
        assert not points_at_what_is_there(state)
        state = Executor(connection).apply_migration(state, another)
        assert points_at_what_is_there(state)
        Executor(connection).apply_migration(state, changed)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = 'probe_slip'::regclass AND attname = 'parcel_id'"
        )
        assert cursor.fetchall() == [("bigint",)]
