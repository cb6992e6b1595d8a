"""All refunds."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.database.timeouts import reports
from core.errors import Invalid
from desk import export, filters, keyset, numbers, rows, words
from desk.access import Scope, is_htmx, staff_page
from desk.addresses import with_query
from desk.analytics import links
from desk.desk_list import desk_list
from desk.filters import Filter
from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.review import exporting

PAGE_SIZE = 50
_NEWEST = keyset.Order("created_at", descending=True)


@require_safe
@staff_page()
def refunds(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first; found by any number, narrowed by the filters of the address."""
    query, now = request.GET, timezone.now()
    chosen, found = _narrowed(query, scope=scope, at=now)
    page = keyset.page(rows.lean(found), order=_NEWEST, cursor=query.get("c", ""), size=PAGE_SIZE)
    total, total_fen = keyset.count_and_sum(found)
    context = {
        "now": now,
        "query": query.get("q", "").strip(),
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
        "export_url": export.export_url(query, scope),
        "export_most": exporting.MOST_ROWS,
        "new_url": reverse("desk:new"),
    }
    template = "desk/refunds.html#list" if is_htmx(request) else "desk/refunds.html"
    return render(request, template, context)


@require_safe
@staff_page(Act.EXPORT)
@reports
def refunds_csv(request: HttpRequest, scope: Scope) -> HttpResponseBase:
    """The list of the same address as a file; with ``view`` the one of the review desk."""
    query, now = request.GET, timezone.now()
    if query.get("view"):
        found = desk_list(query, scope=scope, at=now).rows
    else:
        _, found = _narrowed(query, scope=scope, at=now)
    try:
        found = exporting.checked(found, by=scope.by, filters={name: str(query[name]) for name in query}, at=now)
    except Invalid as error:
        messages.error(request, words.short(error))
        back = reverse("desk:queue" if query.get("view") else "desk:refunds")
        return redirect(with_query(back, query))
    name = f"refunds-{timezone.localtime(now):%Y%m%d-%H%M%S}.csv"
    return StreamingHttpResponse(
        export.lines(found),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"},
    )


def _narrowed(query: QueryDict, *, scope: Scope, at: datetime) -> tuple[list[Filter], QuerySet[RefundRequest]]:
    """The filters, and the refunds that they, the search and the address of a figure leave."""
    chosen = [filters.state(), filters.channel(scope), filters.store(scope), filters.reason(), filters.amount()]
    text = query.get("q", "").strip()
    found = numbers.recognise(text, scope=scope).refunds if text else scope.requests()
    found = filters.within_days(filters.apply(found, chosen, query), "created_at", query)
    return chosen, links.narrow(found, query, now=at)
