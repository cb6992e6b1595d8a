"""All refunds."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.database.timeouts import reports
from core.errors import Invalid
from desk import filters, keyset, rows, words
from desk.access import Scope, staff_reads
from desk.addresses import with_query
from desk.analytics import links
from desk.filters import Narrowed
from desk.lists import Tools, tools
from desk.queue.listing import desk_list
from desk.refunds import export
from desk.refunds.listing import COLUMNS, Sums, listed, sums
from desk.rendering import as_file, is_htmx, render_page
from desk.rows import Pager, RefundRow
from merchants.rights import Act
from refunds.review import exporting


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundsPage:
    narrowed: Narrowed
    rows: Sequence[RefundRow]
    total: Sums
    pager: Pager
    tools: Tools


PAGE_SIZE = 50


@staff_reads()
def refunds(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first; found by any number, narrowed by the filters of the address."""
    query, now, path = request.GET, timezone.now(), request.path
    found = listed(query, scope=scope, at=now)
    shown = keyset.page(rows.lean(found.rows), order=found.order, cursor=query.get("c", ""), size=PAGE_SIZE)
    total = sums(found.rows)
    page = RefundsPage(
        narrowed=filters.narrowed(found.filters, query, path, more=links.chips(query, path), others=links.PARAMETERS),
        rows=rows.refunds(shown.rows, at=now),
        total=total,
        pager=rows.pager(shown, total=total.count, path=path, query=query),
        tools=tools("refunds", query, path, scope=scope, columns=COLUMNS, amounts=True),
    )
    return render_page(request, "desk/refunds.html#list" if is_htmx(request) else "desk/refunds.html", page)


@staff_reads(Act.EXPORT)
@reports
def refunds_csv(request: HttpRequest, scope: Scope) -> HttpResponseBase:
    """The list of the same address as a file; with ``view`` the one of the review desk."""
    query, now = request.GET, timezone.now()
    found = (desk_list if query.get("view") else listed)(query, scope=scope, at=now).rows
    try:
        found = exporting.checked(found, by=scope.by, filters={name: str(query[name]) for name in query}, at=now)
    except Invalid as error:
        messages.error(request, words.short(error))
        back = reverse("desk:queue" if query.get("view") else "desk:refunds")
        return redirect(with_query(back, query))
    return as_file(export.lines(found), name=f"refunds-{timezone.localtime(now):%Y%m%d-%H%M%S}.csv")
