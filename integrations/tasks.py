"""What runs the feed and the webhooks: threads of each worker, beside its tasks, that look into the database by themselves.

No message calls them, so that nothing is added to a refund's way, and no slow endpoint takes a thread from its tasks.
"""

import logging
import threading
from collections.abc import Callable

from celery.signals import beat_init, celeryd_after_setup
from django.db import connection
from django.utils import timezone

from core import clock
from core.periodic import periodic
from integrations import alerts, delivering, feed, request_log, sandbox_clock
from refunds.payouts import loop

logger = logging.getLogger(__name__)

_LOOK_EVERY_S, _ALERT_EVERY_S = 0.1, 5.0


@periodic("integrations.forget_old")
def forget_old() -> None:
    feed.forget_old(at=timezone.now())
    request_log.forget_old(at=timezone.now())


@periodic(clock.SANDBOXES)
def sandboxes() -> None:
    sandbox_clock.work()


@celeryd_after_setup.connect
def start(**_: object) -> None:
    """Once a worker, before the broker is there."""
    for name, work in (("feed", _take_events), ("webhooks", _deliver)):
        threading.Thread(target=_again_and_again, args=[work], name=name, daemon=True).start()


@celeryd_after_setup.connect
@beat_init.connect
def watch_for_trouble(**_: object) -> None:
    """In workers and in beat: those that are left tell that the others are gone."""
    threading.Thread(target=_again_and_again, args=[_alert, _ALERT_EVERY_S], name="alerts", daemon=True).start()


def _alert() -> None:
    alerts.work(at=timezone.now())


def _take_events() -> None:
    feed.take_events(at=timezone.now())


def _deliver() -> None:
    delivering.work(clock=timezone.now)


def _again_and_again(work: Callable[[], None], every_s: float = _LOOK_EVERY_S) -> None:
    failed = ""
    while not loop.stopping.wait(every_s):
        try:
            work()
            failed = ""
        except Exception as error:  # the database may be what is gone: the next look tries again
            connection.close()
            if failed != (failed := repr(error)):
                logger.warning("%s: %s; tried again", threading.current_thread().name, error)
