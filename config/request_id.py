"""One id for a request, its answer and every log line in between: the caller's where it is a sane one."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.core.signals import request_finished
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "X-Request-Id"
_SANE = re.compile(r"[!-~]{1,100}")
_current: ContextVar[str] = ContextVar("request_id", default="-")


class RequestId:
    """The outermost middleware. What is answered below /api/v1 is nobody's to keep, either."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._handle = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = begin(request.headers.get(HEADER, ""))
        response = self._handle(request)
        response.headers[HEADER] = name
        if request.path_info.startswith("/api/v1/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def begin(given: str = "") -> str:
    """Name what is answered from here on: as the caller did, where that is a sane name."""
    name = given if _SANE.fullmatch(given) else uuid4().hex
    _current.set(name)
    return name


def _forget(**_: object) -> None:
    _current.set("-")


# Django itself writes of a refusal, and a stream of itself, only once the middleware is through.
request_finished.connect(_forget, dispatch_uid="request_id")


def current() -> str:
    """The id of the request that is being answered."""
    return _current.get()


class InEveryLine(logging.Filter):
    """Puts the id of the request that is being answered into a log record; ``-`` outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get()
        return True
