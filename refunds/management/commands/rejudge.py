"""``manage.py rejudge``: judge once more what was judged, and fail where a verdict is another one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date

from core.calendar import midnight
from refunds.facts import judgements

#: So many that differ are named.
_NAMED = 20


class Command(BaseCommand):
    help = "Judge every stored request once more, from its kept facts and under its own version of the policy."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--merchant", default="", help="code; left out: all merchants")
        parser.add_argument("--since", default="", help="requests of this day and later, as 2026-11-27")

    def handle(self, *_args: Any, **options: Any) -> None:
        since = None
        if options["since"]:
            day = parse_date(options["since"])
            if day is None:
                raise CommandError(f"{options['since']} is no day")
            since = midnight(day)
        same = other_schema = 0
        differing = []
        for found in judgements.rejudged(judgements.kept(merchant=options["merchant"], since=since)):
            if found is None:
                other_schema += 1
            elif found:
                differing.append(found)
            else:
                same += 1
        without = judgements.without_facts(merchant=options["merchant"], since=since)
        self.stdout.write(
            f"{same} judgements are the same, {len(differing)} differ, {other_schema} were kept in another form; "
            f"{without} requests have no facts"
        )
        for found in differing[:_NAMED]:
            self.stderr.write(found)
        if differing:
            raise CommandError(f"{len(differing)} verdicts differ")
