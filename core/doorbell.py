"""Wake-up messages for workers. Nothing depends on them: the sweep finds all that is due.

A message is not sent again while one is pending: ``ring`` sets a mark in Redis, the worker deletes it before it looks for
work. A lost message therefore costs at most the mark's time to live, not a refund.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import redis
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import NoScriptError

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


_SHA = hashlib.sha1(_MARK.encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1)
def _line() -> Any:
    """A connection of the bells' own, which whoever rings has alone: a pool's costs more than the command."""
    return client().connection_pool.make_connection()


os.register_at_fork(after_in_child=_line.cache_clear)


def _mark(tasks: Sequence[str]) -> Sequence[int]:
    """Set the marks. Raises ``redis.RedisError`` or ``OSError``."""
    line, said = _line(), (len(tasks), *(f"bell:{task}" for task in tasks), _MARK_TTL_MS)
    try:
        if _is_stale(line):
            line.disconnect()
        try:
            line.send_command("EVALSHA", _SHA, *said)
            marked: Sequence[int] = line.read_response()
        except NoScriptError:
            line.send_command("EVAL", _MARK, *said)
            marked = line.read_response()
    except BaseException:
        # What is still to come of an answer must not be taken for the next one's.
        line.disconnect()
        raise
    return marked


def _is_stale(line: Any) -> bool:
    """Whether the broker has closed it meanwhile, as where it was restarted."""
    try:
        return bool(line.can_read())
    except (redis.ConnectionError, redis.TimeoutError, OSError):
        return True


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
        for task, is_first in zip(tasks, _mark(tasks), strict=True):
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
