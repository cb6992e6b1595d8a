"""Sales, and one sale with its refunds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from desk import filters, keyset, numbers, refund_page, rows
from desk.access import Scope, is_htmx, staff_page
from desk.addresses import with_query
from merchants import channels
from refunds import queries
from refunds.telling.destinations import destination_label

PAGE_SIZE = 50
_NEWEST = keyset.Order("paid_at", descending=True)


@require_safe
@staff_page()
def transactions(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first; one box recognises receipt, order and channel numbers, and the end of a phone or card."""
    return transaction_list(request, scope, path=reverse("desk:transactions"))


def transaction_list(request: HttpRequest, scope: Scope, *, path: str) -> HttpResponse:
    """The list, also as the answer of the search box."""
    query = request.GET
    chosen = [filters.channel(scope), filters.store(scope), filters.amount()]
    text = query.get("q", "").strip()
    named = numbers.recognise(text, scope=scope)
    found = filters.apply(named.sales if text else scope.sales(), chosen, query)
    found = filters.within_days(found, "paid_at", query)
    shown = found.select_related("store", "terminal")
    page = keyset.page(shown, order=_NEWEST, cursor=query.get("c", ""), size=PAGE_SIZE)
    total, total_fen = keyset.count_and_sum(found)
    context = {
        "now": timezone.now(),
        "query": text,
        "recognised": gettext("taken for %(what)s") % {"what": named.recognised} if named.recognised else "",
        "refunds_url": with_query(reverse("desk:refunds"), q=text) if text and named.refunds.exists() else "",
        "filters": filters.menus(chosen, query, path),
        "has_filters": filters.any_chosen(chosen, query) or bool(query.get("from") or query.get("to")),
        "clear_filters_url": with_query(path),
        "date_from": filters.iso_day(query, "from"),
        "date_to": filters.iso_day(query, "to"),
        "hidden": filters.hidden(chosen, query),
        "rows": rows.sales(page.rows),
        "totals": {"count": total, "amount_fen": total_fen},
        "pager": rows.pager(page, total=total, path=path, query=query),
    }
    template = "desk/transactions.html#list" if is_htmx(request) else "desk/transactions.html"
    return render(request, template, context)


@require_safe
@staff_page()
def transaction(request: HttpRequest, scope: Scope, transaction_id: UUID) -> HttpResponse:
    """One sale: what was bought, what was refunded, what is left."""
    found = queries.transaction_for(
        merchant_id=scope.staff.merchant_id, transaction_id=transaction_id, store_ids=scope.store_ids
    )
    requests = rows.lean(scope.requests().filter(transaction=found)).order_by("-pk")[:PAGE_SIZE]
    sale: dict[str, Any] = {
        **rows.sale(found),
        "channel_label": channels.label(found.channel),
        "destination_label": destination_label(sale=found),
        "channel_no": found.channel_transaction_no,
        "till_label": refund_page.till_label(found.terminal),
        "source": found.source,
        "reporter_label": found.reported_by,
        # Three parts of one bar: paid back, under way, left.
        "under_way_fen": found.reserved_fen - found.refunded_fen,
        "lines": found.lines.all(),
    }
    context = {"now": timezone.now(), "sale": sale, "refunds": rows.refunds(requests)}
    return render(request, "desk/transaction.html", context)
