"""Error pages. They read no database, so that they can be shown when it is the one in trouble."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import is_valid_path


def _page(template: str, request: HttpRequest, status: int) -> HttpResponse:
    # Only the address is passed on: context processors would ask for the person and their messages.
    context = {"request": request, "messages": ()}
    return HttpResponse(render_to_string(template, context), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What came was no text, or no request at all."""
    return _page("400.html", request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page("403.html", request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    typed, asked = request.path.rstrip("/"), request.META.get("QUERY_STRING", "")
    # People type a slash at an address's end; none of ours has one.
    if request.method == "GET" and typed != request.path and typed.startswith("/desk") and is_valid_path(typed):
        return HttpResponseRedirect(f"{typed}?{asked}" if asked else typed)
    return _page("404.html", request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _page("500.html", request, 500)


def too_slow(request: HttpRequest) -> HttpResponse:
    """The database took too long, and was stopped."""
    return _page("503.html", request, 503)


def database_away(request: HttpRequest) -> HttpResponse:
    """The database is not there, or broke off."""
    return _page("503_away.html", request, 503)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was not ours, or was open for too long."""
    return _page("403_csrf.html", request, 403)
