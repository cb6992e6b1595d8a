"""``manage.py load_demo``: the sample data of ``make demo``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integrations.stand_ins import StandInUnreachable
from samples.demo.load import load


class Command(BaseCommand):
    help = (
        "Load two sample merchants with ninety days behind them and a day in progress; write demo.json. Safe to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo-json", type=Path, default=Path(settings.VAR_DIR) / "demo.json")
        parser.add_argument("--simulators", type=Path, default=Path(settings.VAR_DIR) / "simulators")

    def handle(self, *_args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            loaded = load(
                demo_json_file=Path(options["demo_json"]), simulators=options["simulators"], now=timezone.now()
            )
        except StandInUnreachable as error:
            raise CommandError(str(error)) from error
        what = (
            f"{loaded.sales} sales, {loaded.requests} refund requests, {loaded.pictures} pictures"
            if loaded.sales
            else "the sample data is there already"
        )
        self.stderr.write(f"{what} ({time.monotonic() - began:.1f} s)")
