"""Reconciliation: the days, one day against its statement, what is done about differences. Finance, managers, owners."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import BinaryIO, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from core.database.timeouts import reports
from core.errors import DomainError, Forbidden, Invalid, NotFound
from core.money import yuan
from desk import filters, forms, reconciliation_page, words
from desk.access import Scope, staff_page
from desk.addresses import return_to, with_query
from desk.analytics.table import safe
from desk.templatetags.desk_format import when
from merchants import channels
from merchants.models import ChannelAccount
from merchants.rights import Act
from reconciliation import closing, days, differences, downloading, export, importing
from reconciliation.models import ReconciliationDay
from reconciliation.models.bill import MatchOutcome
from reconciliation.models.difference import Resolution


@require_safe
@staff_page(Act.SEE_RECONCILIATION)
def reconciliation(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Days by account, newest first."""
    query, now = request.GET, timezone.now()
    chosen = reconciliation_page.list_filters(scope)
    first, last = reconciliation_page.dates(query, today=timezone.localdate(now))
    found = filters.apply(
        days.days_of(merchant_id=scope.staff.merchant_id).filter(date__range=(first, last)), chosen, query
    )
    accounts = days.accounts_of(merchant_id=scope.staff.merchant_id).filter(is_active=True)
    rows = reconciliation_page.list_rows(found, at=now)
    context = {
        "now": now,
        "rows": rows,
        "totals": reconciliation_page.list_totals(rows, request.path, query),
        "filters": filters.menus(chosen, query, request.path),
        "has_filters": filters.any_chosen(chosen, query) or bool(query.get("from") or query.get("to")),
        "clear_filters_url": request.path,
        "date_from": first.isoformat(),
        "date_to": last.isoformat(),
        "hidden": filters.hidden(chosen, query),
        "accounts": [{"value": row.code, "label": f"{channels.label(row.channel)} · {row.code}"} for row in accounts],
        "upload_url": reverse("desk:reconciliation-add"),
        "open_dialog": query.get("do", ""),
    }
    return render(request, "desk/reconciliation.html", context)


