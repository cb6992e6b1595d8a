"""Finding a stalled consumer: a process that is alive, answers ``inspect ping`` and receives no messages is of no use.

A worker has a queue of its own besides the common one. When it has received nothing for a while it sends itself a message there,
where nobody else consumes and beat is not needed. One that does not receive its own message, while the broker answers and a
thread is free, is deaf: it ends itself, and its supervisor starts another.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

import redis
from celery import current_app
from django.conf import settings
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

from core.redis_client import client
from refunds.payouts import loop
from refunds.worker.watch import LOOK_EVERY_S

logger = logging.getLogger(__name__)

TASK = "refunds.listen"
#: Received nothing for this long: send oneself a message.
RINGS_AFTER_S = 15.0
#: Work in hand is given this long before the process ends: less than a supervisor's patience.
_FINISH_S = 15.0
#: The exit status of one that could not go on (EX_TEMPFAIL).
DEAF = 75


class Hearing:
    """What one worker has received, and whether it could have."""

    def __init__(
        self, *, threads: int, deaf_after_s: float, ring: Callable[[], None], is_answered: Callable[[], bool]
    ) -> None:
        self._threads = threads
        self._deaf_after_s = deaf_after_s
        self._ring = ring
        self._is_answered = is_answered
        self._busy = 0
        self._lock = threading.Lock()
        now = time.monotonic()
        #: Since when it could have received a message and has not.
        self._silent_since = self._looked_at = self._rung_at = now

    def heard(self) -> None:
        """The consumer was handed a message."""
        self._silent_since = time.monotonic()

    def began(self) -> None:
        """A thread has begun a task."""
        with self._lock:
            self._busy += 1

    def finished(self) -> None:
        """A thread is free again."""
        with self._lock:
            self._busy -= 1

    @property
    def is_idle(self) -> bool:
        """No task is being worked on."""
        return self._busy <= 0

    def is_deaf(self) -> bool:
        """Whether it could have received for long enough and has not. Sends itself a message where it was silent for a while."""
        now = time.monotonic()
        # A process that was stopped for a while, a broker that is gone, threads that are all busy: silence proves nothing.
        proves_nothing = (
            now - self._looked_at > 3 * LOOK_EVERY_S or self._busy >= self._threads or not self._is_answered()
        )
        self._looked_at = now
        if proves_nothing:
            self._silent_since = now
            return False
        silent_s = now - self._silent_since
        if silent_s >= min(RINGS_AFTER_S, self._deaf_after_s / 4) <= now - self._rung_at:
            self._rung_at = now
            self._ring()
        return silent_s >= self._deaf_after_s


def own_queue() -> str:
    """The name of this process's own queue."""
    return f"{settings.CELERY_TASK_DEFAULT_QUEUE}.{socket.gethostname()}.{os.getpid()}"


def listen(queues: object) -> None:
    """Consume from the process's own queue, too. It vanishes with the process."""
    name = own_queue()
    queues.select_add(Queue(name, Exchange(name), routing_key=name, expires=300))  # type: ignore[attr-defined]  # kombu's


def made(*, threads: int) -> Hearing:
    """The hearing of this worker."""
    return Hearing(
        threads=threads, deaf_after_s=settings.WORKER_DEAF_AFTER_S, ring=_ring_for_oneself, is_answered=_broker_answers
    )


def end_if_deaf(hearing: Hearing) -> None:
    """End this process when it is deaf."""
    if not hearing.is_deaf():
        return
    logger.critical(
        "consumer stalled: no message received for %.0f s although the broker answers; exiting to be restarted",
        settings.WORKER_DEAF_AFTER_S,
    )
    end(hearing)


def end(hearing: Hearing) -> None:
    """End this process so that its supervisor starts another; work in hand is given a moment."""
    until = time.monotonic() + _FINISH_S
    loop.end(within_s=_FINISH_S)
    while not hearing.is_idle and time.monotonic() < until:
        time.sleep(0.1)
    logging.shutdown()
    # Not by a signal: the consumer that would have to act on it may be what hangs.
    os._exit(DEAF)


def _ring_for_oneself() -> None:
    try:
        current_app.send_task(TASK, queue=own_queue())
    except (OperationalError, OSError) as error:
        logger.warning("cannot send this worker its own wake-up message: %s", error)


def _broker_answers() -> bool:
    try:
        return bool(client().ping())
    except redis.RedisError:
        return False
