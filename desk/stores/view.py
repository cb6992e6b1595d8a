"""Stores: opened, described, closed. Owners of the whole merchant."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from desk.access import Scope, staff_page, staff_posts
from desk.settings.layout import take
from desk.stores.page import store_page, stores_page
from merchants import stores as acts
from merchants.models import Store
from merchants.rights import Act
from merchants.stores import store_by_code


@staff_page(Act.MANAGE_STORES)
def stores(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST opens one."""

    def add() -> str:
        code = request.POST.get("code", "")
        opened = acts.open_store(code=code, **_described(request), by=scope.by, at=timezone.now())
        return gettext("%(store)s is open.") % {"store": opened.name}

    return take(request, form="open", act=add, page=lambda: stores_page(scope=scope), back=reverse("desk:stores"))


@staff_page(Act.MANAGE_STORES)
def store(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """One store; a POST says what customers read of it."""
    found = store_by_code(code, by=scope.by)

    def change() -> str:
        acts.change(store_id=found.pk, **_described(request), by=scope.by, at=timezone.now())
        return gettext("Saved.")

    return _take(request, found, "change", change)


@staff_posts(Act.MANAGE_STORES)
def close(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """It sells no more."""
    found = store_by_code(code, by=scope.by)

    def end() -> str:
        acts.close(store_id=found.pk, by=scope.by, at=timezone.now())
        return gettext("%(store)s is closed.") % {"store": found.name}

    return _take(request, found, "close", end)


@staff_posts(Act.MANAGE_STORES)
def reopen(request: HttpRequest, scope: Scope, code: str) -> HttpResponse:
    """It sells again."""
    found = store_by_code(code, by=scope.by)

    def begin() -> str:
        acts.reopen(store_id=found.pk, by=scope.by, at=timezone.now())
        return gettext("%(store)s is open.") % {"store": found.name}

    return _take(request, found, "reopen", begin)


def _take(request: HttpRequest, found: Store, form: str, act: Callable[[], str]) -> HttpResponse:
    return take(
        request,
        form=form,
        act=act,
        page=lambda: store_page(store=found),
        back=reverse("desk:store", args=[found.code]),
    )


def _described(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "") for name in ("name", "phone", "address")}
