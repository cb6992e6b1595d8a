"""``manage.py verify_audit``: verifies the chains that somebody asked for, as the worker does in a process of its own."""

import os
from typing import Any

from django.core.management.base import BaseCommand

from core.audit import verifying

_GIVES_WAY = 10


class Command(BaseCommand):
    help = "Verify the chains of the audit trail that wait for it."

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(_GIVES_WAY)
        self.stdout.write(f"{verifying.work()} chains verified")
