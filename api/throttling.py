"""Fixed windows counted in Redis. Without Redis requests pass: money is safe either way."""

import logging
import math
import threading
import time
from typing import Any

import redis
from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from api.caller import Caller
from core.client_address import client_address
from core.guessing import Bucket, Limit, TooManyGuesses, take
from core.redis_client import client, level_of

logger = logging.getLogger(__name__)

_WINDOW_S = 10
#: Unknown keys from one address. A key has 256 random bits: this only keeps the noise down.
_UNKNOWN_KEYS = Limit(free=20, first_wait_s=10, longest_wait_s=600)


#: Of a limit a process takes this share at a time from Redis: with 12,000 calls in ten seconds, one trip for 12 calls.
_SHARE = 1_000


class _Counter:
    """Calls counted against a limit that all processes share, in lots.

    A process takes a lot from the window's count in Redis and gives it out by itself. The limit is never passed; what a
    process has not given out when a window ends is lost, at most a thousandth of the limit (nothing for limits below 2,000).
    """

    def __init__(self) -> None:
        self._left: dict[str, tuple[int, int, int]] = {}  # name -> (window, calls left of the lot, and beyond it)
        self._lock = threading.Lock()

    def take(self, name: str, limit: int) -> int:
        """Count one call. How many more there are, as far as this process knows; -1: the limit was reached before this one.
        Raises ``redis.RedisError``.
        """
        window = int(time.time()) // _WINDOW_S
        with self._lock:
            of_window, left, beyond = self._left.get(name, (window, 0, 0))
            if of_window == window and left > 0:
                self._left[name] = window, left - 1, beyond
                return left - 1 + beyond
        lot = max(1, limit // _SHARE)
        count = _increased(f"rate:{name}:{window}", by=lot, expires_s=2 * _WINDOW_S)
        allowed = min(lot, limit - (count - lot))
        if allowed <= 0:
            return -1
        beyond = max(0, limit - count)
        with self._lock:
            of_window, left, _ = self._left.get(name, (window, 0, 0))
            left = (left if of_window == window else 0) + allowed - 1
            self._left[name] = window, left, beyond
            if len(self._left) > _MOST_NAMES:
                self._left = {other: kept for other, kept in self._left.items() if kept[0] == window}
        return left + beyond


_MOST_NAMES = 10_000
_calls = _Counter()


def _increased(key: str, *, by: int = 1, expires_s: int) -> int:
    """Count in Redis. The first of a window sets its end: every later one costs a single command."""
    count = int(client().incrby(key, by))
    if count == by:
        client().expire(key, expires_s)
    return count


def seconds_left() -> float:
    return _WINDOW_S - time.time() % _WINDOW_S


class KeyThrottle(BaseThrottle):
    """So many requests in ten seconds a caller: the key's own limit, or the installation's."""

    def allow_request(self, request: Request, view: Any) -> bool:
        caller: object = request.user
        if not isinstance(caller, Caller):
            return True
        limit = (caller.client.rate_limit if caller.client else None) or settings.API_RATE_PER_10S
        try:
            left = _calls.take(caller.principal, limit)
        except redis.RedisError as error:
            logger.log(level_of(error), "requests are not counted: %s", error)
            return True
        # draft-ietf-httpapi-ratelimit-headers-10: the quota and its window, what is left and for how many seconds.
        view.headers["RateLimit-Policy"] = f'"calls";q={limit};w={_WINDOW_S}'
        view.headers["RateLimit"] = f'"calls";r={max(0, left)};t={math.ceil(seconds_left())}'
        return left >= 0

    def wait(self) -> float:
        return seconds_left()


def slow_down_guessing(request: Request) -> None:
    """Count an unknown key against its address. Raises ``Throttled`` once it has guessed too often."""
    address = client_address(request.META)
    if not address:
        return
    try:
        take(Bucket(name=f"api-key:{address}", limit=_UNKNOWN_KEYS))
    except TooManyGuesses as refusal:
        raise Throttled(wait=refusal.wait_s) from refusal
