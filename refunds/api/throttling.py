"""Fixed windows counted in Redis: one round trip a request. Without Redis requests pass: money is safe either way."""

from __future__ import annotations

import logging
import time
from typing import Any

import redis
from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from refunds.api.caller import Caller
from refunds.broker import client

logger = logging.getLogger(__name__)

_WINDOW_S = 10
_FAILURES_PER_MINUTE = 20


def _count(name: str) -> int:
    key = f"rate:{name}:{int(time.time()) // _WINDOW_S}"
    try:
        with client().pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.expire(key, 2 * _WINDOW_S)
            count, _ = pipe.execute()
    except redis.RedisError as error:
        logger.warning("requests are not counted: %s", error)
        return 0
    return int(count)


def seconds_left() -> float:
    return _WINDOW_S - time.time() % _WINDOW_S


class KeyThrottle(BaseThrottle):
    """So many requests in ten seconds a caller: the key's own limit, or the installation's."""

    def allow_request(self, request: Request, view: Any) -> bool:
        caller: object = request.user
        if not isinstance(caller, Caller):
            return True
        limit = (caller.client.rate_limit if caller.client else None) or settings.API_RATE_PER_10S
        return _count(caller.principal) <= limit

    def wait(self) -> float:
        return seconds_left()


def slow_down_guessing(request: Request) -> None:
    """Count an unknown key against its address. Raises ``Throttled`` once it has guessed too often."""
    key = _failure_key(request)
    try:
        with client().pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.expire(key, 60)
            failed, _ = pipe.execute()
    except redis.RedisError as error:
        logger.warning("failed logins are not counted: %s", error)
        return
    if int(failed) > _FAILURES_PER_MINUTE:
        raise Throttled(wait=60)


def _failure_key(request: Request) -> str:
    return f"badkey:{request.META.get('REMOTE_ADDR', '')}"
