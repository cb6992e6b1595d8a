"""Bodies that Django would read wrongly, too late or not at all, put right before it sees them.

Many HTTP clients stream: what names no length Django takes for empty. And it decodes the query by the charset of the body as soon
as it has the request in hand: there are charsets that are no text, and nothing of ours could answer for the fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

#: A little more than any call takes, a statement of 100 MB: what is longer arrives cut, with the length at which it is refused.
MOST_BYTES = 101_000_000
#: Above this a body goes from memory to disk.
_IN_MEMORY_BYTES = 2_500_000
#: What a client still sends of a body that is refused is read and thrown away, or it would never come to read the answer.
_MOST_THROWN_AWAY = 100_000_000
_PIECE = 65_536


def with_length(application: WSGIApplication) -> WSGIApplication:
    """The same application, for which a body in chunks is one with a length, and every body is there before anybody asks who
    sends it: whoever held one back would be who they were then, with a key or a right that was taken from them meanwhile. The
    server has undone the chunks, and ends a body where its length says.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        if ("HTTP_TRANSFER_ENCODING" in environ and not length) or _is_some(length):
            body, size = _whole(environ["wsgi.input"], length=length)
            if not length:
                environ["CONTENT_LENGTH"] = str(size)
            environ["wsgi.input"] = body
            with body:
                return application(environ, start_response)
        answer = application(environ, start_response)
        if length not in ("", "0"):
            # Of what was refused for its length.
            _throw_away(environ["wsgi.input"])
        return answer

    return call


def _is_some(length: str) -> bool:
    return length.isascii() and length.isdigit() and 0 < int(length[:18]) < MOST_BYTES


def _whole(sent: InputStream, *, length: str) -> tuple[IO[bytes], int]:
    """All that is sent, and how much that is; of what is too much the beginning, and the rest thrown away."""
    most = int(length) if length else MOST_BYTES
    body: IO[bytes] = BytesIO()
    # One that may go to disk costs a small call more than reading its body.
    if most > _IN_MEMORY_BYTES:
        body = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by who asked for it
    size = 0
    while size < most and (piece := sent.read(min(_PIECE, most - size))):
        size += body.write(piece)
    if size == MOST_BYTES:
        _throw_away(sent)
    body.seek(0)
    return body, size


def with_text_charset(application: WSGIApplication) -> WSGIApplication:
    """The same application, for which a charset that text does not come in is Latin-1: it is refused where forms are read."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "charset" in (kind := environ.get("CONTENT_TYPE", "")).lower():
            environ["CONTENT_TYPE"] = _CHARSET.sub(_of_text, kind)
        return application(environ, start_response)

    return call


#: Ours, and those in which channels have been known to write.
_TEXT_CHARSETS = {"utf-8", "utf8", "gbk", "gb2312", "gb18030", "us-ascii", "iso-8859-1"}
_CHARSET = re.compile(r"(charset\*?[0-9]*\*?\s*=\s*)([^;]*)", re.IGNORECASE)


def _of_text(named: re.Match[str]) -> str:
    return named[0] if named[2].strip("\"' ").lower() in _TEXT_CHARSETS else f"{named[1]}iso-8859-1"


def _throw_away(rest: InputStream) -> None:
    left = _MOST_THROWN_AWAY
    while left > 0 and (piece := rest.read(_PIECE)):
        left -= len(piece)
