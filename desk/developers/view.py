"""The page for developers, and test keys. Owners and managers only."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, Forbidden
from desk import words
from desk.access import Scope, staff_page, staff_posts
from desk.developers.page import TEST, developers_page
from desk.rendering import render_page
from integrations import sandbox
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
def revoke_test_key(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """It is dead from now on."""
    sandbox.revoke(key_id=key_id, by=scope.by, at=timezone.now())
    messages.success(request, gettext("The test key is revoked."))
    response = redirect("desk:developers")
    response["Location"] += f"?mode={TEST}"
    return response
