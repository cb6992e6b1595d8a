"""Error pages. They can do without the database, so that they can be shown when it is the one in trouble."""

import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import is_valid_path
from django.utils.translation import gettext, gettext_noop

from core import tenant_wall
from desk.access import scope_of_request
from desk.rendering import REFUSED, is_htmx

logger = logging.getLogger(__name__)

#: A page that says one thing, and one of the desk with its navigation: what this person may do instead.
_ALONE, _AT_DESK = "base_solo.html", "shell/app.html"
_NOT_YOURS = gettext_noop("Your role or your stores do not include it. A manager can change that.")


def _page(template: str, request: HttpRequest, status: int) -> HttpResponse:
    # Only the address is passed on: context processors would ask for the person and their messages.
    context = {"request": request, "messages": (), "frame": _ALONE}
    return HttpResponse(render_to_string(template, context), status=status)


def _page_at_desk(template: str, request: HttpRequest, status: int) -> HttpResponse:
    """The same, for whoever is signed in, with all that leads on from here."""
    if request.path != "/desk" and not request.path.startswith("/desk/"):
        return _page(template, request, status)
    try:
        scope = scope_of_request(request)
        if scope is None:
            return _page(template, request, status)
        with tenant_wall.within(scope.staff.merchant_id):
            answer = render(request, template, {"frame": _AT_DESK}, status=status)
    except DatabaseError as error:
        logger.warning("no navigation on the page of a %s: %s", status, error)
        return _page(template, request, status)
    answer["Cache-Control"] = "private, no-store"
    return answer


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What came was no text, or no request at all."""
    return _page("400.html", request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_htmx(request) and request.method == "POST":
        # A form says so itself: the page, and what was typed, stay.
        context = {
            "text": f"{gettext(_NOT_YOURS)} {gettext('Nothing was changed and no money moved.')}",
            "look_url": "",
        }
        said = render_to_string("components/refusal.html", context)
        return HttpResponse(said, status=403, headers={REFUSED: "1"})
    return _page_at_desk("403.html", request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    typed, asked = request.path.rstrip("/"), request.META.get("QUERY_STRING", "")
    # People type a slash at an address's end; none of ours has one.
    if request.method == "GET" and typed != request.path and typed.startswith("/desk") and is_valid_path(typed):
        return HttpResponseRedirect(f"{typed}?{asked}" if asked else typed)
    return _page_at_desk("404.html", request, 404)


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
