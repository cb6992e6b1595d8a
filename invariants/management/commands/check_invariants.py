"""``manage.py check_invariants``: says what is broken, and fails if anything is."""

import logging
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.database import timeouts
from invariants import inspection, leaks
from invariants.breach import Breach
from invariants.catalogue import INVARIANTS
from invariants.inspection import AlreadyRunning

logger = logging.getLogger(__name__)

_GIVES_WAY = 10
#: How many phones and accounts are looked for: each table is read once for all of them.
_LOOKED_FOR = 10


class Command(BaseCommand):
    help = "Check every invariant of refunds, sales, payouts and the audit trail."

    def add_arguments(self, parser: CommandParser) -> None:
        extent = parser.add_mutually_exclusive_group()
        extent.add_argument("--whole", action="store_true", help="every event of the audit trail (the default)")
        extent.add_argument("--recent", action="store_true", help="those since the last check that found nothing")
        extent.add_argument(
            "--leaks",
            action="store_true",
            help="instead: whether phones and accounts that customers gave last lie in the clear, in tables, broker or logs",
        )
        parser.add_argument("--logs", type=Path, help="with --leaks: a folder of log files (*.log)")
        parser.add_argument(
            "--background", action="store_true", help="as the worker runs it: gives way to others, logs what it finds"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["leaks"]:
            self._look_for_leaks(options["logs"])
            return
        in_background = options["background"]
        if in_background:
            timeouts.use("invariants")
            os.nice(_GIVES_WAY)
        try:
            found = inspection.check(whole=not options["recent"], remember=True, gives_way=in_background)
        except AlreadyRunning as error:
            if in_background:
                # The nightly run has not come to its end, or somebody looks by hand: the next hour is another.
                logger.warning("%s; this run is left out", error.message)
                return
            raise CommandError(error.message) from error
        if in_background:
            inspection.report(found)
        self._fail_for(found)
        # The audit trail and the kept judgements are no queries.
        checked = len(INVARIANTS) + 2
        self.stdout.write(f"all {checked} invariants hold")

    def _look_for_leaks(self, logs: Path | None) -> None:
        os.nice(_GIVES_WAY)
        with timeouts.within("invariants"):
            planted = leaks.given_last(_LOOKED_FOR)
            found = [*leaks.in_database(planted), *leaks.in_broker(planted)]
        if logs is not None:
            found += leaks.in_files(planted, folder=logs)
        self._fail_for(found)
        self.stdout.write(f"none of {len(planted)} numbers lies in the clear")

    def _fail_for(self, found: list[Breach]) -> None:
        for breach in found:
            self.stderr.write(f"{breach.code}: {breach.what}")
        if found:
            raise CommandError(f"{len(found)} breaches")
