"""How requests are sent: again where that is safe, each time signed where the key demands it."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import uuid
from collections.abc import Callable

import httpx

_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
#: 429 was not looked at; the others may have been done, or half of it.
_PERHAPS_DONE = frozenset({500, 502, 503, 504})
#: The code of a 409 that passes by itself.
_PASSES = re.compile(rb'"code": ?"busy"')


class Retrying(httpx.BaseTransport):
    """Sends a request again after what passes by itself: no line, 429, 5xx, and 409 ``busy``.

    What creates something goes out again under the same ``Idempotency-Key``, so it is made once; without such a key a POST is
    sent again only where the server has certainly not seen it. Waits as ``Retry-After`` says, else 1, 2, 4 ... seconds.
    """

    def __init__(
        self,
        *,
        transport: httpx.BaseTransport | None = None,
        signing_secret: str = "",
        tries: int = 5,
        longest_wait_s: float = 60,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport or httpx.HTTPTransport()
        self._secret = signing_secret
        self._tries = tries
        self._longest_wait_s = longest_wait_s
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        repeatable = request.method in _REPEATABLE or "Idempotency-Key" in request.headers
        for attempt in range(1, self._tries + 1):
            is_last = attempt == self._tries
            wait_s: float = 2 ** (attempt - 1)
            if self._secret:
                self._sign(request)
            try:
                response = self._transport.handle_request(request)
            except httpx.TransportError as error:
                if is_last or not (repeatable or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)):
                    raise
            else:
                if is_last or not _passes(response, repeatable=repeatable):
                    return response
                wait_s = _asked_to_wait(response, wait_s)
                response.close()
            self._sleep(min(wait_s, self._longest_wait_s))
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        self._transport.close()

    def _sign(self, request: httpx.Request) -> None:
        """Each attempt has an id of its own: a server takes each once."""
        request_id, at = uuid.uuid4().hex, str(int(time.time()))
        text = b".".join(
            (request_id.encode(), at.encode(), request.method.encode(), request.url.raw_path, request.content)
        )
        signature = hmac.new(self._secret.encode(), text, hashlib.sha256).hexdigest()
        request.headers.update(
            {"X-Request-Id": request_id, "X-Request-Timestamp": at, "X-Request-Signature": f"v1={signature}"}
        )


def _passes(response: httpx.Response, *, repeatable: bool) -> bool:
    if response.status_code == httpx.codes.CONFLICT:
        response.read()
        return _PASSES.search(response.content) is not None
    return response.status_code == httpx.codes.TOO_MANY_REQUESTS or (
        repeatable and response.status_code in _PERHAPS_DONE
    )


def _asked_to_wait(response: httpx.Response, otherwise_s: float) -> float:
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else otherwise_s
