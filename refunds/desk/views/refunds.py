"""All refunds."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from refunds.desk import filters, keyset, numbers, rows
from refunds.desk.access import Scope, is_htmx, staff_page
from refunds.desk.addresses import with_query
from refunds.desk.analytics import links

PAGE_SIZE = 50
_NEWEST = keyset.Order(descending=True)


@require_safe
@staff_page()
def refunds(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first; found by any number, narrowed by the filters of the address."""
    query = request.GET
    chosen = [filters.state(), filters.channel(scope), filters.store(scope), filters.reason(), filters.amount()]
    text = query.get("q", "").strip()
    found = numbers.recognise(text, scope=scope).refunds if text else scope.requests()
    found = filters.apply(found, chosen, query)
    found = filters.within_days(found, "created_at", query)
    now = timezone.now()
    found = links.narrow(found, query, now=now)
    page = keyset.page(rows.lean(found), order=_NEWEST, cursor=query.get("c", ""), size=PAGE_SIZE)
    total, total_fen = keyset.count_and_sum(found)
    context = {
        "now": now,
        "query": text,
        "filters": [*filters.menus(chosen, query, request.path), *links.chips(query, request.path)],
        "has_filters": filters.any_chosen(chosen, query)
        or links.is_narrowed(query)
        or bool(query.get("from") or query.get("to")),
        "clear_filters_url": with_query(request.path),
        "date_from": filters.iso_day(query, "from"),
        "date_to": filters.iso_day(query, "to"),
        "hidden": filters.hidden(chosen, query, *links.PARAMETERS),
        "rows": rows.refunds(page.rows),
        "totals": {"count": total, "amount_fen": total_fen},
        "pager": rows.pager(page, total=total, path=request.path, query=query),
        "export_url": "",
        "new_url": reverse("desk:new"),
    }
    template = "desk/refunds.html#list" if is_htmx(request) else "desk/refunds.html"
    return render(request, template, context)
