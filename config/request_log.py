"""Calls with a key, as they were answered and how long it took, go into the log for those who write clients."""

from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api import calls
from config import request_id


class RequestLog:
    """The outermost but for the one that names the request."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._handle = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = perf_counter()
        response = self._handle(request)
        ms = int((perf_counter() - began) * 1_000)
        calls.note(request, response, ms=ms, request_id=request_id.current())
        return response
