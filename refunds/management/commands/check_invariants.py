"""``manage.py check_invariants``: says what is broken, and fails if anything is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from refunds import invariants


class Command(BaseCommand):
    help = "Check every invariant of refunds, sales, payouts and the audit trail."

    def add_arguments(self, parser: CommandParser) -> None:
        extent = parser.add_mutually_exclusive_group()
        extent.add_argument("--whole", action="store_true", help="every event of the audit trail (the default)")
        extent.add_argument("--recent", action="store_true", help="those since the last check that found nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        found = invariants.check(whole=not options["recent"], remember=True)
        for breach in found:
            self.stderr.write(f"{breach.code}: {breach.what}")
        if found:
            raise CommandError(f"{len(found)} breaches")
        checked = len(invariants.INVARIANTS) + 1
        self.stdout.write(f"all {checked} invariants hold")
