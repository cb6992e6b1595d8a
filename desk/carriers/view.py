"""Carriers of messages: contracts, templates, tests, orders. Owners and managers of the whole merchant."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import Invalid
from desk.access import Scope, staff_page
from desk.carriers.page import carrier_page, carriers_page
from desk.settings.layout import take, whole_number
from merchants.rights import Act
from refunds.telling import contracts
from refunds.telling.providers.contract import Template


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.CHANGE_CREDENTIALS)
def carriers(request: HttpRequest, scope: Scope) -> HttpResponse:
    """All providers, and the order of media; a POST changes the order of one event."""

    def change() -> str:
        event, language, order = (request.POST.get(name, "") for name in ("event", "language", "order"))
        contracts.set_order(event=event, language=language, order=order, by=scope.by, at=timezone.now())
        return gettext("The order is changed.")

    return take(
        request,
        form="order",
        act=change,
        page=lambda: carriers_page(scope=scope),
        back=reverse("desk:carriers"),
    )


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.CHANGE_CREDENTIALS)
def carrier(request: HttpRequest, scope: Scope, kind: str) -> HttpResponse:
    """One provider; a POST saves the contract."""
    its = contracts.provider(kind)

    def save() -> str:
        wanted = contracts.Wanted(
            given={name: request.POST.get(name, "") for name in its.fields},
            enabled=bool(request.POST.get("enabled")),
            position=whole_number(request.POST.dict(), "position"),
        )
        contracts.set_contract(kind=kind, wanted=wanted, by=scope.by, at=timezone.now())
        return gettext("The contract is saved.")

    return _take(request, scope, kind, "contract", save)


@require_POST
@staff_page(Act.CHANGE_CREDENTIALS)
def template(request: HttpRequest, scope: Scope, kind: str) -> HttpResponse:
    """The approved text of one event."""

    def save() -> str:
        contracts.set_template(
            kind=kind,
            event=request.POST.get("event", ""),
            language=request.POST.get("language", ""),
            template=Template(request.POST.get("id", "").strip(), request.POST.get("text", "")),
            by=scope.by,
            at=timezone.now(),
        )
        return gettext("The template is saved.")

    return _take(request, scope, kind, "template", save)


@require_POST
@staff_page(Act.CHANGE_CREDENTIALS)
def send_test(request: HttpRequest, scope: Scope, kind: str) -> HttpResponse:
    """One template, to somebody of one's own."""

    def send() -> str:
        event, _, language = request.POST.get("key", "").partition("/")
        said = contracts.send_test(
            kind=kind,
            event=event,
            language=language,
            recipient=request.POST.get("recipient", "").strip(),
            by=scope.by,
            at=timezone.now(),
        )
        return gettext("Handed over: %(text)s") % {"text": said}

    return _take(request, scope, kind, "test", send)


@require_POST
@staff_page(Act.CHANGE_CREDENTIALS)
def remove(request: HttpRequest, scope: Scope, kind: str) -> HttpResponse:
    """Forget the contract, once that was ticked."""

    def forget() -> str:
        if not request.POST.get("confirmed"):
            raise Invalid("not ticked", code="not_confirmed")
        contracts.remove(kind=kind, by=scope.by, at=timezone.now())
        return gettext("The contract is removed.")

    return _take(request, scope, kind, "remove", forget)


def _take(request: HttpRequest, scope: Scope, kind: str, form: str, act: Callable[[], str]) -> HttpResponse:
    its = contracts.provider(kind)
    return take(
        request,
        form=form,
        act=act,
        page=lambda: carrier_page(scope=scope, provider=its),
        back=reverse("desk:carrier", args=[kind]),
    )