@require_safe
@staff_page(Act.SEE_RECONCILIATION)
def day(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """One account's day: both totals, every refund by kind, the difference that the address names."""
    found = _day(scope, account, day)
    context = reconciliation_page.day_context(found, scope=scope, query=request.GET, at=timezone.now())
    return render(request, "desk/reconciliation_day.html", context)


@require_POST
@staff_page(Act.TAKE_STATEMENT)
def add(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Upload a statement for an account and day chosen in the form."""
    accounts = days.accounts_of(merchant_id=scope.staff.merchant_id)
    account = accounts.filter(code=request.POST.get("account", "")).first()
    try:
        wanted = date.fromisoformat(request.POST.get("date", ""))
    except ValueError:
        wanted = None
    if account is None or wanted is None or wanted >= timezone.localdate():
        messages.error(request, reconciliation_page.text_of("day_unknown"))
        return redirect("desk:reconciliation")
    return _upload(request, scope, account, wanted, back=reverse("desk:reconciliation"))


@require_POST
@staff_page(Act.TAKE_STATEMENT)
def upload(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Upload another version of the day's statement."""
    found = _day(scope, account, day)
    return _upload(request, scope, found.channel_account, found.date, back=reconciliation_page.address(found))


@require_POST
@staff_page(Act.TAKE_STATEMENT)
def download(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Fetch the statement from the channel now."""
    found = _day(scope, account, day)

    def act(at: datetime) -> str:
        return _taken_in(downloading.fetch_now(account=found.channel_account, day=found.date, by=scope.by, at=at))

    return _answer(request, act, back=reconciliation_page.address(found))


@require_POST
@staff_page(Act.CLOSE_DAY)
def close(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Close the day."""
    found = _day(scope, account, day)

    def act(at: datetime) -> str:
        forms.check_confirmed(request.POST)
        closing.close(day_id=found.pk, by=scope.by, at=at)
        return gettext("The day is closed.")

    return _answer(request, act, back=reconciliation_page.address(found))


@require_POST
@staff_page(Act.CLOSE_DAY)
def reopen(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Open a closed day again."""
    found = _day(scope, account, day)

    def act(at: datetime) -> str:
        closing.reopen(day_id=found.pk, note=request.POST.get("note", ""), by=scope.by, at=at)
        return gettext("The day is open again.")

    return _answer(request, act, back=reconciliation_page.address(found))


@require_POST
@staff_page(Act.RESOLVE_DIFFERENCE)
def resolve(request: HttpRequest, scope: Scope, difference_id: int) -> HttpResponse:
    """Say what became of a difference."""

    def act(at: datetime) -> str:
        differences.resolve(
            difference_id=difference_id,
            resolution=request.POST.get("resolution", ""),
            note=request.POST.get("note", ""),
            by=scope.by,
            at=at,
        )
        return gettext("The difference is resolved.")

    return _act(request, act)


@require_POST
@staff_page(Act.RESOLVE_DIFFERENCE)
def assign(request: HttpRequest, scope: Scope, difference_id: int) -> HttpResponse:
    """Give a difference to a colleague, or take it from everybody."""
    text = request.POST.get("owner", "")

    def act(at: datetime) -> str:
        if text and not (text.isascii() and text.isdecimal()):
            raise Invalid("no such colleague", code="unknown_assignee")
        differences.assign(difference_id=difference_id, owner_id=int(text) if text else None, by=scope.by, at=at)
        return gettext("The owner is noted.")

    return _act(request, act)


@require_POST
@staff_page(Act.ADOPT)
def adopt(request: HttpRequest, scope: Scope, difference_id: int) -> HttpResponse:
    """Make a refund of ours out of one made in the channel's portal."""

    def act(at: datetime) -> str:
        known = differences.differences_of(merchant_id=scope.staff.merchant_id)
        if not known.filter(pk=difference_id).exists():
            raise NotFound("there is no such difference")
        forms.check_confirmed(request.POST)
        made = differences.adopt(difference_id=difference_id, note=request.POST.get("note", ""), by=scope.by, at=at)
        return gettext("Adopted as %(number)s. No money moved: the channel had paid it already.") % {
            "number": made.number
        }

    return _act(request, act)


@require_safe
@staff_page(Act.SEE_RECONCILIATION)
@reports
def day_csv(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Every refund of the day as a table to take away, streamed: a day may have ten thousand."""
    found = _day(scope, account, day)
    streamed = StreamingHttpResponse(
        _csv(found),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="reconciliation-{found.channel_account.code}-{day}.csv"'
        },
    )
    return cast("HttpResponse", streamed)


class _Line:
    """What ``csv.writer`` writes to: gives each line back instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def _csv(found: ReconciliationDay) -> Iterator[str]:
    writer = csv.writer(_Line())
    headers = (
        gettext("Kind"),
        gettext("Refund"),
        gettext("Our number"),
        gettext("Channel's number"),
        gettext("Order"),
        gettext("Channel's sale"),
        gettext("Ours (¥)"),
        gettext("Statement (¥)"),
        gettext("Fee (¥)"),
        gettext("Channel's state"),
        gettext("Accepted"),
        gettext("Succeeded"),
        gettext("Resolution"),
        gettext("Note"),
        gettext("Owner"),
    )
    yield "\ufeff" + str(writer.writerow(headers))
    for row in export.rows(day=found):
        cells = (
            str(MatchOutcome(row.kind).label),
            row.request_number or "",
            row.refund_no,
            row.channel_refund_no,
            row.order_no,
            row.channel_transaction_no,
            "" if row.ours_fen is None else yuan(row.ours_fen),
            "" if row.bill_fen is None else yuan(row.bill_fen),
            yuan(row.fee_fen),
            row.channel_state,
            when(row.accepted_at),
            when(row.succeeded_at),
            str(Resolution(row.resolution).label) if row.resolution else "",
            row.note,
            row.owner,
        )
        yield str(writer.writerow([safe(cell) for cell in cells]))


def _day(scope: Scope, account: str, day: date) -> ReconciliationDay:
    return days.day_for(merchant_id=scope.staff.merchant_id, account_code=account, day=day)


def _upload(request: HttpRequest, scope: Scope, account: ChannelAccount, day: date, *, back: str) -> HttpResponse:
    def act(at: datetime) -> str:
        sent = request.FILES.get("file")
        if sent is None or sent.file is None:
            raise Invalid("no file came", code="file_missing")
        file = cast("BinaryIO", sent.file)
        return _taken_in(importing.upload(account=account, day=day, file=file, by=scope.by, at=at))

    target = reverse("desk:reconciliation-day", args=[account.code, day.isoformat()])
    return _answer(request, act, back=target, refused=back)


def _taken_in(imported: importing.Imported) -> str:
    if not imported.is_new:
        return gettext("This statement was taken in before; nothing changed.")
    return gettext("The statement is taken in: %(n)s refunds.") % {"n": imported.bill.refunds}


def _act(request: HttpRequest, act: Callable[[datetime], str]) -> HttpResponse:
    return _answer(request, act, back=return_to(request, with_query(reverse("desk:reconciliation"))))


def _answer(request: HttpRequest, act: Callable[[datetime], str], *, back: str, refused: str = "") -> HttpResponse:
    """One domain call, its outcome as a sentence on the page one comes back to."""
    try:
        done = act(timezone.now())
    except (Forbidden, NotFound):
        raise
    except DomainError as error:
        messages.error(request, words.short(error))
        return redirect(refused or back)
    messages.success(request, done)
    return redirect(back)
