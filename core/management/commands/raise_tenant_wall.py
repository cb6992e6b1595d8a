"""``manage.py raise_tenant_wall``: the second wall between merchants, where migrating could not build it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from core import tenant_wall
from core.database import logins, rights


class Command(BaseCommand):
    help = "Build the wall of row-level security (ADR 0023), or say what a superuser has to do first."

    def handle(self, *_args: Any, **_options: Any) -> None:
        with logins.as_owner(), transaction.atomic():
            missing = tenant_wall.build()
            if not missing:
                rights.apply()
        if missing:
            raise CommandError(missing)
        self.stdout.write("the second wall between merchants stands")
