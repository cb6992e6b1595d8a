"""``manage.py migrate``: Django's own, under the owner's login; then what the application's login may do is set anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connection, transaction

from core.database import logins, rights, timeouts


class Command(migrate.Command):
    """Also called by whoever makes a database for tests."""

    def handle(self, *args: Any, **options: Any) -> None:
        # A migration may take as long as it takes: one that was cancelled half-way through an index helps nobody.
        with logins.as_owner(), timeouts.within("migrations"):
            self._refuse_tables_of_others()
            super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"]):
                with transaction.atomic():
                    rights.apply()

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
