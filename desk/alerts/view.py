"""Where staff are told of trouble: added, tried, removed. Owners and managers of the whole merchant."""

from collections.abc import Callable
from datetime import time

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Invalid, existing, wrong
from desk.access import Scope, staff_page
from desk.alerts.page import alert_address_page, alerts_page
from desk.settings.layout import show, take
from integrations import alerts as acts
from integrations.models import AlertAddress
from merchants.rights import Act


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.CHANGE_CREDENTIALS)
def alerts(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST adds an address."""

    def add() -> str:
        data = request.POST
        wanted = acts.Wanted(
            kind=data.get("kind", ""),
            name=data.get("name", ""),
            address=data.get("address", "")[:500],
            secret=data.get("secret", "")[:200],
            language=data.get("language", ""),
            events=data.getlist("events"),
            quiet_from=_time(request, "quiet_from"),
            quiet_until=_time(request, "quiet_until"),
        )
        added = acts.add(wanted=wanted, by=scope.by, at=timezone.now())
        return gettext("%(name)s is told from now on. Send a test.") % {"name": added.name}

    return take(request, form="add", act=add, page=lambda: alerts_page(scope=scope), back=reverse("desk:alerts"))


@require_safe
@staff_page(Act.CHANGE_CREDENTIALS)
def address(request: HttpRequest, scope: Scope, address_id: int) -> HttpResponse:
    """One of them."""
    return show(request, alert_address_page(address=_address(scope, address_id)))


@require_POST
@staff_page(Act.CHANGE_CREDENTIALS)
def send_test(request: HttpRequest, scope: Scope, address_id: int) -> HttpResponse:
    """Say hello there."""

    def send() -> str:
        acts.send_test(address_id=address_id, by=scope.by, at=timezone.now())
        return gettext("Sent. Look whether it is there.")

    return _take(request, scope, address_id, "test", send, reverse("desk:alert-address", args=[address_id]))


@require_POST
@staff_page(Act.CHANGE_CREDENTIALS)
def remove(request: HttpRequest, scope: Scope, address_id: int) -> HttpResponse:
    """It is told nothing more, once that was ticked."""

    def forget() -> str:
        if not request.POST.get("confirmed"):
            raise Invalid("not ticked", code="not_confirmed")
        acts.remove(address_id=address_id, by=scope.by, at=timezone.now())
        return gettext("The address is removed.")

    return _take(request, scope, address_id, "remove", forget, reverse("desk:alerts"))


def _take(
    request: HttpRequest, scope: Scope, address_id: int, form: str, act: Callable[[], str], back: str
) -> HttpResponse:
    found = _address(scope, address_id)
    return take(request, form=form, act=act, page=lambda: alert_address_page(address=found), back=back)


def _address(scope: Scope, address_id: int) -> AlertAddress:
    return existing(acts.addresses_of(scope.by).filter(pk=address_id).first(), "address")


def _time(request: HttpRequest, name: str) -> time | None:
    typed = request.POST.get(name, "").strip()
    try:
        return time.fromisoformat(typed) if typed else None
    except ValueError as error:
        raise wrong(name, code="invalid") from error
