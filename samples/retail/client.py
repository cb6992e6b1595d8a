"""The REST API as a shop's own system would use it: keep-alive, idempotency keys, patience."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3

from samples.retail.wishes import Wish

_TRIES = 6
_PATIENCE_S = (0.2, 0.5, 1, 2, 5)


class ApiUnreachable(Exception):
    """The API does not answer, or refuses the key; the message says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said to one request. ``code`` is the problem's code where it refused."""

    status: int
    code: str = ""
    replayed: bool = False
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def is_accepted(self) -> bool:
        return self.status == 201

    @property
    def is_refused(self) -> bool:
        """A definite no: nothing was stored."""
        return self.status in (404, 409, 422)


class Client:
    """One API key's use of the API, from several threads."""

    def __init__(self, *, base_url: str, api_key: str, connections: int) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._http = urllib3.PoolManager(
            maxsize=connections, block=True, timeout=urllib3.Timeout(connect=5, read=30), retries=False
        )

    def check(self) -> None:
        """Raises ``ApiUnreachable`` unless the API answers and takes the key."""
        answer = self._get("/api/v1/refund-requests", {"limit": "1"})
        if answer.status != 200:
            raise ApiUnreachable(f"{self._base_url} answered {answer.status} {answer.code}")

    def submit(self, wish: Wish) -> Answer:
        """Submit a refund request. An answer that did not come is asked for again under the same key."""
        headers = {**self._headers, "Idempotency-Key": wish.key}
        answer = Answer(0, "no_answer")
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(_PATIENCE_S[attempt - 1])
            answer = self._call("POST", "/api/v1/refund-requests", headers=headers, json=wish.body())
            if not _is_worth_another_try(answer):
                break
        return answer

    def states_since(self, created_after: str) -> Iterator[tuple[str, str]]:
        """(id, state) of every request made since an instant. Raises ``ApiUnreachable``."""
        address, fields = "/api/v1/refund-requests", {"created_after": created_after, "limit": "200"}
        while address:
            answer = self._get(address, fields)
            if answer.status != 200:
                raise ApiUnreachable(f"{self._base_url} answered {answer.status} {answer.code}")
            for request in answer.body["results"]:
                yield request["id"], request["state"]
            following = urlsplit(answer.body.get("next") or "")
            address, fields = f"{following.path}?{following.query}" if following.query else "", {}

    def _get(self, address: str, fields: dict[str, str]) -> Answer:
        return self._call("GET", address, headers=self._headers, fields=fields or None)

    def _call(self, method: str, address: str, **arguments: Any) -> Answer:
        try:
            reply = self._http.request(method, self._base_url + address, **arguments)
            body = reply.json()
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            return Answer(0, type(error).__name__)
        code = str(body.get("code", "")) if reply.status >= 400 else ""
        return Answer(reply.status, code, reply.headers.get("Idempotent-Replayed") == "true", body)


def _is_worth_another_try(answer: Answer) -> bool:
    is_busy = answer.status == 409 and (answer.code == "busy" or answer.code.startswith("idempotency"))
    return answer.status in (0, 429) or answer.status >= 500 or is_busy
