"""Reconciliation: the days, one day against its statement, what is done about differences. Finance, managers, owners."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import BinaryIO, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.database.timeouts import reports
from core.errors import DomainError, Forbidden, Invalid, NotFound
from core.money import yuan
from core.spreadsheets import Columns, cell, csv_lines, name, table
from desk import forms, words
from desk.access import Scope, staff_posts, staff_reads
from desk.addresses import return_to
from desk.filters import day as day_of
from desk.reconciliation.day import address, day_page
from desk.reconciliation.page import reconciliation_page, text_of
from desk.rendering import as_file, render_page
from desk.templatetags.desk_format import when
from merchants.models import ChannelAccount
from merchants.rights import Act
from reconciliation import closing, days, differences, downloading, export, refusals, uploading
from reconciliation.importing import Imported
from reconciliation.models import FundStatement, ReconciliationDay
from reconciliation.models.bill import MatchOutcome
from reconciliation.models.difference import Resolution

#: What the file of a day shows.
COLUMNS: Columns = (
    (_("Kind"), lambda row: cell(str(MatchOutcome(row.kind).label))),
    (_("Refund"), lambda row: name(row.request_number or "")),
    (_("Our number"), lambda row: name(row.refund_no)),
    (_("Channel's number"), lambda row: name(row.channel_refund_no)),
    (_("Order"), lambda row: name(row.order_no)),
    (_("Channel's sale"), lambda row: name(row.channel_transaction_no)),
    (_("Ours (¥)"), lambda row: "" if row.ours_fen is None else yuan(row.ours_fen)),
    (_("Statement (¥)"), lambda row: "" if row.bill_fen is None else yuan(row.bill_fen)),
    (_("Fee (¥)"), lambda row: "" if row.fee_fen is None else yuan(row.fee_fen)),
    (_("Channel's state"), lambda row: name(row.channel_state)),
    (_("Accepted"), lambda row: when(row.accepted_at)),
    (_("Succeeded"), lambda row: when(row.succeeded_at)),
    (_("Resolution"), lambda row: cell(str(Resolution(row.resolution).label)) if row.resolution else ""),
    (_("Note"), lambda row: name(row.note)),
    (_("Owner"), lambda row: name(row.owner)),
)


def lines(day: ReconciliationDay) -> Iterator[str]:
    """The file line by line: a day may have ten thousand."""
    return csv_lines(table(COLUMNS, export.rows(day=day)))


@staff_reads(Act.SEE_RECONCILIATION)
def reconciliation(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Days by account, newest first."""
    page = reconciliation_page(request=request, scope=scope, at=timezone.now())
    return render_page(request, "desk/reconciliation.html", page)


