"""Signed requests: HMAC over id, time, method, path with query, and body; five minutes, each id once."""

from __future__ import annotations

import hashlib
import hmac
import time

import redis
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from api.bodies import whole_body
from core.redis_client import client as broker
from merchants.api_keys import Client

_WINDOW_S = 300


class NonceStoreDown(APIException):
    """Without the memory of used ids a replay could not be told from a request: refuse rather than guess."""

    status_code = 503
    default_code = "try_again"
    default_detail = "signed requests cannot be checked right now; try again"


def signature(*, secret: str, request_id: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """``v1=<hex>`` over ``id.timestamp.method.path.body``; ``path`` includes the query string."""
    text = f"{request_id}.{timestamp}.{method}.{path}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def check(request: Request, client: Client) -> None:
    """Raises ``AuthenticationFailed`` for a missing, wrong, stale or replayed signature."""
    request_id = request.headers.get("X-Request-Id", "")
    timestamp = request.headers.get("X-Request-Timestamp", "")
    given = request.headers.get("X-Request-Signature", "")
    if not (request_id and given and timestamp.isascii() and timestamp.isdigit() and len(request_id) <= 100):
        raise AuthenticationFailed("this key only takes signed requests", code="signature_required")
    if abs(time.time() - int(timestamp[:12])) > _WINDOW_S:
        raise AuthenticationFailed("the signature is too old or from the future", code="signature_stale")
    expected = signature(
        secret=client.signing_secret,
        request_id=request_id,
        timestamp=timestamp,
        method=request.method or "",
        path=request.get_full_path(),
        body=whole_body(request),
    )
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise AuthenticationFailed("the signature does not match", code="signature_mismatch")
    used = hashlib.sha256(request_id.encode()).hexdigest()
    try:
        first = broker().set(f"signed:{client.principal.key_id}:{used}", 1, nx=True, ex=2 * _WINDOW_S)
    except redis.RedisError as error:
        raise NonceStoreDown from error
    if not first:
        raise AuthenticationFailed("this request id was used before", code="signature_replayed")
