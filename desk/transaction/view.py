"""One sale with its refunds."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from desk import rows
from desk.access import Scope, staff_page
from desk.rendering import render_page
from desk.transaction.page import transaction_page
from refunds import queries
from terminals import orders

#: As many refunds of one sale are listed.
_SHOWN = 50


@require_safe
@staff_page()
def transaction(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """What was bought, what was refunded, what is left."""
    found = queries.transaction_for(
        merchant_id=scope.staff.merchant_id, transaction_id=transaction_id, store_ids=scope.store_ids
    )
    of_sale = queries.requests_of_sale(found).values("pk")
    requests = rows.lean(scope.requests().filter(pk__in=of_sale)).order_by("-pk")[:_SHOWN]
    others = [one for one in orders.siblings(found) if one.pk != found.pk]
    return render_page(request, "desk/transaction.html", transaction_page(found, refunds=list(requests), others=others))
