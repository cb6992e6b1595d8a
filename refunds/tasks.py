"""What wakes the workers. A task loads nothing, decides nothing: one domain call each, safe to run at any time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from celery import current_app, shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.utils import timezone

from refunds import drain, health, invariants, notices, watch
from refunds.flow import follow_up, notification
from refunds.models import idempotency
from refunds.reconciliation import downloading

logger = logging.getLogger(__name__)


@shared_task(name="refunds.execute")
def execute(**_: object) -> None:
    drain.drain()


@shared_task(name="refunds.apply_notices")
def apply_notices(**_: object) -> None:
    notices.apply_waiting(at=timezone.now())


@shared_task(name="refunds.notify")
def notify(**_: object) -> None:
    notification.work(at=timezone.now())


@shared_task(name="refunds.follow_up")
def follow_up_due(**_: object) -> None:
    follow_up.work(at=timezone.now())


@shared_task(name="refunds.sweep")
def sweep(**_: object) -> None:
    """Whatever a lost bell left lying: everything that is due, of every kind."""
    watch.called()
    take_up_what_is_due()


def take_up_what_is_due() -> None:
    now = timezone.now()
    stages: tuple[Callable[[], object], ...] = (
        health.beat,
        partial(notices.apply_waiting, at=now),
        drain.drain,
        partial(notification.work, at=now),
        partial(follow_up.work, at=now),
    )
    for stage in stages:
        try:
            stage()
        except Exception:  # trouble in one stage must not leave the others' work lying
            logger.exception("the sweep could not finish %s", stage)


@shared_task(name="refunds.check_invariants")
def check_invariants(*, whole: bool = False, **_: object) -> None:
    invariants.run(whole=whole)


@shared_task(name="refunds.forget_answers")
def forget_answers(**_: object) -> None:
    now = timezone.now()
    # Batch by batch, each its own commit, until fewer than a batch were old.
    while idempotency.forget_old(at=now) >= idempotency.AT_ONCE:
        pass


@shared_task(name="refunds.reconcile")
def reconcile(**_: object) -> None:
    downloading.work(at=timezone.now())


@worker_ready.connect
def look_at_once(**_: object) -> None:
    """What fell due while no worker ran is found now, not at beat's next stroke."""
    watch.start(take_up_what_is_due)
    current_app.send_task("refunds.sweep", expires=10)
    current_app.send_task("refunds.reconcile", expires=240)


@worker_shutting_down.connect
def stop_draining(**_: object) -> None:
    """A worker that is asked to end claims nothing more and settles what is in the air."""
    drain.stopping.set()
