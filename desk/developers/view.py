"""The page for developers, and test keys. Owners and managers only."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, Forbidden, Invalid
from desk import words
from desk.access import Scope, staff_page, staff_posts
from desk.addresses import with_query
from desk.developers.page import ADVANCES, TEST, developers_page
from desk.rendering import render_page
from integrations import sandbox, sandbox_clock
from merchants.rights import Act


@staff_page(Act.MANAGE_KEYS)
def developers(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The sandbox, problems with their remedy, and calls; a POST makes a test key and shows it this one time."""
    issued = error = ""
    status = 200
    if request.method == "POST":
        try:
            _, issued = sandbox.issue(name=request.POST.get("name", ""), by=scope.by, at=timezone.now())
        except (Conflict, Forbidden) as refused:
            error, status = words.short(refused), words.status(refused)
    page = developers_page(scope=scope, query=request.GET, issued=issued, form_error=error)
    return render_page(request, "desk/developers.html", page, status=status)


@staff_posts(Act.MANAGE_KEYS)
def move_clock(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Say how far the sandbox's clock moves on: one of the ways that the page offers."""
    # What is none of them is refused as a way that is too short.
    advance = ADVANCES.get(request.POST.get("advance", ""), timedelta())
    try:
        sandbox_clock.aim_for_staff(advance=advance, by=scope.by)
    except (Conflict, Invalid) as refused:
        page = developers_page(scope=scope, query=QueryDict(f"mode={TEST}"), form_error=words.short(refused))
        return render_page(request, "desk/developers.html", page, status=words.status(refused))
    messages.success(request, gettext("The sandbox's clock is on its way; what falls due is done on it."))
    return redirect(_sandbox_url())


@staff_posts(Act.MANAGE_KEYS)
def revoke_test_key(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """It is dead from now on."""
    sandbox.revoke(key_id=key_id, by=scope.by, at=timezone.now())
    messages.success(request, gettext("The test key is revoked."))
    return redirect(_sandbox_url())


def _sandbox_url() -> str:
    return with_query(reverse("desk:developers"), mode=TEST)
