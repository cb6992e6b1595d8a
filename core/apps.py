from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.models.signals import pre_migrate


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        pre_migrate.connect(_without_limits, sender=self)


def _without_limits(using: str, **_: Any) -> None:
    """A migration may take as long as it takes: one that was cancelled half-way through an index helps nobody."""
    statement_ms, lock_ms = settings.DB_TIMEOUTS_MS["migrations"]
    with connections[using].cursor() as cursor:
        cursor.execute(f"SET statement_timeout = {int(statement_ms)}; SET lock_timeout = {int(lock_ms)}")
