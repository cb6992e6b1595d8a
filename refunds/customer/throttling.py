"""Counting what visitors try. A fixed window in the cache; when the cache is away everybody passes, as the links are signed."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

WINDOW_S = 600
#: Wrong links from one address. A whole town may share one: genuine links are never counted, nor refused.
BAD_TOKENS = 20
#: Things sent through one link.
SENT = 30


def too_many_bad_tokens(request: HttpRequest) -> bool:
    """Count one wrong link; True once this address has tried too many."""
    return _count(f"customer:bad:{address_of(request)}") > BAD_TOKENS


def too_much_sent(request_id: object) -> bool:
    """Count one form sent through a link; True once there were too many."""
    return _count(f"customer:sent:{request_id}") > SENT


def address_of(request: HttpRequest) -> str:
    """Who is asking. Behind our own proxy it is the last entry, the one that the proxy wrote; the rest anybody can write."""
    if getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        return str(request.headers.get("X-Forwarded-For", "")).rsplit(",", 1)[-1].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def _count(key: str) -> int:
    cache.add(key, 0, timeout=WINDOW_S)
    try:
        return cache.incr(key)
    except ValueError:  # it ran out between the two
        return 1
