"""``manage.py set_credentials``: give a channel account new keys or certificates."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.errors import DomainError
from merchants import principals
from merchants.models import ChannelAccount, Staff
from refunds.payouts import credentials


class Command(BaseCommand):
    help = "Change credentials of a channel account. What is not named stays; null takes one away. Refunds that waited go on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="code of the channel account")
        parser.add_argument("file", type=Path, help="JSON object: name of the credential -> text, or null")
        parser.add_argument("--by", required=True, help="login of the owner or manager who changes them")

    def handle(self, *_args: Any, **options: Any) -> None:
        account = ChannelAccount.objects.filter(code=options["account"]).first()
        staff = Staff.objects.filter(username=options["by"]).first()
        if account is None or staff is None or staff.merchant_id != account.merchant_id:
            raise CommandError("no such channel account, or nobody of its merchant by that login")
        try:
            given = json.loads(options["file"].read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            # Where, not what: the file's own text is secret.
            raise CommandError(f"{options['file']} cannot be read as JSON ({type(error).__name__})") from None
        if not isinstance(given, dict):
            raise CommandError(f"{options['file']} must hold a JSON object")
        try:
            changed = credentials.change(
                account_id=account.pk, given=given, by=principals.of_staff(staff), at=timezone.now()
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"changed: {', '.join(changed)}" if changed else "nothing to change")
