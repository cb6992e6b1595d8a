"""Wake-up messages for workers. Nothing depends on them: the sweep finds all that is due.

A message is not sent again while one is pending: ``ring`` sets a mark in Redis, the worker deletes it before it looks for
work. A lost message therefore costs at most the mark's time to live, not a refund.
"""

import logging
import threading
from collections.abc import Sequence
from functools import lru_cache

import redis
from celery import current_app
from kombu.exceptions import OperationalError
from redis.commands.core import Script

from core.redis_client import client, level_of

logger = logging.getLogger(__name__)

_MARK_TTL_MS = 2000

#: Sets the marks that are not set yet; answers 1 or 0 for each. One command for all messages of a change.
_MARK = """
local first = {}
for number, key in ipairs(KEYS) do
  first[number] = redis.call('SET', key, 1, 'NX', 'PX', ARGV[1]) and 1 or 0
end
return first
"""


@lru_cache(maxsize=1)
def _mark() -> Script:
    return client().register_script(_MARK)


#: Messages that the thread which is sending now has still to send.
_pending: set[str] = set()
_ringing = threading.Lock()


def ring(tasks: Sequence[str]) -> None:
    """Send a wake-up message for each of these tasks. A broker that does not answer is logged and left to the sweep.

    Of several threads at once one sends for all: the others leave their messages with it and go on.
    """
    _pending.update(tasks)
    while _pending and _ringing.acquire(blocking=False):
        try:
            bells = sorted(_pending)
            _pending.difference_update(bells)
            _ring(bells)
        finally:
            _ringing.release()


def _ring(tasks: Sequence[str]) -> None:
    try:
        first = _mark()(keys=[f"bell:{task}" for task in tasks], args=[_MARK_TTL_MS])
        for task, is_first in zip(tasks, first, strict=True):
            if is_first:
                current_app.send_task(task)
    except (redis.RedisError, OperationalError, OSError) as error:
        names = ", ".join(tasks)
        logger.log(level_of(error), "wake-up message for %s not sent (%s); the sweep will find the work", names, error)


def answered(task: str) -> None:
    """The worker looks for work now: the next message is sent again."""
    try:
        client().delete(f"bell:{task}")
    except (redis.RedisError, OSError) as error:
        logger.log(level_of(error), "wake-up mark of %s not deleted (%s); it expires by itself", task, error)
