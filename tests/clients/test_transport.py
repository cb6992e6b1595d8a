"""The Python client's retries: again where it is safe, never where something could be done twice."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from refunddesk.transport import Retrying

Answer = httpx.Response | Exception


def _sending(answers: list[Answer], **options: Any) -> tuple[httpx.Client, list[httpx.Request], list[float]]:
    """A client, what it has sent, and how long it waited."""
    sent: list[httpx.Request] = []
    waited: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(httpx.Request(request.method, request.url, headers=request.headers, content=request.content))
        said = answers[len(sent) - 1]
        if isinstance(said, Exception):
            raise said
        return said

    made = Retrying(transport=httpx.MockTransport(answer), sleep=waited.append, **options)
    return httpx.Client(transport=made, base_url="http://api"), sent, waited


def _busy(code: str) -> httpx.Response:
    return httpx.Response(409, json={"code": code})


@pytest.mark.parametrize(
    "passing",
    [
        lambda: httpx.Response(429, headers={"Retry-After": "7"}),
        lambda: httpx.Response(503, headers={"Retry-After": "7"}),
        lambda: _busy("busy"),
        lambda: httpx.ConnectError("no line"),
        lambda: httpx.ReadTimeout("no answer"),
    ],
)
def test_send_when_it_passes_by_itself_the_same_call_goes_out_again(passing: Callable[[], Answer]) -> None:
    client, sent, waited = _sending([passing(), httpx.Response(201)])
    assert client.post("/x", json={"a": 1}, headers={"Idempotency-Key": "k"}).status_code == 201
    assert [(one.headers["Idempotency-Key"], one.content) for one in sent] == [("k", b'{"a":1}')] * 2
    assert waited == [7 if isinstance(said := passing(), httpx.Response) and "Retry-After" in said.headers else 1]


@pytest.mark.parametrize(
    ("said", "times"),
    [
        (httpx.Response(500), 1),
        (httpx.Response(503), 1),
        (httpx.ReadTimeout("no answer"), 1),
        (httpx.Response(429), 2),
        (httpx.ConnectError("no line"), 2),
    ],
)
def test_send_when_it_has_no_key_only_what_was_not_done_goes_out_again(said: Answer, times: int) -> None:
    client, sent, _ = _sending([said, httpx.Response(200)])
    if isinstance(said, httpx.ReadTimeout):
        with pytest.raises(httpx.ReadTimeout):
            client.post("/x/cancel", json={"version": 3})
    else:
        client.post("/x/cancel", json={"version": 3})
    assert len(sent) == times


def test_send_when_it_is_refused_or_never_passes_says_so() -> None:
    client, sent, _ = _sending([_busy("version_conflict")])
    assert client.get("/x").status_code == 409
    assert len(sent) == 1
    client, sent, waited = _sending([httpx.Response(502)] * 5)
    assert client.get("/x").status_code == 502
    assert (len(sent), waited) == (5, [1, 2, 4, 8])


def test_send_when_the_key_demands_it_each_attempt_is_signed_under_an_id_of_its_own() -> None:
    client, sent, _ = _sending([httpx.Response(503), httpx.Response(200)], signing_secret="0123456789abcdef")
    client.put("/api/v1/x?a=b", content=b"{}")
    assert len({one.headers["X-Request-Id"] for one in sent}) == 2
    for one in sent:
        text = f"{one.headers['X-Request-Id']}.{one.headers['X-Request-Timestamp']}.PUT./api/v1/x?a=b.{{}}"
        signature = hmac.new(b"0123456789abcdef", text.encode(), hashlib.sha256).hexdigest()
        assert one.headers["X-Request-Signature"] == f"v1={signature}"
