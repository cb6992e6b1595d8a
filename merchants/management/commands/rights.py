"""``manage.py rights``: writes docs/rights.md from the table of rights; ``--check`` fails when the page is not up to date."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from merchants.rights import rights_page

_PAGE = Path(settings.BASE_DIR) / "docs" / "rights.md"


class Command(BaseCommand):
    help = "Write docs/rights.md from merchants/rights.py."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare")

    def handle(self, *args: Any, **options: Any) -> None:
        page = rights_page()
        if options["check"]:
            if not _PAGE.exists() or _PAGE.read_text(encoding="utf-8") != page:
                raise CommandError("docs/rights.md is not up to date: run `make rights`")
            return
        _PAGE.write_text(page, encoding="utf-8")
