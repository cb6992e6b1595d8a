"""Bank transfers by the file: taken away, the bank's result read, and transfers that came back."""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext

from core.dry_run import taken_back
from core.errors import DomainError, Forbidden, Invalid, NotFound
from core.plain_text import one_line
from desk import words
from desk.access import Scope, staff_posts, staff_reads
from desk.refund.page import find, find_typed
from desk.rendering import as_file, done, render_page
from desk.transfers.page import transfers_page
from merchants.rights import Act
from refunds.payouts import payment_files, returned
from refunds.payouts.payment_files import Result

_TYPED = ("number", "trouble", "note", "holder_name", "account_no", "bank_name")


@staff_reads(Act.TAKE_TRANSFERS)
def transfers(request: HttpRequest, scope: Scope) -> HttpResponse:
    """What waits, the files, what came back."""
    return _page(request, scope)


@staff_posts(Act.TAKE_TRANSFERS)
def export(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Put what waits into a file."""
    try:
        made = payment_files.export(by=scope.by, at=timezone.now())
    except DomainError as error:
        return _refused(request, scope, error)
    return done(
        request, gettext("%(file)s is made. Download it, and take it to the bank.") % {"file": made}, "desk:transfers"
    )


@staff_posts(Act.TAKE_TRANSFERS)
def file(request: HttpRequest, scope: Scope, file_id: int) -> HttpResponseBase:
    """What of a file is not paid yet, as a table; the look at the accounts is recorded."""
    kind = "csv" if request.POST.get("as") == "csv" else "xlsx"
    try:
        found = payment_files.transfers_of(file_id=file_id, by=scope.by, at=timezone.now())
    except Invalid as error:
        raise NotFound("there is no such file") from error
    return as_file(payment_files.as_table(found, workbook=kind == "xlsx"), name=f"PF-{file_id:06d}.{kind}")


@staff_posts(Act.TAKE_TRANSFERS)
def result(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Read the bank's result: a file only to see what it says, then the same one, kept meanwhile, to record it."""
    sent, kept, at = request.FILES.get("file"), request.POST.get("kept", ""), timezone.now()
    try:
        if kept:
            content = payment_files.kept_result(ticket=kept, by=scope.by)
            return _page(request, scope, results=payment_files.read_result(content=content, by=scope.by, at=at))
        if sent is None or (sent.size or 0) > payment_files.MAX_BYTES:
            raise Invalid("no file, or too large a one", code="result_unreadable")
        content = sent.read()
        with taken_back():
            found = payment_files.read_result(content=content, by=scope.by, at=at)
        kept = payment_files.keep_result(content=content, by=scope.by)
    except DomainError as error:
        return _refused(request, scope, error)
    return _page(request, scope, results=found, kept=kept, file_name=one_line(sent.name or "", limit=80))


@staff_posts(Act.TAKE_TRANSFERS)
def note_return(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The bank sent a transfer back, or the customer named another account for one that it sent back."""
    typed = {key: request.POST.get(key, "").strip()[:300] for key in _TYPED}
    account = returned.NewAccount(typed["holder_name"], typed["account_no"], typed["bank_name"])
    try:
        returned.note(
            request_id=find_typed(scope, typed["number"]).pk,
            trouble=typed["trouble"],
            note=typed["note"],
            account=account if account.account_no or account.holder_name else None,
            by=scope.by,
            at=timezone.now(),
        )
    except DomainError as error:
        return _refused(request, scope, error, typed)
    return done(request, gettext("Noted; a colleague pays it again."), "desk:transfers")


@staff_posts(Act.PAY_BY_HAND)
def pay_again(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """What came back was paid again."""
    found = find(scope, number)
    reference = request.POST.get("reference_no", "")
    try:
        returned.pay_again(request_id=found.pk, reference_no=reference, by=scope.by, at=timezone.now())
    except DomainError as error:
        return _refused(request, scope, error)
    return done(request, gettext("%(number)s is paid again.") % {"number": found.number}, "desk:transfers")


def _refused(
    request: HttpRequest, scope: Scope, error: DomainError, typed: Mapping[str, str] | None = None
) -> HttpResponse:
    if isinstance(error, Forbidden) and error.code == "role_required":
        raise error
    return _page(request, scope, error=error, typed=typed)


def _page(
    request: HttpRequest,
    scope: Scope,
    *,
    results: Sequence[Result] = (),
    kept: str = "",
    file_name: str = "",
    error: DomainError | None = None,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    page = transfers_page(
        scope=scope,
        results=results,
        kept=kept,
        file_name=file_name,
        typed={**dict.fromkeys(_TYPED, ""), **(typed or {})},
        form_error=words.short(error) if error else "",
    )
    return render_page(request, "desk/transfers.html", page, status=words.status(error) if error else 200)
