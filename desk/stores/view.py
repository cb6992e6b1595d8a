"""Stores: opened, described, closed. Owners of the whole merchant."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import NotFound
from desk.access import Scope, staff_page
from desk.settings.layout import show, take
from desk.stores.page import store_page, stores_page
from merchants import stores as acts
from merchants.models import Store
from merchants.rights import Act


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.MANAGE_STORES)
def stores(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST opens one."""
    if request.method != "POST":
        return show(request, stores_page(scope=scope))

    def add() -> str:
        code = request.POST.get("code", "")
        opened = acts.open_store(code=code, **_described(request), by=scope.by, at=timezone.now())
        return gettext("%(store)s is open.") % {"store": opened.name}

    return take(
        request,
        form="open",
        act=add,
        page=lambda refusal: stores_page(scope=scope, refusal=refusal),
        back=reverse("desk:stores"),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.MANAGE_STORES)
def store(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """One store; a POST says what customers read of it."""
    found = _store(scope, code)
    if request.method != "POST":
        return show(request, store_page(store=found))

    def change() -> str:
        acts.change(store_id=found.pk, **_described(request), by=scope.by, at=timezone.now())
        return gettext("Saved.")

    return _take(request, found, "change", change)


@require_POST
@staff_page(Act.MANAGE_STORES)
def close(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """It sells no more."""
    found = _store(scope, code)

    def end() -> str:
        acts.close(store_id=found.pk, by=scope.by, at=timezone.now())
        return gettext("%(store)s is closed.") % {"store": found.name}

    return _take(request, found, "close", end)


@require_POST
@staff_page(Act.MANAGE_STORES)
def reopen(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """It sells again."""
    found = _store(scope, code)

    def begin() -> str:
        acts.reopen(store_id=found.pk, by=scope.by, at=timezone.now())
        return gettext("%(store)s is open.") % {"store": found.name}

    return _take(request, found, "reopen", begin)


def _take(request: HttpRequest, found: Store, form: str, act: Callable[[], str]) -> HttpResponse:
    return take(
        request,
        form=form,
        act=act,
        page=lambda refusal: store_page(store=found, refusal=refusal),
        back=reverse("desk:store", args=[found.code]),
    )


def _store(scope: Scope, code: str) -> Store:
    found = scope.stores().filter(code=code).first()
    if found is None:
        raise NotFound("there is no such store")
    return found


def _described(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "") for name in ("name", "phone", "address")}
