"""Ways in which an answer can go wrong on the wire, and small readers of requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping

from aiohttp import web


class Unreadable(ValueError):
    """The request's body is not what the protocol asks for."""


async def read_json(request: web.Request) -> dict[str, object]:
    """The body as a JSON object; nothing is an empty one. Raises Unreadable.

    Stricter than Python's reader: no NaN, no name twice, no half characters, which could be neither kept nor shown.
    """
    try:
        body = json.loads(
            await request.read() or b"{}", parse_constant=_no_constant, object_pairs_hook=_without_repeats
        )
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Unreadable("not a JSON object")
    return body


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def drop(request: web.Request) -> web.Response:
    """Cut the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def hang(request: web.Request, *, seconds: float, stopping: asyncio.Event) -> web.Response:
    """Let the caller wait until it gives up, then cut the connection."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
    return drop(request)


async def break_off(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Send the head and half of the body, then reset the connection."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    torn = web.StreamResponse(status=answer.status, headers=_without_length(answer.headers))
    torn.content_length = max(len(body), 2)
    await torn.prepare(request)
    await torn.write(body[: len(body) // 2] or b"{")
    return drop_stream(request, torn)


def drop_stream(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Cut the connection in the middle of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return response


def as_fault_says(response: web.Response, fault: str) -> web.Response:
    """The answer, packed by some gateway on the way where the fault says so. Signatures are over what is in it."""
    if fault == "packed":
        response.enable_compression(web.ContentCoding.gzip)
    return response


def garbage() -> web.Response:
    """What a proxy on the way might answer: 200 with a page instead of the protocol's message."""
    return web.Response(text="<html><body>502 Bad Gateway (nginx)</body></html>", content_type="text/html")


def in_between(name: str) -> web.Response:
    """The answer of something between the caller and the channel: see ``common_faults.PROXY``."""
    if name == "unsigned_400":
        return web.json_response({"code": "PARAM_ERROR", "message": "blocked by policy"}, status=400)
    page = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1>gateway</body></html>"
    return web.Response(text=page, content_type="text/html", status=403 if name == "html_403" else 200)


def _without_length(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}
