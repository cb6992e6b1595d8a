"""Rate limits on guessing passwords, API keys and customers' links: a growing wait (backoff), nobody is locked out.

Every try is counted **before** it is looked at, in one step in Redis, and given back when it was right: a hundred tries at the
same moment are a hundred tries. After a few free ones each costs a wait, twice as long as the one before up to a longest one.
A try within a wait is refused unseen and does not make the wait longer.

A wait that was announced is kept. A caller who is refused because of a bucket that others fill, too (an account), is promised
the end of that wait: their next try after it is looked at, however often others have guessed meanwhile. Each address has one
promise at a time for an account, and no promise reaches past the wait of the address itself.

Without Redis every try is looked at, and the log says so: guessing is slow enough by the password hash then, and a shop that
cannot sign in is worse.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import redis
from django.utils.crypto import salted_hmac

from core.redis_client import client

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many tries are free; the next one costs ``first_wait_s``, each one after it twice as much, up to ``longest_wait_s``.

    When nobody has tried for ``forgotten_after_s``, which is longer than any wait, all are free again.
    """

    free: int
    first_wait_s: int
    longest_wait_s: int
    forgotten_after_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where tries are counted: ``name`` is any text, and is not stored as it is.

    ``promised_to`` is who of several that share the bucket may rely on the wait that was announced; "" promises nothing.
    """

    name: str
    limit: Limit
    promised_to: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """A try that may be looked at. ``free_left`` of the fullest bucket; ``next_wait_s`` is what a further try has to wait."""

    counted: tuple[tuple[str, int], ...]
    free_left: int
    next_wait_s: int


class TooManyGuesses(Exception):
    """Wait ``wait_s`` seconds, then try again."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"try again in {wait_s} s")
        self.wait_s = wait_s


def take(*buckets: Bucket) -> Try:
    """Count a try in all the buckets, or in none. Raises ``TooManyGuesses``.

    Call ``give_back`` when it was right.
    """
    now = int(time.time() * 1000)
    keys, arguments = _asked(buckets, now)
    try:
        wait_ms, *numbers = cast("list[int]", client().eval(_TAKE, len(keys), *keys, *arguments))
    except redis.RedisError as error:
        logger.warning("guesses are not counted, no rate limit while Redis is away: %s", error)
        return Try((), free_left=0, next_wait_s=0)
    if wait_ms > 0:
        raise TooManyGuesses(_seconds(wait_ms))
    counts, until = numbers[::2], numbers[1::2]
    left = [bucket.limit.free - count for bucket, count in zip(buckets, counts, strict=True)]
    return Try(
        tuple(zip(keys[::2], until, strict=True)),
        free_left=max(0, min(left)),
        next_wait_s=_seconds(max(0, max(until) - now)),
    )


def give_back(tried: Try) -> None:
    """The try was right: it does not count, and nobody waits because of it."""
    if not tried.counted:
        return
    try:
        for key, until in tried.counted:
            client().eval(_GIVE_BACK, 1, key, until)
    except redis.RedisError as error:
        logger.warning("a correct try stays counted: %s", error)


def forget(*names: str) -> None:
    """All tries of these buckets are free again."""
    try:
        client().delete(*(_key(name) for name in names))
    except redis.RedisError as error:
        logger.warning("counted tries are not deleted: %s", error)


def _asked(buckets: Sequence[Bucket], now: int) -> tuple[list[str], list[int]]:
    keys: list[str] = []
    arguments = [now]
    for bucket in buckets:
        key, limit = _key(bucket.name), bucket.limit
        keys += [key, f"{key}:promise:{_digest(bucket.promised_to)}" if bucket.promised_to else f"{key}:none"]
        arguments += [
            limit.free,
            limit.first_wait_s * 1000,
            limit.longest_wait_s * 1000,
            limit.forgotten_after_s * 1000,
            int(bool(bucket.promised_to)),
        ]
    return keys, arguments


def _key(name: str) -> str:
    return f"guess:{_digest(name)}"


def _digest(text: str) -> str:
    """User names and addresses do not lie about in Redis."""
    return salted_hmac("core.guessing", text, algorithm="sha256").hexdigest()[:32]


def _seconds(milliseconds: int) -> int:
    return math.ceil(milliseconds / 1000)


# KEYS: a bucket and its promise, one after the other. ARGV: now, then five numbers a bucket (ms where they are times).
# Answers: the wait, 0 when the try may be looked at; then of each bucket its count and until when the next try waits.
_TAKE = """
local now = tonumber(ARGV[1])
local buckets = #KEYS / 2
local wait = 0
for i = 1, buckets do
  local key, promise, keeps = KEYS[2*i-1], KEYS[2*i], ARGV[5*i+1] == '1'
  local until_ms = tonumber(redis.call('HGET', key, 'until') or 0)
  if until_ms > now then
    local promised = keeps and tonumber(redis.call('GET', promise) or 0) or 0
    if promised == 0 then
      promised = until_ms
      if keeps then redis.call('SET', promise, until_ms, 'PX', until_ms - now + tonumber(ARGV[5*i])) end
    end
    if promised - now > wait then wait = promised - now end
  end
end
if wait > 0 then return {wait} end
local answer = {0}
for i = 1, buckets do
  local key = KEYS[2*i-1]
  local free, first, longest, forgotten = ARGV[5*i-3], ARGV[5*i-2], ARGV[5*i-1], ARGV[5*i]
  local count = redis.call('HINCRBY', key, 'count', 1)
  local until_ms = 0
  local over = count - tonumber(free)
  if over >= 0 then
    until_ms = now + math.min(tonumber(longest), tonumber(first) * 2 ^ math.min(over, 20))
    redis.call('HSET', key, 'until', until_ms)
  end
  redis.call('PEXPIRE', key, forgotten)
  redis.call('DEL', KEYS[2*i])
  answer[#answer + 1] = count
  answer[#answer + 1] = until_ms
end
return answer
"""

_GIVE_BACK = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'count') or 0) > 0 then redis.call('HINCRBY', KEYS[1], 'count', -1) end
if redis.call('HGET', KEYS[1], 'until') == ARGV[1] then redis.call('HSET', KEYS[1], 'until', 0) end
return 1
"""
