"""``manage.py load_scale --requests 1000000 --sales 3000000``: a merchant with a long history, for measuring."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.errors import Conflict
from samples.demo import scale

_MOST = 20_000_000


class Command(BaseCommand):
    help = "Load a merchant with a year of sales and refunds, in SQL, onto a demo's or a throwaway database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--requests", type=int, default=100_000)
        parser.add_argument("--sales", type=int, default=300_000)
        parser.add_argument("--days", type=int, default=365, help="over how many days up to now they are spread")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--yes", action="store_true", help="also onto a database that holds other merchants")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sales"] > _MOST:
            raise CommandError(f"at most {_MOST:,} sales")
        try:
            size = scale.Size(requests=options["requests"], sales=options["sales"], days=options["days"])
            if not options["yes"]:
                scale.check_throwaway()
            key = scale.load(size=size, seed=options["seed"], now=timezone.now(), say=self.stdout.write)
        except ValueError as error:
            raise CommandError(str(error)) from error
        except scale.NotThrowaway as error:
            raise CommandError(f"{error.message}; --yes loads all the same") from error
        except Conflict as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"merchant {scale.CODE}; people {', '.join(scale.PEOPLE.values())} without passwords; key {key}"
        )
