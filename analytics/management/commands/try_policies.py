"""``manage.py try_policies``: works off the trials that wait, as the worker does in a process of its own."""

import os
from typing import Any

from django.core.management.base import BaseCommand

from analytics.trials import running

_GIVES_WAY = 10


class Command(BaseCommand):
    help = "Work off the trials of policies that wait."

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(_GIVES_WAY)
        self.stdout.write(f"{running.work()} trials ended")
