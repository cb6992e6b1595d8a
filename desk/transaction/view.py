"""One sale with its refunds, and setting right what was reported of it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters

from core.errors import DomainError, NotFound
from desk import rows, words
from desk.access import Scope, staff_posts, staff_reads
from desk.refund.sale import till_url
from desk.rendering import done, go_on, is_htmx, refusal, render_page
from desk.transaction import correction
from desk.transaction.correction import Typed
from desk.transaction.page import asked_of, hold_of, transaction_page
from merchants.rights import Act
from reconciliation import portal
from refunds import queries
from refunds.evidence.picture_response import stored_response
from refunds.payouts import contradictions, trade_queries
from refunds.rules import explanations
from terminals import orders
from terminals.correcting import correct_sale
from terminals.models import Deposit, PaymentWord, Transaction

#: As many refunds of one sale are listed.
_SHOWN = 50


@staff_reads()
def transaction(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """What was bought, what was refunded, what is left."""
    return _page(request, scope, _find(scope, transaction_id))


@staff_reads()
def terms(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """The paper with a deposit's terms."""
    deposit = Deposit.objects.filter(pk=_find(scope, transaction_id).pk).exclude(document_path="").first()
    if deposit is None:
        raise NotFound("no paper is kept with this sale")
    return stored_response(deposit.document_path, deposit.document_type, name=f"terms-{deposit.pk}")


@sensitive_post_parameters("payer_phone")
@staff_posts(Act.CORRECT_SALE)
def correct(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """What differs from the sale as it is, with the reason; a refused form keeps what was typed."""
    found = _find(scope, transaction_id)
    filled_in = correction.typed(request.POST, found)
    try:
        correct_sale(
            transaction_id=found.pk,
            correction=correction.correction(filled_in, found),
            reason=filled_in.reason[:200],
            by=scope.by,
            at=timezone.now(),
            seen=filled_in.seen,
        )
    except DomainError as error:
        return _page(request, scope, _find(scope, transaction_id), filled_in=filled_in, error=error)
    said = gettext("The sale is corrected. What it said before is kept.")
    return done(request, said, "desk:transaction", found.pk)


@staff_posts(Act.END_HOLD)
def end_hold(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """Let go of the sale, with what was found."""
    url = reverse("desk:transaction", args=[_find(scope, transaction_id).pk])
    try:
        contradictions.end_hold(
            transaction_id=transaction_id,
            finding=request.POST.get("finding", ""),
            note=request.POST.get("note", ""),
            by=scope.by,
            at=timezone.now(),
        )
    except DomainError as error:
        return _refused(request, error, url)
    messages.success(request, gettext("The hold has ended. What waits for this sale goes on."))
    return go_on(request, url)


@staff_posts(Act.ASK_CHANNEL)
def ask(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """Ask the channel about the payment; the page then shows what it says."""
    url = reverse("desk:transaction", args=[_find(scope, transaction_id).pk])
    try:
        answer = trade_queries.ask_about_payment(transaction_id=transaction_id, by=scope.by, at=timezone.now())
    except DomainError as error:
        return _refused(request, error, url)
    tell = messages.warning if answer.word is PaymentWord.NO_ANSWER else messages.success
    tell(request, explanations.payment_sentence(answer.word))
    return go_on(request, url)


@staff_posts(Act.ADOPT)
def adopt(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """Take what the channel says that its portal refunded into the books."""
    url = reverse("desk:transaction", args=[_find(scope, transaction_id).pk])
    try:
        adopted = portal.adopt_of_sale(transaction_id=transaction_id, by=scope.by, at=timezone.now())
    except DomainError as error:
        return _refused(request, error, url)
    messages.success(request, words.adopted(adopted))
    return go_on(request, url)


def _refused(request: HttpRequest, error: DomainError, url: str) -> HttpResponse:
    if is_htmx(request):
        return refusal(request, error, look_url=url)
    messages.error(request, words.explain(error))
    return redirect(url)


def _find(scope: Scope, transaction_id: UUID) -> Transaction:
    return queries.transaction_for(
        merchant_id=scope.staff.merchant_id, transaction_id=transaction_id, store_ids=scope.store_ids
    )


def _page(
    request: HttpRequest,
    scope: Scope,
    found: Transaction,
    *,
    filled_in: Typed | None = None,
    error: DomainError | None = None,
) -> HttpResponse:
    of_sale = queries.requests_of_sale(found).values("pk")
    requests = rows.lean(scope.requests().filter(pk__in=of_sale)).order_by("-pk")[:_SHOWN]
    form = None
    if scope.may(Act.CORRECT_SALE):
        stores = list(scope.stores().values_list("code", flat=True))
        form = correction.form(found, stores=stores, filled_in=filled_in, error=words.short(error) if error else "")
    at = timezone.now()
    page = transaction_page(
        found,
        refunds=list(requests),
        equal=rows.equal_sales(found, scope=scope, at=at),
        others=[one for one in orders.siblings(found) if one.pk != found.pk],
        hold=hold_of(found, may_end=scope.may(Act.END_HOLD)) if found.held_at else None,
        correction=form,
        till_url=till_url(found.terminal, scope=scope),
        asked=asked_of(found, may_ask=scope.may(Act.ASK_CHANNEL), may_adopt=scope.may(Act.ADOPT), at=at),
        at=at,
    )
    return render_page(request, "desk/transaction.html", page, status=words.status(error) if error else 200)
