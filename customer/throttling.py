"""Counting what visitors try. When Redis is away everybody passes, as the links are signed."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest

from core.client_address import client_address
from core.guessing import Bucket, Limit, TooManyGuesses, take

WINDOW_S = 600
#: Wrong links from one address. A whole town may share one: genuine links are never counted, nor refused.
BAD_TOKENS = Limit(free=20, first_wait_s=10, longest_wait_s=600)
#: Things sent through one link, in ``WINDOW_S``.
SENT = 30


def wait_for_bad_token(request: HttpRequest) -> int:
    """Count one wrong link; the seconds that this address has to wait, 0 while it has not tried too many."""
    address = client_address(request.META)
    if not address:
        return 0
    try:
        take(Bucket(name=f"link:{address}", limit=BAD_TOKENS))
    except TooManyGuesses as refusal:
        return refusal.wait_s
    return 0


def too_much_sent(request_id: object) -> bool:
    """Count one form sent through a link; True once there were too many."""
    return _count(f"customer:sent:{request_id}") > SENT


def _count(key: str) -> int:
    cache.add(key, 0, timeout=WINDOW_S)
    try:
        return cache.incr(key)
    except ValueError:  # it ran out between the two
        return 1
