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


def test_a_body_that_names_its_length_is_left_alone() -> None:
    assert _sent({"CONTENT_LENGTH": "3", "wsgi.input": BytesIO(b"abc")}) == ("3", b"abc")
    assert _sent({"wsgi.input": BytesIO(b"not looked at")}) == ("", b"")


def test_a_body_without_end_is_cut_where_it_will_be_refused() -> None:
    sent = BytesIO(b"x" * (MOST_BYTES + 9_000_000))
    length, body = _sent({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": sent})
    assert int(length) == len(body) == MOST_BYTES
    assert sent.read() == b"", "what is left in the pipe would be taken for the next request"


def test_who_sends_too_much_is_heard_out_before_the_answer() -> None:
    """Or the connection breaks under them, and they never come to read why."""
    sent = BytesIO(b"x" * 9_500_000)
    environ = {"CONTENT_LENGTH": "9500000", "wsgi.input": sent}
    assert with_length(lambda *_: [b"413"])(environ, lambda *_: lambda _: None) == [b"413"]
    assert sent.read() == b""


def test_the_largest_file_that_any_call_takes_arrives_whole_in_chunks() -> None:
    """Cut off, it is still a table, of which nobody sees that half of it is missing."""
    assert MOST_BYTES > MAX_UPLOAD_BYTES + 10_000
    body = b"x" * 20_000_000
    assert _sent({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": BytesIO(body)}) == (str(len(body)), body)
