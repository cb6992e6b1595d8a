"""The search box of the top bar: one match opens, several are listed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from desk import numbers
from desk.access import Scope, staff_page
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.views.transactions import transaction_list


@require_safe
@staff_page()
def search(request: HttpRequest, scope: Scope) -> HttpResponse:
    """A refund's number opens the refund, a sale's the sale; a phone lists what belongs to it."""
    text = request.GET.get("q", "").strip()
    found = numbers.recognise(text, scope=scope)
    refunds = list(found.refunds.values_list("number", flat=True)[:2])
    sales = list(found.sales.values_list("pk", flat=True)[:2])
    if len(refunds) == 1 and not sales:
        return redirect(refund_url(refunds[0]))
    if len(sales) == 1:
        return redirect("desk:transaction", transaction_id=sales[0])
    if refunds and not sales:
        return redirect(with_query(reverse("desk:refunds"), q=numbers.clean(text)))
    return transaction_list(request, scope, path=reverse("desk:transactions"))
