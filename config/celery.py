"""The Celery application: doorbells and schedules. The database, not the broker, holds the work."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init
from kombu.transport import redis

from core.audit import keys
from core.database import timeouts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("refunddesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["core", "refunds", "reconciliation", "analytics", "invariants", "integrations", "desk"])

#: A wake-up message that no thread has begun when the broker goes is not put back: kombu would try, and leave a file in /tmp
#: when it fails.
redis.Channel.do_restore = False


@worker_init.connect
def limit_statements(**_: object) -> None:
    """Before the first connection of a worker."""
    timeouts.use("worker")


@worker_init.connect
@beat_init.connect
def refuse_another_key(**_: object) -> None:
    """Nothing is written under a key that this database's audit trail does not know."""
    keys.refuse_another_key()
