"""Cases without a receipt: opened, confirmed, refunded without the sale, closed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language, gettext

from core.calendar import midnight
from core.errors import DomainError, Invalid, NotFound
from core.numbers import reference
from desk import forms, ways, words
from desk.access import Scope, staff_page, staff_posts, staff_reads
from desk.filters import day_typed
from desk.no_receipt.page import case_page, cases_page
from desk.rendering import done, render_page
from merchants.rights import Act
from refunds.intake import without_receipt
from refunds.intake.claims import Customer, Draft
from refunds.models import NoReceiptCase
from refunds.payouts import trade_queries
from refunds.rules import explanations
from refunds.rules.candidates import Told
from refunds.states import Reason
from terminals.models import PaymentWord

_FIELDS = ("kind", "store", "terminal", "channel", "amount", "from_date", "to_date", "card", "phone", "sku", "note")


@staff_page(Act.FIND_WITHOUT_RECEIPT)
def cases(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST opens a case."""
    now, error = timezone.now(), ""
    typed = {name: request.POST.get(name, "").strip()[:500] for name in _FIELDS}
    if request.method == "POST":
        try:
            case = without_receipt.open_case(
                kind=typed["kind"], told=_told(typed), note=typed["note"], by=scope.by, at=now
            )
        except Invalid as refused:
            error = words.explain(refused)
        else:
            return redirect("desk:no-receipt-case", case_id=case.pk)
    page = cases_page(scope=scope, at=now, typed=typed, form_error=error)
    return render_page(request, "desk/no_receipt.html", page, status=422 if error else 200)


@staff_reads(Act.FIND_WITHOUT_RECEIPT)
def case(request: HttpRequest, scope: Scope, case_id: int) -> HttpResponse:
    """One case."""
    found = without_receipt.find(case_id=case_id, by=scope.by)
    return render_page(request, "desk/no_receipt_case.html", case_page(found, scope=scope, at=timezone.now()))


View = Callable[[HttpRequest, int], HttpResponseBase]
Done = Callable[[HttpRequest, Scope, NoReceiptCase, datetime], str]


def _act(act: Act) -> Callable[[Done], View]:
    """A view of one act: back to the case with what came of it, or the case with why not."""

    def decorate(does: Done) -> View:
        @staff_posts(act)
        @wraps(does)
        def view(request: HttpRequest, scope: Scope, case_id: int) -> HttpResponse:
            now = timezone.now()
            found = without_receipt.find(case_id=case_id, by=scope.by)
            try:
                said = does(request, scope, found, now)
            except DomainError as error:
                if isinstance(error, NotFound) or error.code == "role_required":
                    raise
                fresh = without_receipt.find(case_id=case_id, by=scope.by)
                page = case_page(fresh, scope=scope, at=now, form_error=words.explain(error))
                return render_page(request, "desk/no_receipt_case.html", page, status=words.status(error))
            return done(request, said, "desk:no-receipt-case", case_id)

        return view

    return decorate


@_act(Act.FIND_WITHOUT_RECEIPT)
def confirm(request: HttpRequest, scope: Scope, found: NoReceiptCase, now: datetime) -> str:
    """Say which sale it is."""
    try:
        transaction_id = UUID(request.POST.get("sale", ""))
    except ValueError as error:
        raise NotFound("there is no such sale") from error
    without_receipt.confirm(case_id=found.pk, transaction_id=transaction_id, by=scope.by, at=now)
    return gettext("The sale is confirmed. Your name and the facts are kept with it.")


@_act(Act.ASK_CHANNEL)
def ask_channel(request: HttpRequest, scope: Scope, found: NoReceiptCase, now: datetime) -> str:
    """Ask the channel about the payment."""
    if found.sale_id is None:
        raise NotFound("no sale is confirmed")
    answer = trade_queries.ask_about_payment(transaction_id=found.sale_id, by=scope.by, at=now)
    if answer.word is PaymentWord.NO_ANSWER:
        return gettext("No answer: unknown")
    return explanations.payment_sentence(answer.word)


@_act(Act.FIND_WITHOUT_RECEIPT)
def reprint(request: HttpRequest, scope: Scope, found: NoReceiptCase, now: datetime) -> str:
    """The slip was printed again."""
    without_receipt.note_reprint(case_id=found.pk, by=scope.by, at=now)
    return gettext("Noted: the slip was printed again.")


@_act(Act.FIND_WITHOUT_RECEIPT)
def refund(request: HttpRequest, scope: Scope, found: NoReceiptCase, now: datetime) -> str:
    """A refund though nobody found the sale."""
    data, way = request.POST, ways.read(request.POST)
    if data.get("reason", "") not in Reason.values:
        raise Invalid("no reason was chosen", code="unknown_reason_code")
    draft = Draft(
        amount_fen=forms.amount_fen(data.get("amount", "")),
        reason=data["reason"],
        description=data.get("note", "").strip()[:1000],
        route=way.route,
        payee=way.account,
        customer=Customer(
            phone=forms.phone(data.get("phone", "")),
            locale="en" if (get_language() or "").startswith("en") else "zh-Hans",
        ),
        customer_consent=bool(data.get("consent")),
    )
    asked = without_receipt.refund_without_sale(case_id=found.pk, draft=draft, by=scope.by, at=now)
    return gettext("%(number)s submitted.") % {"number": asked.number}


@_act(Act.SETTLE_WITHOUT_RECEIPT)
def close(request: HttpRequest, scope: Scope, found: NoReceiptCase, now: datetime) -> str:
    """End the case."""
    said = {name: request.POST.get(name, "").strip()[:500] for name in ("cause", "prevention", "third_party")}
    without_receipt.close(case_id=found.pk, by=scope.by, at=now, **said)
    return gettext("The case is closed.")


def _told(typed: dict[str, str]) -> Told:
    for name in ("card", "phone"):
        if typed[name] and not (len(typed[name]) == 4 and typed[name].isascii() and typed[name].isdigit()):
            raise Invalid("not four digits", code="card_end_invalid")
    return Told(
        amount_fen=forms.amount_fen(typed["amount"]) if typed["amount"] else None,
        since=_midnight(typed["from_date"]),
        until=_midnight(typed["to_date"] or typed["from_date"], days=1),
        card_last4=typed["card"],
        phone_last4=typed["phone"],
        sku=reference(typed["sku"])[:64],
        store=typed["store"][:20],
        terminal=typed["terminal"][:20],
        channel=typed["channel"][:20],
    )


def _midnight(text: str, *, days: int = 0) -> datetime | None:
    day = day_typed(text)
    return midnight(day + timedelta(days=days)) if day else None
