"""gunicorn's worker, whose own refusals are problem documents like every other.

What is no request by the letters of HTTP never reaches Django: gunicorn answers it, with a page in English and without an id by
which somebody could find it in the log. In which language the caller reads is not known by then, so both are written.
"""

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker

from config import request_id

logger = logging.getLogger(__name__)

_ANSWER = (
    "HTTP/1.1 {status}\r\n"
    "Connection: close\r\n"
    "Content-Type: application/problem+json\r\n"
    "Content-Language: {languages}\r\n"
    "Content-Length: {length}\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    f"{request_id.HEADER}: {{name}}\r\n"
    "\r\n"
)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """``gthread``, but for what it says when it refuses."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not be read, or what fell through the application, and write it to the log."""
        name = request_id.begin()
        status = _status_of(exc)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("nothing answered %s", getattr(req, "uri", "a request"), exc_info=exc)
        else:
            logger.warning("refused what came from %s: %s", addr[0] if addr else "-", ascii(str(exc))[:200])
        # By name: gunicorn loads this before the application, and with it the faces, are there.
        body: bytes = import_string("api.problems.unread")(status)
        head = _ANSWER.format(
            status=f"{status.value} {status.phrase}",
            languages=", ".join(language for language, _ in settings.LANGUAGES),
            length=len(body),
            name=name,
        )
        try:
            util.write_nonblock(client, head.encode() + body)
        except OSError:
            logger.info("nobody waits for the answer any more")


def _status_of(exc: BaseException) -> HTTPStatus:
    if isinstance(exc, LimitRequestLine):
        return HTTPStatus.REQUEST_URI_TOO_LONG
    if isinstance(exc, LimitRequestHeaders):
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    if isinstance(exc, ParseException):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.INTERNAL_SERVER_ERROR
