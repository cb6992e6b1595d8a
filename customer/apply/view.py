"""Applying from the receipt's code. No session, no cookie, no script: what is known between the steps goes by the ticket.

Nothing of a sale is shown before the code has come back: neither that there is one, nor whose phone it has but for its ends.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from core import clock, codes, tenant_wall
from core.client_address import client_address
from core.errors import DomainError, NotFound
from core.guessing import Bucket, Limit, TooManyGuesses, give_back, take
from core.money import NotAnAmount, fen_typed
from core.numbers import ascii_form, last_four
from core.plain_text import ascii_digits, folded, one_line
from customer.apply.page import FIELDS, apply_page
from customer.refund import view as following
from merchants.models import Store
from refunds.evidence.files import Picture
from refunds.intake import applying
from refunds.intake.applying import SaleFacts
from refunds.models.evidence import EvidenceKind
from refunds.telling import one_time, tracking
from refunds.telling.tracking import Receipt
from terminals.models import Transaction

#: Guesses at sales from one address; a right one does not count.
_GUESSES = Limit(free=10, first_wait_s=10, longest_wait_s=600)
#: Codes sent for one address. A whole town may share one.
_ASKED = Limit(free=30, first_wait_s=10, longest_wait_s=600)

Parameters = ParamSpec("Parameters")
View = Callable[Concatenate[HttpRequest, Receipt, Store, str, Parameters], HttpResponse]


def _at_a_store(view: View[Parameters]) -> Callable[..., HttpResponseBase]:
    """Open the address first: whatever is wrong with it, it is the page for wrong links; no answer is kept by anybody."""

    @csrf_exempt
    @wraps(view)
    def routed(
        request: HttpRequest, token: str, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> HttpResponseBase:
        try:
            receipt = tracking.receipt_of(token)
            # Of a sandbox nobody applies: their phone would be sent a code.
            store = Store.objects.select_related("merchant").get(pk=receipt.store_id, merchant__sandbox_of=None)
        except (NotFound, Store.DoesNotExist):
            return following.with_headers(following.unknown(request))
        language = following.visitors_language(request)
        with following.speaking(request, language), tenant_wall.within(store.merchant_id):
            response = view(request, receipt, store, token, *args, **kwargs)
            response["Content-Language"] = language
        return following.with_headers(response)

    return routed


@_at_a_store
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, receipt: Receipt, store: Store, token: str) -> HttpResponse:
    """Two facts; a POST that fits one sale sends a code to its phone."""
    typed = _typed(request)
    if request.method != "POST":
        return _page(request, store, token)
    address = client_address(request.META)
    try:
        take(Bucket(name=f"apply-all:{address}", limit=_ASKED))
        tried = take(Bucket(name=f"apply:{address}", limit=_GUESSES))
    except TooManyGuesses as refusal:
        return _wait(request, refusal.wait_s)
    try:
        sale = applying.find(facts=_facts(typed), store=store, transaction_id=receipt.transaction_id)
        phone = applying.phone_of(sale, typed=typed["phone"])
        ticket = one_time.send(
            phone=phone, transaction_id=sale.pk, merchant=store.merchant, language=_language(), at=clock.now()
        )
    except DomainError as error:
        if isinstance(error, one_time.TooManyCodes):
            return _wait(request, int(error.facts["retry_after_s"]))
        return _page(request, store, token, error=codes.words_for(error), typed=typed)
    give_back(tried)
    return _page(request, store, token, ticket=ticket, phone=phone, typed={"amount": typed["amount"]})


@_at_a_store
@require_POST
def send(request: HttpRequest, receipt: Receipt, store: Store, token: str) -> HttpResponse:
    """The code, and what is wanted back."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > following.MAX_BODY_BYTES:
        notice = gettext("That was too much at once: at most 6 pictures of 8 MB each. Nothing was sent.")
        return _page(request, store, token, error=notice, status=413)
    typed, ticket = _typed(request), request.POST.get("ticket", "")[:64]
    try:
        held = one_time.check(ticket=ticket, code=folded(ascii_digits(request.POST.get("code", "")))[:12])
        if made := one_time.begin(ticket):
            return _follow(made)
    except DomainError as error:
        refused = codes.words_for(error)
        return _page(request, store, token, error=refused, typed=typed, ticket=ticket)
    made = None
    try:
        kind = request.POST.get("kind", "") or EvidenceKind.PHOTO
        pictures: list[Picture] = following.read(request.FILES.getlist("files"), kind)
        made = applying.apply(
            transaction_id=held.transaction_id,
            phone=held.phone,
            amount_fen=_fen(typed["amount"]),
            reason=typed["reason"],
            description=request.POST.get("description", "")[:2000],
            consent=request.POST.get("consent") == "1",
            pictures={kind: pictures},
            locale="en" if _language() == "en" else "zh-Hans",
            at=clock.now(),
        ).pk
    except DomainError as error:
        sale = Transaction.objects.filter(pk=held.transaction_id).first()
        return _page(
            request,
            store,
            token,
            error=_why(error),
            typed=typed,
            ticket=ticket,
            phone=held.phone,
            sale=sale,
            missing=_missing(error),
        )
    finally:
        one_time.end(ticket, request_id=made)
    return _follow(made)


