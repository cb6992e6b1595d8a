"""Tills: registered, described, switched on and off. Owners and managers, each of their stores."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.database.timeouts import reports
from core.errors import existing, wrong
from desk.access import Scope, staff_page, staff_posts
from desk.filters import day_typed
from desk.settings.layout import take
from desk.terminals.page import terminal_page, terminals_page
from merchants.rights import Act
from merchants.stores import store_by_code
from terminals import tills
from terminals.models import Terminal


@staff_page(Act.MANAGE_TILLS)
@reports
def terminals(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST registers one."""
    now = timezone.now()

    def register() -> str:
        data = request.POST
        store = store_by_code(data.get("store", ""), by=scope.by)
        till = tills.register(
            store_id=store.pk, code=data.get("code", ""), name=data.get("name", ""), by=scope.by, at=now
        )
        return gettext("%(till)s is registered.") % {"till": till.code}

    return take(
        request,
        form="register",
        act=register,
        page=lambda: terminals_page(scope=scope, query=request.GET, at=now),
        back=reverse("desk:terminals"),
    )


@staff_posts(Act.MANAGE_TILLS)
def newest(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Name the newest version of the tills' software."""
    now = timezone.now()

    def name() -> str:
        tills.name_newest(version=request.POST.get("version", ""), by=scope.by, at=now)
        return gettext("The newest version is saved.")

    return take(
        request,
        form="newest",
        act=name,
        page=lambda: terminals_page(scope=scope, query=request.GET, at=now),
        back=reverse("desk:terminals"),
    )


@staff_page(Act.MANAGE_TILLS)
def terminal(request: HttpRequest, scope: Scope, terminal_id: int) -> HttpResponse:
    """One till; a POST says what people say of it."""
    now, till = timezone.now(), _till(scope, terminal_id)

    def change() -> str:
        data = request.POST
        tills.change(
            terminal_id=till.pk,
            name=data.get("name", ""),
            store_id=store_by_code(data.get("store", ""), by=scope.by).pk,
            next_service_date=_day(data.get("next_service_date", "")),
            by=scope.by,
            at=now,
        )
        return gettext("%(till)s is saved.") % {"till": till.code}

    return take(
        request,
        form="change",
        act=change,
        page=lambda: terminal_page(scope=scope, till=till, at=now),
        back=reverse("desk:terminal", args=[till.pk]),
    )


@staff_posts(Act.MANAGE_TILLS)
def refunds(request: HttpRequest, scope: Scope, terminal_id: int) -> HttpResponse:
    """Let it take refunds, or not."""
    now, till = timezone.now(), _till(scope, terminal_id)

    def switch() -> str:
        # Who switches it off says why; the other form has nothing to say.
        on = "reason" not in request.POST
        tills.switch_refunds(terminal_id=till.pk, on=on, reason=request.POST.get("reason", ""), by=scope.by, at=now)
        said = gettext("%(till)s takes refunds again.") if on else gettext("%(till)s takes no refunds.")
        return said % {"till": till.code}

    return take(
        request,
        form="refunds",
        act=switch,
        page=lambda: terminal_page(scope=scope, till=till, at=now),
        back=reverse("desk:terminal", args=[till.pk]),
    )


def _till(scope: Scope, terminal_id: int) -> Terminal:
    return existing(tills.tills_of(by=scope.by).filter(pk=terminal_id).first(), "terminal")


def _day(typed: str) -> date | None:
    found = day_typed(typed)
    if typed and found is None:
        raise wrong("next_service_date", code="day_invalid")
    return found
