"""Sending a stuck payout to another account: finance, with the customer's card at hand."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters

from core.errors import DomainError, Forbidden, existing
from core.numbers import reference
from core.plain_text import person_name
from desk import forms, words
from desk.access import Scope, staff_page
from desk.rendering import done, render_page
from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.payouts import redirecting


@dataclass(frozen=True, slots=True)
class StuckPayout:
    amount_fen: int
    refund_no: str
    channel_refund_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckPage:
    """``payout`` is None without one; ``stuck`` says whether it can be sent elsewhere. Card and name are never shown again."""

    number: str
    payout: StuckPayout | None
    stuck: bool
    form_error: str
    to_merchant: bool
    bank_type: str


@sensitive_post_parameters("card_number", "holder_name")
@staff_page(Act.REDIRECT, Act.REDIRECT_TO_PERSON)
def send_elsewhere(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The form; a POST sends it to the channel. Card number and name are shown again to nobody."""
    found = existing(scope.requests().filter(number=number).first(), "refund")
    if request.method != "POST":
        return _form(request, found)
    try:
        forms.check_confirmed(request.POST)
        redirecting.send_elsewhere(request_id=found.pk, payee=_payee(request), by=scope.by, at=timezone.now())
    except DomainError as error:
        status = 403 if isinstance(error, Forbidden) else 422
        return _form(request, found, error=words.short(error), status=status)
    said = gettext("The channel has taken the other account. It will tell when the money is there.")
    return done(request, said, "desk:refund", number)


def _payee(request: HttpRequest) -> redirecting.OtherAccount:
    if request.POST.get("payee") == redirecting.PayeeKind.MERCHANT_ACCOUNT:
        return redirecting.OtherAccount(kind=redirecting.PayeeKind.MERCHANT_ACCOUNT)
    return redirecting.OtherAccount(
        kind=redirecting.PayeeKind.CUSTOMER_CARD,
        bank_type=request.POST.get("bank_type", "").strip().upper(),
        card_number=reference(request.POST.get("card_number", "")).replace("-", ""),
        holder_name=person_name(request.POST.get("holder_name", "")),
    )


def _form(request: HttpRequest, found: RefundRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    newest = found.executions.select_related("channel_account").order_by("-created_at").first()
    page = StuckPage(
        number=found.number,
        payout=StuckPayout(newest.amount_fen, newest.refund_no, newest.channel_refund_no) if newest else None,
        stuck=newest is not None and redirecting.can_be_sent_elsewhere(newest),
        form_error=error,
        to_merchant=request.POST.get("payee") == redirecting.PayeeKind.MERCHANT_ACCOUNT,
        bank_type=request.POST.get("bank_type", ""),
    )
    return render_page(request, "desk/stuck.html", page, status=status)
