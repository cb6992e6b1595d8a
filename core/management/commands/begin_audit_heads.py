"""``manage.py begin_audit_heads``: after a restore, or once a finding has been looked into, a new set of heads is written."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.audit import chain


class Command(BaseCommand):
    help = "Put the files of heads aside, write all heads again, and an event into each chain that says why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--why", required=True, help="kept in the audit trail: restored to 12:30, incident 7, ...")

    def handle(self, *_args: Any, **options: Any) -> None:
        before = chain.begin_heads(why=options["why"])
        self.stdout.write(f"heads begin again at line 1; those up to line {before} are kept beside them as *.closed")
