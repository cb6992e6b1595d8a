"""Ending a payout with proof from the channel's portal: finance and owners, two people, a picture."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import DomainError, Invalid
from desk import forms, words
from desk.access import Scope, staff_page
from desk.portal.page import Typed, portal_page
from desk.refund.page import find
from desk.rendering import render_page
from desk.uploads import pictures_of
from merchants.rights import Act
from refunds.evidence.files import Picture
from refunds.models import RefundRequest
from refunds.payouts import ending
from refunds.payouts.ending import Finding
from refunds.states import State


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.END_UNKNOWN)
def say(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The form; a POST says what the portal shows, and decides nothing."""
    found = find(scope, number)
    if request.method != "POST":
        return _page(request, scope, found)
    try:
        ending.check(found, by=scope.by)
        ending.propose(
            request_id=found.pk,
            finding=_finding(request.POST),
            picture=_one_picture(request),
            by=scope.by,
            at=timezone.now(),
            version=forms.version(request.POST),
        )
    except DomainError as error:
        return _page(request, scope, find(scope, number), error=error)
    messages.success(
        request, gettext("%(number)s: written down. Somebody else of finance confirms it.") % {"number": number}
    )
    return redirect("desk:end-unknown", number=number)


@require_POST
@staff_page(Act.END_UNKNOWN)
def confirm(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """What was said happens."""
    found = find(scope, number)
    try:
        ending.check(found, by=scope.by)
        forms.check_confirmed(request.POST)
        done = ending.confirm(request_id=found.pk, by=scope.by, at=timezone.now(), version=forms.version(request.POST))
    except DomainError as error:
        return _page(request, scope, find(scope, number), error=error)
    said = (
        gettext("%(number)s is paid; the customer is told.")
        if done.state == State.REFUNDED
        else gettext("%(number)s was not paid; it can be sent out again under the same number.")
    )
    messages.success(request, said % {"number": number})
    return redirect("desk:refund", number=number)


def _finding(form: QueryDict) -> Finding:
    typed = _typed(form)
    if typed.shows not in ("paid", "nothing"):
        raise Invalid("the form does not say what the portal shows", code="finding_missing")
    if typed.shows == "nothing":
        return Finding(paid=False, note=typed.note)
    return Finding(
        paid=True,
        channel_refund_no=typed.channel_refund_no,
        paid_at=forms.moment(typed.paid_at),
        note=typed.note,
    )


def _one_picture(request: HttpRequest) -> Picture:
    pictures = pictures_of(request)
    if not pictures:
        raise Invalid("no picture was chosen", code="nothing_sent")
    return pictures[0]


def _typed(form: QueryDict) -> Typed:
    return Typed(
        shows=form.get("shows", ""),
        channel_refund_no=form.get("channel_refund_no", "").strip()[:64],
        paid_at=form.get("paid_at", ""),
        note=form.get("note", "").strip()[:300],
    )


def _page(
    request: HttpRequest, scope: Scope, found: RefundRequest, *, error: DomainError | None = None
) -> HttpResponse:
    text = words.short(error) if error else ""
    page = portal_page(found=found, scope=scope, typed=_typed(request.POST), error=text)
    return render_page(request, "desk/portal.html", page, status=words.status(error) if error else 200)
