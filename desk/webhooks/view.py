"""Webhooks: added and shown their secret once, tried, called again, switched off. Owners and managers only."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, Invalid, NotFound
from desk import forms, words
from desk.access import Scope, staff_page, staff_posts, staff_reads
from desk.rendering import done, render_page
from desk.webhooks.page import EndpointRow, endpoint_row, webhook_page, webhooks_page
from integrations import endpoints
from integrations.endpoints import Wanted
from integrations.models import WebhookEndpoint
from merchants.api_keys import OVERLAPS
from merchants.rights import Act


@staff_page(Act.MANAGE_WEBHOOKS)
def webhooks(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST adds an endpoint and shows its secret this one time."""
    issued, error = None, ""
    if request.method == "POST":
        try:
            added = _add(request, scope)
            issued = endpoint_row(added, secret=added.secret)
        except Invalid as refused:
            error = words.short(refused)
    page = webhooks_page(
        scope=scope,
        issued=issued,
        typed_url=request.POST.get("url", "") if error else "",
        chosen=request.POST.getlist("types") if error else (),
        form_error=error,
    )
    return render_page(request, "desk/webhooks.html", page, status=422 if error else 200)


def _add(request: HttpRequest, scope: Scope) -> WebhookEndpoint:
    store = scope.store_or_all(request.POST.get("store", ""))
    wanted = Wanted(
        url=request.POST.get("url", "").strip()[:500],
        types=request.POST.getlist("types"),
        style="full" if request.POST.get("style") == "full" else "thin",
    )
    return endpoints.add(wanted=wanted, by=scope.by, at=timezone.now(), store=store)


@staff_reads(Act.MANAGE_WEBHOOKS)
def webhook(request: HttpRequest, scope: Scope, endpoint_id: int) -> HttpResponse:
    """One endpoint with its log."""
    return _page(request, endpoints.endpoint_of(endpoint_id=endpoint_id, by=scope.by))


@staff_posts(Act.MANAGE_WEBHOOKS)
def act(request: HttpRequest, scope: Scope, endpoint_id: int, name: str) -> HttpResponse:
    """One of ``_ACTS``. What cannot be taken back is ticked first."""
    endpoint = endpoints.endpoint_of(endpoint_id=endpoint_id, by=scope.by)
    if name not in _ACTS:
        raise NotFound("there is no such act")
    try:
        _check_ticked(request, name)
        answer = _ACTS[name](request, scope, endpoint)
    except (Invalid, Conflict) as error:
        return _page(request, endpoint, form_error=words.short(error), status=words.status(error))
    if isinstance(answer, WebhookEndpoint):
        return _page(request, answer, issued=endpoint_row(answer, secret=answer.secret))
    messages.success(request, answer)
    if name == "remove":
        return redirect("desk:webhooks")
    return redirect("desk:webhook", endpoint_id)


def _check_ticked(request: HttpRequest, name: str) -> None:
    if name in ("rotate", "remove") and not request.POST.get("confirmed"):
        raise Invalid("not ticked", code="not_confirmed")


def _test(_: HttpRequest, scope: Scope, endpoint: WebhookEndpoint) -> str:
    endpoints.test(endpoint_id=endpoint.pk, by=scope.by, at=timezone.now())
    return gettext("A test event is on its way. Its answer stands in the log in a moment.")


def _rotate(request: HttpRequest, scope: Scope, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    # What is no choice is refused as one that is not offered.
    overlap = OVERLAPS.get(request.POST.get("overlap", ""), timedelta.max)
    return endpoints.rotate(endpoint_id=endpoint.pk, by=scope.by, at=timezone.now(), overlap=overlap)


def _recover(request: HttpRequest, scope: Scope, endpoint: WebhookEndpoint) -> str:
    since = forms.moment(request.POST.get("since", ""), code="since_required")
    count = endpoints.recover(
        endpoint_id=endpoint.pk,
        since=since,
        by=scope.by,
        at=timezone.now(),
        delivered_too=bool(request.POST.get("delivered_too")),
    )
    return gettext("Events that are sent now, in order: %(n)s.") % {"n": count}


def _switch(*, enabled: bool) -> Callable[[HttpRequest, Scope, WebhookEndpoint], str]:
    def switch(_: HttpRequest, scope: Scope, endpoint: WebhookEndpoint) -> str:
        endpoints.change(endpoint_id=endpoint.pk, wanted=Wanted(enabled=enabled), by=scope.by, at=timezone.now())
        return gettext("It is switched on, from the next event on.") if enabled else gettext("It is switched off.")

    return switch


def _remove(_: HttpRequest, scope: Scope, endpoint: WebhookEndpoint) -> str:
    endpoints.remove(endpoint_id=endpoint.pk, by=scope.by, at=timezone.now())
    return gettext("%(url)s is called no more.") % {"url": endpoint.url}


#: An act says what it did; the one that gives a secret gives the endpoint.
_ACTS: Mapping[str, Callable[[HttpRequest, Scope, WebhookEndpoint], str | WebhookEndpoint]] = {
    "test": _test,
    "rotate": _rotate,
    "recover": _recover,
    "enable": _switch(enabled=True),
    "disable": _switch(enabled=False),
    "remove": _remove,
}


@staff_posts(Act.MANAGE_WEBHOOKS)
def replay(request: HttpRequest, scope: Scope, endpoint_id: int, delivery_id: int) -> HttpResponse:
    """Send one again."""
    try:
        endpoints.replay(endpoint_id=endpoint_id, delivery_id=delivery_id, by=scope.by, at=timezone.now())
    except Conflict as error:
        endpoint = endpoints.endpoint_of(endpoint_id=endpoint_id, by=scope.by)
        return _page(request, endpoint, form_error=words.short(error), status=words.status(error))
    return done(request, gettext("It is on its way again."), "desk:webhook", endpoint_id)


def _page(
    request: HttpRequest,
    endpoint: WebhookEndpoint,
    *,
    issued: EndpointRow | None = None,
    form_error: str = "",
    status: int = 200,
) -> HttpResponse:
    page = webhook_page(
        endpoint=endpoint,
        issued=issued,
        only_failed=request.GET.get("status") == "failed",
        form_error=form_error,
    )
    return render_page(request, "desk/webhook.html", page, status=status)