def _follow(request_id: UUID) -> HttpResponse:
    address = reverse("customer:refund", args=[tracking.token_for(request_id)])
    return HttpResponseRedirect(f"{address}?lang={_language()}&done=applied")


def _language() -> str:
    return translation.get_language() or settings.LANGUAGE_CODE


def _typed(request: HttpRequest) -> dict[str, str]:
    return {name: one_line(request.POST.get(name, ""), limit=200) for name in FIELDS}


def _facts(typed: dict[str, str]) -> SaleFacts:
    """Raises ``Invalid``-like refusals for what is no amount or day; what is no four digits fits nothing."""
    try:
        paid_on = date.fromisoformat(typed["paid_on"]) if typed["paid_on"] else None
    except ValueError as error:
        raise applying.NoSuchSale("no day") from error
    return SaleFacts(
        order_no=ascii_form(typed["order_no"])[:64],
        amount_fen=_fen(typed["amount"]) if typed["amount"] else None,
        paid_on=paid_on,
        card_last4=last_four(typed["card_last4"]),
        phone_last4=last_four(typed["phone_last4"]),
    )


class _NoAmount(DomainError, code="amount_invalid"):
    """What was typed is no amount."""

    status = 422


def _fen(text: str) -> int:
    try:
        fen = fen_typed(text)
    except NotAnAmount as error:
        raise _NoAmount("no amount", code=error.code) from error
    if fen <= 0:
        raise _NoAmount("no amount")
    return fen


def _missing(error: DomainError) -> str:
    if error.code != "evidence_missing":
        return ""
    wanted = error.facts.get("verdict", {}).get("evidence", ())
    return gettext(", ").join(str(EvidenceKind(kind).label) for kind in wanted if kind != EvidenceKind.WITNESS)


def _why(error: DomainError) -> str:
    """What the customer can do something about; with the rest the store helps."""
    if error.code in codes.CODES and error.code not in ("refused_by_policy",):
        return codes.words_for(error)
    return gettext("This cannot be asked for here. Please ask at the store; no money was moved.")


def _wait(request: HttpRequest, wait_s: int) -> HttpResponse:
    response = render(request, "429.html", {"wait_s": wait_s}, status=429)
    response["Retry-After"] = str(wait_s)
    return response


def _page(
    request: HttpRequest,
    store: Store,
    token: str,
    *,
    error: str = "",
    typed: dict[str, str] | None = None,
    ticket: str = "",
    phone: str = "",
    sale: Transaction | None = None,
    missing: str = "",
    status: int = 0,
) -> HttpResponse:
    page = apply_page(
        store=store,
        token=token,
        language=_language(),
        error=error,
        typed=typed,
        ticket=ticket,
        phone=phone,
        sale=sale,
        missing=missing,
    )
    return render(request, "customer/apply.html", {"page": page}, status=status or (422 if error else 200))
