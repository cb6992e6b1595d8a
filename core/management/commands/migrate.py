"""``manage.py migrate``: Django's own, under the owner's login; then the rights of the application's login are set again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connection, transaction
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, RemoveConstraint, RemoveIndex, RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from core.database import logins, rights, timeouts

logger = logging.getLogger(__name__)

#: Each needs no other model than its own, and the tables that one points at.
_ADDING = (AddConstraint, AddField, AddIndex, CreateModel, RemoveConstraint, RemoveIndex, RunSQL)


class Executor(MigrationExecutor):
    """Django's, without what it does over and over: with every model that changes it makes all that are related to it anew, so
    that relations can be followed both ways. Ours are nearly all related, and that was nine tenths of migrating. Where a
    migration only adds, the model that changes is enough; before any other migration all are made anew, once.
    """

    def apply_migration(self, state: ProjectState, migration: Migration, *args: Any, **options: Any) -> ProjectState:
        if all(isinstance(operation, _ADDING) for operation in migration.operations):
            with _models_change_alone():
                return super().apply_migration(state, migration, *args, **options)
        state.clear_delayed_apps_cache()
        return super().apply_migration(state, migration, *args, **options)


@contextmanager
def _models_change_alone() -> Iterator[None]:
    usual = ProjectState._find_reload_model  # type: ignore[attr-defined]  # private: ADR 0068

    def only_itself(self: ProjectState, app_label: str, model_name: str, *_delay: bool) -> set[tuple[str, str]]:
        self.is_delayed = True
        return {(app_label, model_name)}

    setattr(ProjectState, "_find_reload_model", only_itself)  # noqa: B010 -- to mypy a method is for ever
    try:
        yield
    finally:
        setattr(ProjectState, "_find_reload_model", usual)  # noqa: B010 -- as above


class AnotherVersionsDatabase(CommandError):
    """The database records migrations that this version does not have."""

    def __init__(self, unknown: list[str]) -> None:
        super().__init__(
            f"This database was made by another version of RefundDesk (it has had {unknown[0]}, which is not here) and has "
            "been left as it is: `make reset-demo` puts a demo's data aside, so that the next start makes its own, and "
            "DATABASE_URL has to name an empty database."
        )


class Command(migrate.Command):
    """Also called where a database for tests is made."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        setattr(migrate, "MigrationExecutor", Executor)  # noqa: B010 -- as above

    def handle(self, *args: Any, **options: Any) -> None:
        # Under the application's login first: once it owned the tables, and nobody else could read them.
        self._refuse_database_of_another_version()
        # A migration may take as long as it takes: one that was cancelled half-way through an index helps nobody.
        with logins.as_owner(), timeouts.within("migrations"):
            self._refuse_tables_of_others()
            self._refuse_database_of_another_version()
            super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"]):
                with transaction.atomic():
                    if to_do := rights.apply():
                        logger.warning("No second wall between merchants yet. %s", to_do)

    def _refuse_tables_of_others(self) -> None:
        if others := rights.foreign_tables():
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_user")
                (me,) = cursor.fetchone()
            raise CommandError(
                f"The tables of this database belong to {', '.join(others)}, and {me} migrates. Either set "
                f"DATABASE_OWNER_URL to that login, or hand the tables over as a superuser: "
                f"REASSIGN OWNED BY {others[0]} TO {me}; (docs/operations.md, Two logins)"
            )

    def _refuse_database_of_another_version(self) -> None:
        """Before the first statement: on the tables that its migrations made, ours would fail half-way or fit by chance."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT has_table_privilege(to_regclass('public.django_migrations'), 'SELECT')")
            if not cursor.fetchone()[0]:
                return
        ours = MigrationLoader(None).disk_migrations
        recorded = MigrationRecorder(connection).applied_migrations()
        if unknown := sorted(
            f"{app}.{name}" for app, name in recorded if app in rights.OURS and (app, name) not in ours
        ):
            raise AnotherVersionsDatabase(unknown)
