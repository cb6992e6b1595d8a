"""``manage.py check_invariants``: says what is broken, and fails if anything is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from refunds import invariants


class Command(BaseCommand):
    help = "Check every invariant of refunds, sales, payouts and the audit trail."

    def handle(self, *args: Any, **options: Any) -> None:
        found = invariants.check()
        for breach in found:
            self.stderr.write(f"{breach.code}: {breach.what}")
        if found:
            raise CommandError(f"{len(found)} breaches")
        checked = len(invariants.INVARIANTS) + 1
        self.stdout.write(f"all {checked} invariants hold")
