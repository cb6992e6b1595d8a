"""RefundDesk's REST API in Python.

``connect`` gives a client for the generated calls in ``refunddesk.rest.api``; ``ok`` takes an answer or raises ``Refused``::

    client = connect("https://refunds.example", key)
    request = ok(get_refund_request.sync_detailed(request_id, client=client))

What is generated is made from the API's own document (``make client``) and is not edited.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import httpx

from refunddesk.rest import AuthenticatedClient
from refunddesk.rest.models import Problem
from refunddesk.rest.types import Response
from refunddesk.transport import Retrying
from refunddesk.webhooks import Webhook, WebhookVerificationError

__all__ = ["Refused", "Webhook", "WebhookVerificationError", "connect", "ok"]

Answer = TypeVar("Answer")


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


def ok(response: Response[Answer | Problem]) -> Answer:
    """What was asked for. Raises ``Refused``."""
    if response.parsed is None or isinstance(response.parsed, Problem):
        raise Refused(int(response.status_code), _problem(response.content))
    return response.parsed


def _problem(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {"detail": content[:200].decode(errors="replace")}
