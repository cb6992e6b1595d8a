"""Wake-up messages for workers. Nothing depends on them: the sweep finds all that is due.

A message is not sent again while one is pending: ``ring`` sets a mark in Redis, the worker deletes it before it looks for
work, and says so to whoever listens. A process that knows that a mark stands does not ask Redis: it looks whether it was told
otherwise. A lost message therefore costs at most the mark's time to live, not a refund.
"""

import hashlib
import logging
import os
import threading
import time
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

#: The channel on which workers say whose mark they have deleted.
_ANSWERED = "bells-answered"

#: Sets the marks that are not set yet; answers 0 for each that it has set, for others how many milliseconds they still stand.
#: One command for all messages of a change.
_MARK = """
local left = {}
for number, key in ipairs(KEYS) do
  left[number] = redis.call('SET', key, 1, 'NX', 'PX', ARGV[1]) and 0 or math.max(1, redis.call('PTTL', key))
end
return left
"""

#: Of marks that nobody had set nobody need be told.
_ANSWER = """
if redis.call('DEL', KEYS[1]) == 1 then
  redis.call('PUBLISH', ARGV[1], KEYS[1])
end
"""


_SHA = hashlib.sha1(_MARK.encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1)
def _line() -> Any:
    """A connection of the bells' own, which whoever rings has alone: a pool's costs more than the command."""
    return client().connection_pool.make_connection()


@lru_cache(maxsize=1)
def _ear() -> Any:
    """The connection on which this process hears of marks that are gone."""
    return client().connection_pool.make_connection()


_hears = False
#: Marks that this process knows to stand, and until when (``time.monotonic``). None without an ear.
_standing: dict[str, float] = {}


def _begin() -> None:
    """As in a process that has rung nothing: a fork takes its parent's connections along."""
    global _hears
    _hears = False
    _standing.clear()
    _line.cache_clear()
    _ear.cache_clear()


os.register_at_fork(after_in_child=_begin)


def _hear() -> None:
    """Forget the marks that workers have deleted meanwhile. Raises ``redis.RedisError`` or ``OSError``.

    Redis tells listeners before the worker itself gets its answer and can look for work: what a worker may not have found was
    committed after the telling.
    """
    global _hears
    ear = _ear()
    if _hears:
        try:
            while ear.can_read():
                _standing.pop(bytes(ear.read_response(push_request=True)[-1]).decode(), None)
        except (redis.ConnectionError, redis.TimeoutError, OSError):
            _hears = False  # the broker has closed it, as where it was restarted
        else:
            return
    _standing.clear()
    ear.disconnect()
    ear.send_command("SUBSCRIBE", _ANSWERED)
    ear.read_response(push_request=True)
    _hears = True


def _key(task: str) -> str:
    return f"bell:{task}"


def _mark(tasks: Sequence[str]) -> Sequence[int]:
    """Set the marks. Raises ``redis.RedisError`` or ``OSError``."""
    line, said = _line(), (len(tasks), *map(_key, tasks), _MARK_TTL_MS)
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
        _hear()
        now = time.monotonic()
        unsent = [task for task in tasks if _standing.get(_key(task), now) <= now]
        if not unsent:
            return
        for task, left_ms in zip(unsent, _mark(unsent), strict=True):
            if not left_ms:
                current_app.send_task(task)
            _standing[_key(task)] = now + (left_ms or _MARK_TTL_MS) / 1_000
    except (redis.RedisError, OperationalError, OSError) as error:
        names = ", ".join(tasks)
        logger.log(level_of(error), "wake-up message for %s not sent (%s); the sweep will find the work", names, error)


def answered(task: str) -> None:
    """The worker looks for work now: the next message is sent again."""
    try:
        client().eval(_ANSWER, 1, _key(task), _ANSWERED)
    except (redis.RedisError, OSError) as error:
        logger.log(level_of(error), "wake-up mark of %s not deleted (%s); it expires by itself", task, error)
