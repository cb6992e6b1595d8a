"""``manage.py predict_policy FILE``: a draft tried on months of a real shop's returns, held against the months after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from merchants.policies.rules import read_rules
from samples.demo import rules
from samples.retail import predicting
from samples.retail.lines import FormatError

#: A prediction is good within so many points.
_POINTS = 5.0


class Command(BaseCommand):
    help = (
        "Try a draft of the sample retail policy, with another limit, on 2010-12 to 2011-05 of a file (as load_retail takes it), "
        "and print its shares of each decision beside those of 2011-06 to 2011-08."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--limit-fen", type=int, default=15_000, help="approved without a person up to (15000)")

    def handle(self, *_args: Any, **options: Any) -> None:
        limit = options["limit_fen"]
        changed = ("auto_approve_limit_fen", "auto_order_limit_fen", "auto_customer_day_limit_fen")
        draft = {**rules.RETAIL, **dict.fromkeys(changed, limit)}
        try:
            found, tried, applied = predicting.predict(
                file=options["file"], current=read_rules(rules.RETAIL), draft=read_rules(draft)
            )
        except (FormatError, OSError) as error:
            raise CommandError(f"{error}") from error
        self.stdout.write(f"{'decision':<10}{'predicted':>10}{'came':>10}{'points':>8}")
        for one in found:
            self.stdout.write(f"{one.decision:<10}{one.tried:>9.1f}%{one.applied:>9.1f}%{one.points:>+8.1f}")
        self.stdout.write(f"tried on {tried:,} requests, held against {applied:,}")
        if any(abs(one.points) > _POINTS for one in found):
            raise CommandError(f"more than {_POINTS:.0f} points beside the prediction")
