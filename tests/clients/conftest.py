"""Clients of the API. What is generated of them is there once this is read (`make test` makes it before)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.test import Client

from dev import client

if not client.REST.exists():
    assert client.main() == 0, "the generator has said why not"


def _in_this_thread(request: httpx.Request) -> httpx.Response:
    """The API itself, in the test's own transaction."""
    said = Client().generic(
        request.method,
        request.url.raw_path.decode(),
        request.content,
        content_type=request.headers.get("Content-Type", "application/octet-stream"),
        headers={name: value for name, value in request.headers.items() if name not in ("content-type", "host")},
    )
    return httpx.Response(said.status_code, headers=dict(said.items()), content=said.content)


@pytest.fixture
def to_the_api() -> Callable[..., Any]:
    """``refunddesk.connect`` to the API with no line between them."""
    from refunddesk import connect  # noqa: PLC0415 -- made by the lines above

    return lambda *, key, **_where: connect("http://testserver", key, transport=httpx.MockTransport(_in_this_thread))
