"""Follow-up: money that is not there, questions, low scores, complaints, calls to make. Each has an owner and a time, and ends
with an answer that the customer reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import DomainError, Forbidden, Invalid, NotFound
from core.plain_text import plain_text
from desk import forms, words
from desk.access import Scope, staff_posts, staff_reads
from desk.addresses import refund as refund_url
from desk.filters import Choice
from desk.refund.page import find_typed
from desk.rendering import done, render_page
from merchants.rights import Act
from refunds.follow_up import reports
from refunds.models import CustomerReport
from refunds.models.customer_report import NOTED_BY_STAFF

#: As many are listed, the most urgent first.
_SHOWN = 100
_NEW = ("number", "kind", "words", "due_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An open case. ``proofs`` is how many payouts were shown as paid."""

    report: CustomerReport
    url: str
    words: str
    proofs: int
    is_late: bool
    is_mine: bool
    colleagues: Sequence[Choice]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsPage:
    """``refused`` is the case whose form was refused, with ``error`` and what was ``typed``."""

    rows: Sequence[Row]
    kinds: Sequence[Choice]
    new: Mapping[str, str]
    new_error: str = ""
    refused: int = 0
    error: str = ""
    typed: str = ""


@staff_reads(Act.ANSWER_REPORT)
def customer_reports(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list."""
    return render_page(request, "desk/reports.html", _page(scope, timezone.now()))


@staff_posts(Act.ANSWER_REPORT)
def take(request: HttpRequest, scope: Scope, report_id: int) -> HttpResponse:
    """Make it one's own."""
    try:
        reports.take(report_id=report_id, by=scope.by, at=timezone.now())
    except reports.ReportClosed as error:
        messages.error(request, words.short(error))
    else:
        messages.success(request, gettext("It is yours now."))
    return redirect("desk:customer-reports")


@staff_posts(Act.ANSWER_REPORT)
def note_task(request: HttpRequest, scope: Scope) -> HttpResponse:
    """A complaint, or a call that was promised."""
    typed, now = {name: request.POST.get(name, "").strip()[: reports.MAX_WORDS] for name in _NEW}, timezone.now()
    try:
        reports.note_task(
            request_id=find_typed(scope, typed["number"]).pk,
            kind=typed["kind"],
            words=typed["words"],
            due_at=forms.moment(typed["due_at"]) if typed["due_at"] else None,
            by=scope.by,
            at=now,
        )
    except Forbidden:
        raise
    except DomainError as error:
        page = replace(_page(scope, now), new=typed, new_error=words.short(error))
        return render_page(request, "desk/reports.html", page, status=words.status(error))
    return done(request, gettext("Noted, with an owner and a time."), "desk:customer-reports")


@staff_posts(Act.ANSWER_REPORT)
def hand_over(request: HttpRequest, scope: Scope, report_id: int) -> HttpResponse:
    """Give it to a colleague."""
    try:
        staff_id = forms.number(request.POST, "staff")
        report = reports.hand_over(report_id=report_id, staff_id=staff_id, by=scope.by, at=timezone.now())
    except (reports.ReportClosed, Invalid) as error:
        messages.error(request, words.short(error))
    else:
        messages.success(request, gettext("%(name)s sees to it now.") % {"name": report.owner})
    return redirect("desk:customer-reports")


@staff_posts(Act.ANSWER_REPORT)
def close(request: HttpRequest, scope: Scope, report_id: int) -> HttpResponse:
    """Close it with an answer."""
    outcome, now = request.POST.get("outcome", "")[: reports.MAX_WORDS], timezone.now()
    try:
        reports.close(report_id=report_id, outcome=outcome, by=scope.by, at=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as error:
        page = replace(_page(scope, now), refused=report_id, error=words.short(error), typed=outcome)
        return render_page(request, "desk/reports.html", page, status=words.status(error))
    return done(request, gettext("Closed. The customer reads your answer on their page."), "desk:customer-reports")


def _page(scope: Scope, now: datetime) -> ReportsPage:
    kinds = [Choice(kind.value, str(kind.label)) for kind in NOTED_BY_STAFF]
    return ReportsPage(rows=_rows(scope, now), kinds=kinds, new=dict.fromkeys(_NEW, ""))


def _rows(scope: Scope, now: datetime) -> list[Row]:
    @cache
    def colleagues(store_id: int) -> list[Choice]:
        return [Choice(str(one.pk), one.name) for one in reports.colleagues(store_id=store_id, by=scope.by)]

    return [
        Row(
            report=one,
            url=refund_url(one.request.number),
            words=plain_text(one.words),
            proofs=len(one.proofs),
            is_late=one.due_at is not None and one.due_at < now,
            is_mine=one.owner_id == scope.staff.pk,
            colleagues=colleagues(one.request.store_id),
        )
        for one in reports.open_reports(by=scope.by)[:_SHOWN]
    ]
