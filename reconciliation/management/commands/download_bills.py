"""``manage.py download_bills``: fetch statements now, all that are due or those of one account and day."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.errors import DomainError
from merchants import principals
from merchants.models import ChannelAccount
from reconciliation import downloading


class Command(BaseCommand):
    help = "Download channel statements: all that are due, or with --account and --date one of them, due or not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", help="code of the channel account")
        parser.add_argument("--date", type=date.fromisoformat, help="bill day, yyyy-mm-dd")

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        if (options["account"] is None) != (options["date"] is None):
            raise CommandError("give both --account and --date, or neither")
        if options["account"] is None:
            self.stdout.write(f"{downloading.work(at=now)} statements taken in")
            return
        account = ChannelAccount.objects.filter(code=options["account"]).first()
        if account is None:
            raise CommandError(f"no channel account {options['account']}")
        try:
            imported = downloading.fetch_now(account=account, day=options["date"], by=principals.SYSTEM, at=now)
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        what = "taken in" if imported.is_new else "known already"
        self.stdout.write(f"{imported.bill.refunds} refunds over {imported.bill.refunds_fen} fen, {what}")
