"""The Celery application: doorbells and schedules. The database, not the broker, holds the work."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

from core.database import timeouts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("refunddesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["refunds", "core"])


@worker_init.connect
def limit_statements(**_: Any) -> None:
    """Before the first connection of a worker."""
    timeouts.use("worker")
