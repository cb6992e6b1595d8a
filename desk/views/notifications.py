"""Messages to customers: what was sent to whom, and what was not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import Conflict, NotFound
from desk import filters, keyset, payouts, rows, words
from desk.access import Scope, staff_page
from desk.addresses import refund as refund_url
from desk.addresses import return_to, with_query
from desk.filters import Choice, Filter
from merchants.rights import Act
from refunds.models import Notification
from refunds.models.notification import Medium, NotificationState
from refunds.telling import resending

PAGE_SIZE = 50
_NEWEST = keyset.Order("created_at", descending=True)


@require_safe
@staff_page(Act.SEE_QUEUE)
def notifications(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first, by state and medium."""
    query = request.GET
    chosen = [_state(), _medium()]
    found = filters.apply(scope.notifications(), chosen, query)
    text = query.get("q", "").strip()
    if text:
        # Numbers are in capitals; asking the database to fold its own would read them all.
        found = found.filter(request__number=text.upper())
    found = filters.within_days(found, "created_at", query)
    page = keyset.page(
        found.select_related("request").only(
            "event",
            "medium",
            "masked_recipient",
            "state",
            "attempts",
            "created_at",
            "sent_at",
            "last_error",
            "receipt",
            "request__number",
        ),
        order=_NEWEST,
        cursor=query.get("c", ""),
        size=PAGE_SIZE,
    )
    total = keyset.count(found)
    context = {
        "now": timezone.now(),
        "query": text,
        "filters": filters.menus(chosen, query, request.path),
        "has_filters": filters.any_chosen(chosen, query) or any(query.get(name) for name in ("q", "from", "to")),
        "clear_filters_url": with_query(request.path),
        "date_from": filters.iso_day(query, "from"),
        "date_to": filters.iso_day(query, "to"),
        "hidden": filters.hidden(chosen, query),
        "rows": [_row(item) for item in page.rows],
        "totals": {"count": total},
        "pager": rows.pager(page, total=total, path=request.path, query=query),
        "return_to": with_query(request.path, query, c=query.get("c", "")),
    }
    return render(request, "desk/notifications.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.RESEND)
def resend(request: HttpRequest, scope: Scope, notification_id: int) -> HttpResponse:
    """Which message would go out once more to whom; that page's POST sends it."""
    if request.method != "POST" or request.POST.get("confirmed") != "1":
        return _confirmation(request, scope, notification_id)
    try:
        resending.resend(notification_id=notification_id, by=scope.by, at=timezone.now())
    except Conflict as error:
        messages.error(request, words.short(error))
    else:
        messages.success(request, gettext("The message goes out again."))
    return redirect(return_to(request, reverse("desk:notifications")))


def _confirmation(request: HttpRequest, scope: Scope, notification_id: int) -> HttpResponse:
    found = scope.notifications().defer("recipient").select_related("request").filter(pk=notification_id).first()
    if found is None:
        raise NotFound("there is no such message")
    context = {
        "row": _row(found),
        "given_up": found.state == NotificationState.DEAD,
        "return_to": return_to(request, reverse("desk:notifications")),
    }
    return render(request, "desk/resend.html", context)


def _row(item: Notification) -> dict[str, Any]:
    return {
        **payouts.message(item),
        "medium_label": Medium(item.medium).label,
        "number": item.request.number,
        "url": refund_url(item.request.number),
        "attempts": item.attempts,
        "resend_url": reverse("desk:resend", args=[item.pk]) if item.state == NotificationState.DEAD else "",
    }


def _state() -> Filter:
    choices = [Choice(item.value, str(item.label)) for item in NotificationState]
    return Filter("state", gettext("State"), choices, lambda value: Q(state=value))


def _medium() -> Filter:
    choices = [Choice(item.value, str(item.label)) for item in Medium]
    return Filter("medium", gettext("Medium"), choices, lambda value: Q(medium=value))
