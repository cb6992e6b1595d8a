"""Open cases of customers: money that is not there, questions. Taken on, and closed with an answer that the customer reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import DomainError, Forbidden, NotFound
from core.plain_text import plain_text
from desk import words
from desk.access import Scope, staff_posts, staff_reads
from desk.addresses import refund as refund_url
from desk.rendering import render_page
from merchants.rights import Act
from refunds.follow_up import reports
from refunds.models import CustomerReport

#: As many are listed, the most urgent first.
_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An open case. ``proofs`` is how many payouts were shown as paid."""

    report: CustomerReport
    url: str
    words: str
    proofs: int
    is_late: bool
    is_mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsPage:
    """``refused`` is the case whose form was refused, with ``error`` and what was ``typed``."""

    rows: Sequence[Row]
    refused: int = 0
    error: str = ""
    typed: str = ""


@staff_reads(Act.ANSWER_REPORT)
def customer_reports(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list."""
    return render_page(request, "desk/reports.html", ReportsPage(rows=_rows(scope, timezone.now())))


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
def close(request: HttpRequest, scope: Scope, report_id: int) -> HttpResponse:
    """Close it with an answer."""
    outcome, now = request.POST.get("outcome", "")[: reports.MAX_WORDS], timezone.now()
    try:
        reports.close(report_id=report_id, outcome=outcome, by=scope.by, at=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as error:
        page = ReportsPage(rows=_rows(scope, now), refused=report_id, error=words.short(error), typed=outcome)
        return render_page(request, "desk/reports.html", page, status=words.status(error))
    messages.success(request, gettext("Closed. The customer reads your answer on their page."))
    return redirect("desk:customer-reports")


def _rows(scope: Scope, now: datetime) -> list[Row]:
    return [
        Row(
            report=one,
            url=refund_url(one.request.number),
            words=plain_text(one.words),
            proofs=len(one.proofs),
            is_late=one.due_at is not None and one.due_at < now,
            is_mine=one.owner_id == scope.staff.pk,
        )
        for one in reports.open_reports(by=scope.by)[:_SHOWN]
    ]
