"""One sale with its refunds."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from desk import rows, words
from desk.access import Scope, is_htmx, staff_page
from desk.answers import go_on, refusal
from desk.rendering import render_page
from desk.transaction.page import hold_of, transaction_page
from merchants.rights import Act, may
from refunds import queries
from refunds.payouts import contradictions

#: As many refunds of one sale are listed.
_SHOWN = 50


@require_safe
@staff_page()
def transaction(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """What was bought, what was refunded, what is left."""
    found = queries.transaction_for(
        merchant_id=scope.staff.merchant_id, transaction_id=transaction_id, store_ids=scope.store_ids
    )
    requests = rows.lean(scope.requests().filter(transaction=found)).order_by("-pk")[:_SHOWN]
    hold = hold_of(found, may_end=may(Act.END_HOLD, by=scope.by)) if found.held_at else None
    equal = rows.equal_sales(found, scope=scope, at=timezone.now())
    page = transaction_page(found, refunds=list(requests), equal=equal, hold=hold)
    return render_page(request, "desk/transaction.html", page)


@require_POST
@staff_page(Act.END_HOLD)
def end_hold(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """Let go of the sale, with what was found."""
    queries.transaction_for(
        merchant_id=scope.staff.merchant_id, transaction_id=transaction_id, store_ids=scope.store_ids
    )
    url = reverse("desk:transaction", args=[transaction_id])
    try:
        contradictions.end_hold(
            transaction_id=transaction_id,
            finding=request.POST.get("finding", ""),
            note=request.POST.get("note", ""),
            by=scope.by,
            at=timezone.now(),
        )
    except DomainError as error:
        if is_htmx(request):
            return refusal(request, error, look_url=url)
        messages.error(request, words.explain(error))
        return redirect(url)
    messages.success(request, gettext("The hold has ended. What waits for this sale goes on."))
    return go_on(request, url)
