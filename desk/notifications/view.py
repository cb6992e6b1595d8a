"""Messages to customers: what was sent to whom, and what was not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, existing
from desk import filters, keyset, words
from desk.access import Scope, staff_page, staff_reads
from desk.addresses import return_to, with_query
from desk.filters import Narrowed
from desk.keyset import Capped
from desk.lists import Tools, tools
from desk.notices import Notice, notice
from desk.notifications.listing import COLUMNS, listed
from desk.rendering import render_page
from desk.rows import Pager, pager
from merchants.rights import Act
from refunds.models import Notification
from refunds.models.notification import NotificationState
from refunds.telling import outbox

_PAGE_SIZE = 50
_READ = (
    "event",
    "medium",
    "masked_recipient",
    "state",
    "attempts",
    "created_at",
    "sent_at",
    "last_error",
    "receipt",
    "text",
    "carrier",
    "delivered_at",
    "request__number",
)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as it is stored, and as it is worded; ``given_up``: it can be sent again."""

    message: Notification
    notice: Notice
    given_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsPage:
    narrowed: Narrowed
    rows: Sequence[MessageRow]
    total: Capped
    pager: Pager
    return_to: str
    tools: Tools


@dataclass(frozen=True, slots=True)
class ResendPage:
    row: MessageRow
    return_to: str


def notifications_page(request: HttpRequest, scope: Scope) -> NotificationsPage:
    """Newest first, by state, medium and days."""
    query, path = request.GET, request.path
    found = listed(query, scope=scope)
    narrowed = filters.narrowed(found.filters, query, path)
    if narrowed.query:
        narrowed = replace(narrowed, has_filters=True)
    shown = keyset.page(
        found.rows.select_related("request").only(*_READ), order=found.order, cursor=query.get("c", ""), size=_PAGE_SIZE
    )
    total = keyset.count(found.rows)
    return NotificationsPage(
        narrowed=narrowed,
        rows=[message_row(message) for message in shown.rows],
        total=total,
        pager=pager(shown, total=total, path=path, query=query),
        return_to=with_query(path, query, c=query.get("c", "")),
        tools=tools("notifications", query, path, scope=scope, columns=COLUMNS, amounts=False),
    )


def message_row(message: Notification) -> MessageRow:
    return MessageRow(message, notice(message), message.state == NotificationState.DEAD)


@staff_reads(Act.SEE_QUEUE)
def notifications(request: HttpRequest, scope: Scope) -> HttpResponse:
    return render_page(request, "desk/notifications.html", notifications_page(request, scope))


@staff_page(Act.RESEND)
def resend(request: HttpRequest, scope: Scope, notification_id: int) -> HttpResponse:
    """Which message would go out once more to whom; that page's POST sends it."""
    if request.method != "POST" or request.POST.get("confirmed") != "1":
        return _confirmation(request, scope, notification_id)
    try:
        outbox.resend(notification_id=notification_id, by=scope.by, at=timezone.now())
    except Conflict as error:
        messages.error(request, words.short(error))
    else:
        messages.success(request, gettext("The message goes out again."))
    return redirect(return_to(request, reverse("desk:notifications")))


def _confirmation(request: HttpRequest, scope: Scope, notification_id: int) -> HttpResponse:
    theirs = scope.notifications().defer("recipient").select_related("request")
    found = existing(theirs.filter(pk=notification_id).first(), "message")
    page = ResendPage(message_row(found), return_to(request, reverse("desk:notifications")))
    return render_page(request, "desk/resend.html", page)
