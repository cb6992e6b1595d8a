"""``manage.py load_retail FILE``: a real shop's invoice lines as sales of the retail chain."""

from __future__ import annotations

import time
from argparse import BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.errors import NotFound
from merchants.models import Merchant
from samples.retail.lines import FormatError, Kind
from samples.retail.loader import SOURCE, Outcome, load

_MEANING = {
    Kind.SALE: "sales lines",
    Kind.CREDIT_NOTE: "credit note lines (for replay_returns)",
    Kind.NO_GOODS: "codes that are no goods",
    Kind.ZERO_PRICE: "zero prices",
    Kind.STOCK_ADJUSTMENT: "stock adjustments",
    Kind.DUPLICATE: "exact repeats within an invoice",
    Kind.BAD: "bad lines",
}


class Command(BaseCommand):
    help = "Turn invoice lines (.csv or .csv.gz, see data/README.md) into sales. Safe to repeat: known sales stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--merchant", default="M002", help="the merchant's code (M002)")
        parser.add_argument(
            "--shift-to-recent",
            action=BooleanOptionalAction,
            default=True,
            help="move all dates by the same number of days, so that the last invoice is yesterday's",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        began = time.monotonic()
        merchant = Merchant.objects.filter(code=options["merchant"]).first()
        if merchant is None:
            raise CommandError(f"there is no merchant {options['merchant']}: run load_demo first, or name another one")
        try:
            outcome = load(
                file=options["file"],
                merchant=merchant,
                now=timezone.now(),
                shift_to_recent=options["shift_to_recent"],
            )
        except (FormatError, NotFound, OSError) as error:
            raise CommandError(f"{options['file']}: {error}. Nothing was stored.") from error
        self._tell(outcome, time.monotonic() - began)

    def _tell(self, outcome: Outcome, seconds: float) -> None:
        tally = outcome.tally
        for kind, meaning in _MEANING.items():
            self.stdout.write(f"{tally.kinds[kind]:>10,}  {meaning}")
        for why, count in tally.reasons.most_common():
            self.stdout.write(f"{count:>14,}  {why}")
        for line in tally.first_bad:
            self.stdout.write(f"                line {line.number}, invoice {line.invoice or '?'}: {line.why}")
        self.stdout.write(f"{tally.lines:>10,}  lines in all")
        self.stdout.write(
            f"{outcome.stored:,} sales of {outcome.stored_lines:,} lines stored, {outcome.known:,} were known; "
            f"dates moved by {outcome.shift.days} days; source {SOURCE}, channel, till, cashier and phone synthetic; "
            f"{seconds:.1f} s"
        )
