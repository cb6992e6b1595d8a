"""Bodies without a length: many HTTP clients stream, and Django takes what names no length for empty."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

#: A little more than any call takes: what is longer arrives cut, with the length at which it is refused.
_MOST_BYTES = 9_000_000
#: What a client still sends of a body that is refused is read and thrown away, or it would never come to read the answer.
_MOST_THROWN_AWAY = 100_000_000
_PIECE = 65_536


def with_length(application: WSGIApplication) -> WSGIApplication:
    """The same application, for which a body in chunks is one with a length. The server has undone the chunks."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(_MOST_BYTES)
            if len(body) == _MOST_BYTES:
                _throw_away(environ["wsgi.input"])
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return application(environ, start_response)

    return call


def _throw_away(rest: InputStream) -> None:
    left = _MOST_THROWN_AWAY
    while left > 0 and (piece := rest.read(_PIECE)):
        left -= len(piece)
