"""All refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.database.timeouts import reports
from core.errors import Invalid
from desk import filters, keyset, numbers, rows, words
from desk.access import Scope, staff_reads
from desk.addresses import with_query
from desk.analytics import links
from desk.filters import Filter, Narrowed
from desk.keyset import Total
from desk.queue.listing import desk_list
from desk.refunds import export
from desk.rendering import is_htmx, render_page
from desk.rows import Pager, RefundRow
from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.review import exporting


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundsPage:
    narrowed: Narrowed
    rows: Sequence[RefundRow]
    total: Total
    pager: Pager
    export_url: str
    export_most: int


PAGE_SIZE = 50
_NEWEST = keyset.Order("created_at", descending=True)


@staff_reads()
def refunds(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first; found by any number, narrowed by the filters of the address."""
    query, now, path = request.GET, timezone.now(), request.path
    chosen, found = _narrowed(query, scope=scope, at=now)
    shown = keyset.page(rows.lean(found), order=_NEWEST, cursor=query.get("c", ""), size=PAGE_SIZE)
    total = keyset.total(found)
    page = RefundsPage(
        narrowed=filters.narrowed(chosen, query, path, more=links.chips(query, path), others=links.PARAMETERS),
        rows=rows.refunds(shown.rows, at=now),
        total=total,
        pager=rows.pager(shown, total=total.count, path=path, query=query),
        export_url=export.export_url(query, scope),
        export_most=exporting.MOST_ROWS,
    )
    return render_page(request, "desk/refunds.html#list" if is_htmx(request) else "desk/refunds.html", page)


@staff_reads(Act.EXPORT)
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