@staff_reads(Act.SEE_RECONCILIATION)
def day(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """One account's day: both totals, every refund by kind, the difference that the address names."""
    page = day_page(day=_day(scope, account, day), scope=scope, query=request.GET, at=timezone.now())
    return render_page(request, "desk/reconciliation_day.html", page)


@staff_reads(Act.SEE_RECONCILIATION)
@reports
def day_csv(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponseBase:
    """Every refund of the day as a table to take away."""
    return as_file(lines(_day(scope, account, day)), name=f"reconciliation-{account}-{day}.csv")


@staff_posts(Act.TAKE_STATEMENT)
def add(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Upload a statement for an account and day chosen in the form."""
    accounts, wanted = days.accounts_of(merchant_id=scope.staff.merchant_id), day_of(request.POST, "date")
    account = accounts.filter(code=request.POST.get("account", "")).first()
    if account is None or wanted is None or wanted >= timezone.localdate():
        messages.error(request, text_of("day_unknown"))
        return redirect("desk:reconciliation")
    return _upload(request, scope, account, wanted, refused=reverse("desk:reconciliation"))


@staff_posts(Act.TAKE_STATEMENT)
def upload(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Upload another version of the day's statement."""
    found = _day(scope, account, day)
    return _upload(request, scope, found.channel_account, day, refused=address(found))


@staff_posts(Act.TAKE_STATEMENT)
def download(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Fetch the statement from the channel now."""
    found = _day(scope, account, day)
    with _refusals_said(request):
        _taken_in(
            request,
            downloading.fetch_now(account=found.channel_account, day=day, by=scope.by, at=timezone.now()),
        )
    return redirect(address(found))


@staff_posts(Act.CLOSE_DAY)
def close(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Close the day."""
    found = _day(scope, account, day)
    with _refusals_said(request):
        forms.check_confirmed(request.POST)
        closing.close(day_id=found.pk, by=scope.by, at=timezone.now())
        messages.success(request, gettext("The day is closed."))
    return redirect(address(found))


@staff_posts(Act.CLOSE_DAY)
def reopen(request: HttpRequest, scope: Scope, account: str, day: date) -> HttpResponse:
    """Open a closed day again."""
    found = _day(scope, account, day)
    with _refusals_said(request):
        closing.reopen(day_id=found.pk, note=request.POST.get("note", ""), by=scope.by, at=timezone.now())
        messages.success(request, gettext("The day is open again."))
    return redirect(address(found))


@staff_posts(Act.RESOLVE_DIFFERENCE)
def resolve(request: HttpRequest, scope: Scope, difference_id: int) -> HttpResponse:
    """Say what became of a difference."""
    with _refusals_said(request):
        differences.resolve(
            difference_id=difference_id,
            resolution=request.POST.get("resolution", ""),
            note=request.POST.get("note", ""),
            by=scope.by,
            at=timezone.now(),
        )
        messages.success(request, gettext("The difference is resolved."))
    return _back(request)


@staff_posts(Act.RESOLVE_DIFFERENCE)
def assign(request: HttpRequest, scope: Scope, difference_id: int) -> HttpResponse:
    """Give a difference to a colleague, or take it from everybody."""
    text = request.POST.get("owner", "")
    with _refusals_said(request):
        owner_id = forms.whole(text, digits=18)
        if text and owner_id is None:
            raise Invalid("no such colleague", code="unknown_assignee")
        differences.assign(difference_id=difference_id, owner_id=owner_id, by=scope.by, at=timezone.now())
        messages.success(request, gettext("The owner is noted."))
    return _back(request)


@staff_posts(Act.ADOPT)
def adopt(request: HttpRequest, scope: Scope, difference_id: int) -> HttpResponse:
    """Make a refund of ours out of one made in the channel's portal."""
    known = differences.differences_of(merchant_id=scope.staff.merchant_id)
    if not known.filter(pk=difference_id).exists():
        raise NotFound("there is no such difference")
    with _refusals_said(request):
        forms.check_confirmed(request.POST)
        note = request.POST.get("note", "")
        made = differences.adopt(difference_id=difference_id, note=note, by=scope.by, at=timezone.now())
        messages.success(request, words.adopted(made))
    return _back(request)


def _day(scope: Scope, account: str, day: date) -> ReconciliationDay:
    return days.day_for(merchant_id=scope.staff.merchant_id, account_code=account, day=day)


def _upload(request: HttpRequest, scope: Scope, account: ChannelAccount, day: date, *, refused: str) -> HttpResponse:
    back = refused
    with _refusals_said(request):
        sent = request.FILES.get("file")
        if sent is None or sent.file is None:
            raise Invalid("no file came", code="file_missing")
        file = cast("BinaryIO", sent.file)
        _taken_in(request, uploading.upload(account=account, day=day, file=file, by=scope.by, at=timezone.now()))
        back = reverse("desk:reconciliation-day", args=[account.code, day])
    return redirect(back)


def _taken_in(request: HttpRequest, imported: Imported | FundStatement) -> None:
    if isinstance(imported, FundStatement):
        done = gettext("The fund flow is taken in: %(n)s refunds paid out.") % {"n": imported.out_count}
    elif not imported.is_new:
        done = gettext("This statement was taken in before; nothing changed.")
    else:
        done = gettext("The statement is taken in: %(n)s refunds.") % {"n": imported.bill.refunds}
        if odd := imported.bill.set_aside_count:
            done += " " + gettext("%(n)s rows could not be used and were set aside.") % {"n": odd}
    messages.success(request, done)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(return_to(request, reverse("desk:reconciliation")))


@contextmanager
def _refusals_said(request: HttpRequest) -> Iterator[None]:
    """Around one domain call: why it was refused stands on the page that one comes back to."""
    try:
        yield
    except (Forbidden, NotFound):
        raise
    except DomainError as error:
        messages.error(request, refusals.sentence(error) or words.short(error))
