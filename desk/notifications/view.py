"""Messages to customers: what was sent to whom, and what was not."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import Conflict, NotFound
from desk import words
from desk.access import Scope, staff_page
from desk.addresses import return_to
from desk.notifications.page import ResendPage, message_row, notifications_page
from desk.rendering import render_page
from merchants.rights import Act
from refunds.telling import resending


@require_safe
@staff_page(Act.SEE_QUEUE)
def notifications(request: HttpRequest, scope: Scope) -> HttpResponse:
    return render_page(request, "desk/notifications.html", notifications_page(request, scope))


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
    page = ResendPage(message_row(found), return_to(request, reverse("desk:notifications")))
    return render_page(request, "desk/resend.html", page)
