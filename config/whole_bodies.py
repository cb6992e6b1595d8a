"""Bodies that Django would read wrongly, or not at all, put right before it sees them.

Many HTTP clients stream: what names no length Django takes for empty. And it decodes the query by the charset of the body as soon
as it has the request in hand: there are charsets that are no text, and nothing of ours could answer for the fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

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
    """The same application, for which a body in chunks is one with a length. The server has undone the chunks, and ends a
    body where its length says.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH"):
            sent, body, size = environ["wsgi.input"], SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES), 0
            while piece := sent.read(min(_PIECE, MOST_BYTES - size)):
                size += body.write(piece)
            if size == MOST_BYTES:
                _throw_away(sent)
            body.seek(0)
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = body, str(size)
            return application(environ, start_response)
        answer = application(environ, start_response)
        if environ.get("CONTENT_LENGTH", "0") != "0":
            # Of what was refused for its length, or for who sent it.
            _throw_away(environ["wsgi.input"])
        return answer

    return call


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
