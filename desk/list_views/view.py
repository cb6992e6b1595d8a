"""One's own views of lists: kept and removed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from core.errors import Invalid, NotFound
from desk import words
from desk.access import Scope, staff_posts
from desk.addresses import return_to
from merchants import saved_views

#: The lists that can be kept, by their address.
PAGES = {"refunds": "desk:refunds", "transactions": "desk:transactions", "notifications": "desk:notifications"}


@staff_posts()
def save(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Keep a list as it is narrowed and sorted."""
    page, query = request.POST.get("page", ""), request.POST.get("query", "")
    if page not in PAGES:
        raise NotFound("there is no such list")
    try:
        view = saved_views.keep(page=page, name=request.POST.get("name", ""), query=query, by=scope.by)
    except Invalid as error:
        messages.error(request, words.short(error))
        return redirect(f"{reverse(PAGES[page])}?{query}")
    return redirect(f"{reverse(PAGES[page])}?{view.query}")


@staff_posts()
def remove(request: HttpRequest, scope: Scope, view_id: int) -> HttpResponse:
    saved_views.remove(view_id=view_id, by=scope.by)
    return redirect(return_to(request, reverse("desk:refunds")))
