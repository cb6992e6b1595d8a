"""A body that came in chunks is read like any other, and never without end."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from api.reconciliation import MAX_UPLOAD_BYTES
from config.whole_bodies import MOST_BYTES, with_length


def _sent(environ: dict[str, Any]) -> tuple[str, bytes]:
    seen: list[tuple[str, bytes]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = environ.get("CONTENT_LENGTH", "")
        seen.append((length, environ["wsgi.input"].read(int(length or 0))))
        return []

    with_length(application)(environ, lambda *_: lambda _: None)
    return seen[0]


@pytest.mark.parametrize("size", [0, 5, 2_000_000, 3_000_000])
def test_a_body_in_chunks_gets_its_length(size: int) -> None:
    body = b"x" * size
    assert _sent({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": BytesIO(body)}) == (str(size), body)


def test_a_body_that_names_its_length_keeps_it() -> None:
    assert _sent({"CONTENT_LENGTH": "3", "wsgi.input": BytesIO(b"abc")}) == ("3", b"abc")
    assert _sent({"CONTENT_LENGTH": "", "wsgi.input": BytesIO(b"not looked at")}) == ("", b"")
    assert _sent({"wsgi.input": BytesIO(b"not looked at")}) == ("", b"")


def test_a_body_without_end_is_cut_where_it_will_be_refused() -> None:
    sent = BytesIO(b"x" * (MOST_BYTES + 9_000_000))
    length, body = _sent({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": sent})
    assert int(length) == len(body) == MOST_BYTES
    assert sent.read() == b"", "what is left in the pipe would be taken for the next request"


@pytest.mark.parametrize("head", [{"CONTENT_LENGTH": "9500000"}, {"HTTP_TRANSFER_ENCODING": "chunked"}])
def test_a_body_is_there_before_anybody_asks_who_sends_it(head: dict[str, str]) -> None:
    """Or a key that was revoked while the body was held back would still be good."""
    sent = BytesIO(b"x" * 9_500_000)
    left: list[int] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        left.append(len(sent.read()))
        return []

    with_length(application)({**head, "wsgi.input": sent}, lambda *_: lambda _: None)
    assert left == [0]


def test_who_sends_too_much_is_heard_out_before_the_answer() -> None:
    """Or the connection breaks under them, and they never come to read why."""
    sent = BytesIO(b"x" * 9_500_000)
    environ = {"CONTENT_LENGTH": str(MOST_BYTES), "wsgi.input": sent}
    assert with_length(lambda *_: [b"413"])(environ, lambda *_: lambda _: None) == [b"413"]
    assert sent.read() == b""


def test_the_largest_file_that_any_call_takes_arrives_whole_in_chunks() -> None:
    """Cut off, it is still a table, of which nobody sees that half of it is missing."""
    assert MOST_BYTES > MAX_UPLOAD_BYTES + 10_000
    body = b"x" * 20_000_000
    assert _sent({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": BytesIO(body)}) == (str(len(body)), body)
