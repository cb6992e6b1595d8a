"""``manage.py raise_tenant_wall``: the second wall between merchants, where the migration could not build it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from core.database import logins, rights


class Command(BaseCommand):
    help = "Build the wall of row-level security (ADR 0023), or say what a superuser has to do first."

    def handle(self, *_args: Any, **_options: Any) -> None:
        with logins.as_owner(), transaction.atomic():
            missing = import_module("refunds.migrations.0011_second_wall").raise_wall(connection)
            if not missing:
                rights.apply()
        if missing:
            raise CommandError(missing)
        self.stdout.write("the second wall between merchants stands")
