"""What wakes the workers. A task loads nothing, decides nothing: one domain call each, safe to run at any time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import shared_task
from celery.signals import (
    celeryd_after_setup,
    task_postrun,
    task_prerun,
    task_received,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings
from django.utils import timezone

from core.audit.models import AuditVerification
from core.periodic import periodic
from merchants import audit_trail
from refunds.evidence import files
from refunds.follow_up import erasing, survey
from refunds.goods import returns
from refunds.intake import batches, importing
from refunds.models import idempotency
from refunds.payouts import arrival_times, elsewhere, loop, notices, second_leg
from refunds.review import assigning, deciding, escalating, pending
from refunds.telling import outbox, promises
from refunds.worker import child, confirming, hearing, timekeeping, watch

logger = logging.getLogger(__name__)
_VERIFIED_WITHIN_S = 60 * 60


@shared_task(name="refunds.execute")
def execute(**_: object) -> None:
    loop.drain()


@shared_task(name="refunds.apply_notices")
def apply_notices(**_: object) -> None:
    notices.apply_waiting(at=timezone.now())


@shared_task(name="refunds.notify")
def notify(**_: object) -> None:
    outbox.work(at=timezone.now())


@shared_task(name="refunds.follow_up")
def follow_up_due(**_: object) -> None:
    survey.work(at=timezone.now())


@shared_task(name=hearing.TASK)
def listen(**_: object) -> None:
    """A worker's message to itself: to have received it is all."""


@periodic("refunds.sweep")
def sweep() -> None:
    """Everything that is due, of every kind, whether a wake-up message came or not."""
    now = timezone.now()
    stages: tuple[Callable[[], object], ...] = (
        partial(notices.apply_waiting, at=now),
        # Before the loop, which then finds their payouts.
        partial(pending.take_effect, at=now),
        loop.drain,
        partial(outbox.work, at=now),
        partial(survey.work, at=now),
        partial(deciding.lapse_firsts, at=now),
    )
    for stage in stages:
        try:
            stage()
        except Exception:  # trouble in one stage must not keep the others from running
            logger.exception("sweep: stage %s failed", stage)


@periodic("refunds.verify_audit")
def verify_audit() -> None:
    """Whole chains that somebody wants verified: long work, in a process of its own."""
    if AuditVerification.objects.filter(ended_at=None).exists():
        child.run("verify_audit", within_s=_VERIFIED_WITHIN_S)


@periodic("refunds.mail_checkpoints")
def mail_checkpoints() -> None:
    audit_trail.mail_checkpoints(at=timezone.now())


@periodic("refunds.verify")
def verify() -> None:
    confirming.work()
    elsewhere.ask_waiting(at=timezone.now())


@periodic("refunds.assign")
def assign() -> None:
    assigning.work(at=timezone.now())


@periodic("refunds.escalate")
def escalate() -> None:
    now = timezone.now()
    returns.give_up_late(at=now)
    escalating.work(at=now)


@periodic(batches.TASK)
def batches_due() -> None:
    importing.work(at=timezone.now())
    batches.work()


@periodic("refunds.second_legs")
def second_legs() -> None:
    second_leg.ask_due(at=timezone.now())


@periodic("refunds.arrivals")
def arrivals() -> None:
    """What refunds took to arrive, then who was told a day that no longer holds."""
    now = timezone.now()
    arrival_times.learn(at=now)
    promises.tell_changes(at=now)


@periodic("refunds.forget_answers")
def forget_answers() -> None:
    now = timezone.now()
    # Batch by batch, each its own commit, until fewer than a batch were old.
    while idempotency.forget_old(at=now) >= idempotency.AT_ONCE:
        pass
    files.forget_unclaimed(at=now)


@periodic("refunds.erase_expired")
def erase_expired() -> None:
    erasing.erase_expired(at=timezone.now())


@celeryd_after_setup.connect
def watch_over(instance: Any, **_: object) -> None:
    """Before the broker is there: a worker that cannot reach it works all the same. Nothing of it works before its clock is
    right: the other apps' threads are started after this.
    """
    timekeeping.wait_until_right()
    own = hearing.made(threads=instance.concurrency)
    hearing.listen(instance.app.amqp.queues)
    task_received.connect(lambda **_: own.heard(), weak=False)
    task_prerun.connect(lambda **_: own.began(), weak=False)
    task_postrun.connect(lambda **_: own.finished(), weak=False)

    def look_after_oneself() -> None:
        hearing.end_if_deaf(own)
        timekeeping.end_if_off(own)

    watch.start(also=look_after_oneself)


@worker_ready.connect
def look_at_once(**_: object) -> None:
    watch.begin_at_once()


@worker_shutting_down.connect
def stop_draining(**_: object) -> None:
    """A worker that is asked to end claims nothing more and settles what is in the air."""
    loop.stopping.set()


@worker_shutdown.connect
def settle_what_is_in_the_air(**_: object) -> None:
    """Celery has waited for its own threads. The loop may run in the watch's, and beyond its lease others go on for it."""
    if not loop.end(within_s=settings.EXECUTION_LEASE_S):
        logger.warning("the worker ends with payouts in the air; they are asked about once their lease has expired")
