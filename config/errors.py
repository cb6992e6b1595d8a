"""What is answered when no view could: problem documents to clients, channels and watchers, pages to people."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from api import problems
from desk import errors as pages


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problems.bad_request(request) if _is_machines(request) else pages.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return problems.server_error(request) if _is_machines(request) else pages.server_error(request)


def too_slow(request: HttpRequest) -> HttpResponse:
    """The database stopped a statement that took too long, or could not have what others hold."""
    response = problems.too_slow(request) if _is_machines(request) else pages.too_slow(request)
    response["Retry-After"] = "5"
    return response


def _is_machines(request: HttpRequest) -> bool:
    return request.path.startswith(("/api", "/channels/", "/healthz", "/readyz", "/metrics"))
