"""Middleware that only people in browsers need, kept away from machines.

A call with an API key has no session, no flash messages and no page to protect: the whole chain would cost it more than
recognising its key. Everything else goes through the chain as if it stood in ``MIDDLEWARE``.
"""

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.exception import convert_exception_to_response
from django.db import InterfaceError, OperationalError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
)
from django.middleware.common import CommonMiddleware
from django.middleware.gzip import GZipMiddleware
from django.middleware.locale import LocaleMiddleware
from django.urls import is_valid_path
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string

from api import problems
from core.database import timeouts
from desk import errors as pages


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problems.bad_request(request) if _is_machines(request) else pages.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody foresaw; of the database's own faults, in a view or in what stands around it, that one comes back later."""
    face: Any = problems if _is_machines(request) else pages
    error = sys.exc_info()[1]
    if error is not None and timeouts.ran_out(error):
        return _later(face.too_slow(request), wait_s=5)
    if isinstance(error, OperationalError | InterfaceError):
        return _later(face.database_away(request), wait_s=2)
    response: HttpResponse = face.server_error(request)
    return response


def _later(response: HttpResponse, *, wait_s: int) -> HttpResponse:
    response["Retry-After"] = str(wait_s)
    return response


def _is_machines(request: HttpRequest) -> bool:
    # Also where a base address that ended in a slash was put in front, or somebody wrote in capitals.
    return f"/{request.path.lstrip('/').lower()}".startswith(("/api", "/channels/", *_WATCHED))


_WATCHED = ("/healthz", "/readyz", "/metrics")


_Handler = Callable[[HttpRequest], HttpResponseBase]

#: What Django would call on a middleware in ``MIDDLEWARE`` and nobody calls on one in here.
_HOOKS = ("process_view", "process_exception", "process_template_response")

#: What an answer that is never a page says of itself, should somebody get a browser to show it as one.
_NOT_A_PAGE = "default-src 'none'; frame-ancestors 'none'"


class Compressed(GZipMiddleware):
    """Pages are a tenth as long. Django's has a random length, so that what is sealed in a page is not guessed by how long it
    is; pictures and workbooks are compressed already.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.get("Content-Type", "").startswith("text/"):
            return response
        return super().process_response(request, response)


def is_machine(request: HttpRequest) -> bool:
    """Whether this is a call with an API key. A cookie beside the key counts for nothing."""
    return (
        request.path_info.startswith("/api/v1/") and request.META.get("HTTP_AUTHORIZATION", "")[:7].lower() == "bearer "
    )


class Language(LocaleMiddleware):
    """As the library has it, for addresses of which none names its language: nothing is looked for in them."""

    def process_request(self, request: HttpRequest) -> None:
        translation.activate(translation.get_language_from_request(request))
        request.LANGUAGE_CODE = translation.get_language()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
        return response


class Common(CommonMiddleware):
    """As the library has it, but for whoever watches: the container's own check and a scraper ask a process by its address, which
    is no name of the installation.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info in _WATCHED else super().process_request(request)


def _looked_for_a_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether somebody opened an address in a browser that only forms are sent to."""
    return (
        response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        and request.method == "GET"
        and "text/html" in request.headers.get("Accept", "")
        and "HX-Request" not in request.headers
        and not _is_machines(request)
    )


def _page_of_the_form(request: HttpRequest) -> HttpResponse:
    """The page that it stands on, or the nearest above. After a form was refused its own address stands in the browser: whoever
    goes there again, or keeps it, would see nothing.
    """
    path = request.path_info.rpartition("/")[0]
    while path and not is_valid_path(path):
        path = path.rpartition("/")[0]
    return HttpResponseRedirect(path or "/")


class PagesOnly:
    """The chain of ``settings.PAGE_MIDDLEWARE``, around everything but calls with an API key."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: _Handler) -> None:
        self._direct = get_response
        handler: Any = get_response
        for path in reversed(settings.PAGE_MIDDLEWARE):
            middleware: Any = import_string(path)(handler)
            if any(hasattr(middleware, hook) for hook in _HOOKS):
                raise ImproperlyConfigured(f"{path} has hooks that are not passed on here: put it into MIDDLEWARE")
            handler = convert_exception_to_response(middleware)
        self._chain: _Handler = handler

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_machine(request):
            response = self._chain(request)
            return _page_of_the_form(request) if _looked_for_a_page(request, response) else response
        response = self._direct(request)
        response.headers.setdefault("Content-Security-Policy", _NOT_A_PAGE)
        return response
