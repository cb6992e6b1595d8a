"""RefundDesk's REST API in Python.

``connect`` gives a client for the generated calls in ``refunddesk.rest.api``; ``ok`` takes an answer or raises ``Refused``::

    client = connect("https://refunds.example", key)
    request = ok(get_refund_request.sync_detailed(request_id, client=client))

What is generated is made from the API's own document (``make client``) and is not edited.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypedDict, TypeVar, cast

import httpx

from refunddesk.rest import AuthenticatedClient
from refunddesk.rest.api.events import list_events
from refunddesk.rest.models import FeedOut, Problem
from refunddesk.rest.types import UNSET, Response
from refunddesk.transport import Retrying
from refunddesk.webhooks import NotGenuine, verified

__all__ = ["NotConfigured", "NotGenuine", "Refused", "connect", "follow", "from_environment", "ok", "verified"]

Answer = TypeVar("Answer")


class NotConfigured(Exception):
    """The environment does not say where and as whom."""


class Refused(Exception):
    """The API said no. Decide by ``code``; ``problem`` is the whole of RFC 9457, ``status`` that of HTTP."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status, self.problem, self.code = status, problem, str(problem.get("code", ""))
        super().__init__(f"{status} {self.code}: {problem.get('message') or problem.get('detail', '')}")


def connect(
    base_url: str,
    key: str,
    *,
    signing_secret: str = "",
    language: str = "en",
    timeout_s: float = 45,
    transport: httpx.BaseTransport | None = None,
) -> AuthenticatedClient:
    """A client that repeats safely. ``signing_secret``: of a key that demands signed requests."""
    sent_by = transport or Retrying(signing_secret=signing_secret)
    return AuthenticatedClient(
        base_url=base_url.rstrip("/"),
        token=key,
        headers={"Accept-Language": language},
        timeout=httpx.Timeout(timeout_s),
        httpx_args={"transport": sent_by},
    )


class Where(TypedDict):
    """What ``connect`` takes of the environment."""

    base_url: str
    key: str
    signing_secret: str


def from_environment() -> Where:
    """What ``connect`` takes, from REFUNDDESK_URL, REFUNDDESK_KEY and REFUNDDESK_SIGNING_SECRET. Raises ``NotConfigured``."""
    url, key = os.environ.get("REFUNDDESK_URL", ""), os.environ.get("REFUNDDESK_KEY", "")
    if not (url and key):
        raise NotConfigured("set REFUNDDESK_URL and REFUNDDESK_KEY")
    return {"base_url": url, "key": key, "signing_secret": os.environ.get("REFUNDDESK_SIGNING_SECRET", "")}


def ok(response: Response[Answer | Problem]) -> Answer:
    """What was asked for. Raises ``Refused``."""
    if response.status_code >= HTTPStatus.BAD_REQUEST or isinstance(response.parsed, Problem):
        raise Refused(int(response.status_code), _problem(response.content))
    return cast(Answer, response.parsed)


def follow(
    client: AuthenticatedClient,
    *,
    after: str | None = None,
    types: list[str] | None = None,
    stop_when_read: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[FeedOut]:
    """Everything that happens, page by page: keep ``next_`` of a page once its ``results`` are dealt with; go on ``after`` it.

    ``after``: None for the oldest that is kept, ``"latest"`` for what comes from now on. Waits for more, unless
    ``stop_when_read``.
    """
    while True:
        answer = list_events.sync_detailed(
            client=client,
            after=UNSET if after is None else after,
            types=UNSET if types is None else cast(Any, types),
            wait=0 if stop_when_read else 30,
        )
        page = ok(answer)
        yield page
        if stop_when_read and not page.has_more:
            return
        after = page.next_
        sleep(float(answer.headers.get("Retry-After", 0)))


def _problem(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {"detail": content[:200].decode(errors="replace")}
