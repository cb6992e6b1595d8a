"""``manage.py import_bill``: take in a statement from a file, as somebody of finance would in the browser."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.errors import DomainError
from merchants import principals
from merchants.models import ChannelAccount, Staff
from reconciliation import importing


class Command(BaseCommand):
    help = "Import a channel's statement from a file. The same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="code of the channel account")
        parser.add_argument("date", type=date.fromisoformat, help="bill day, yyyy-mm-dd")
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", required=True, help="login of whoever imports it: finance, manager or owner")

    def handle(self, *_args: Any, **options: Any) -> None:
        account = ChannelAccount.objects.filter(code=options["account"]).first()
        staff = Staff.objects.filter(username=options["by"]).first()
        if account is None or staff is None or staff.merchant_id != account.merchant_id:
            raise CommandError("no such channel account, or nobody of its merchant by that login")
        try:
            with options["file"].open("rb") as file:
                imported = importing.upload(
                    account=account, day=options["date"], file=file, by=principals.of_staff(staff), at=timezone.now()
                )
        except (DomainError, OSError) as error:
            raise CommandError(str(error)) from error
        what = "taken in" if imported.is_new else "known already"
        self.stdout.write(f"{imported.bill.refunds} refunds over {imported.bill.refunds_fen} fen, {what}")
