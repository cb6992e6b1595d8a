"""Sales, and the search box of the top bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from desk import filters, keyset, numbers, rows
from desk.access import Scope, staff_reads
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.context import page_called
from desk.filters import Narrowed
from desk.keyset import Total
from desk.lists import Tools, tools
from desk.rendering import is_htmx, render_page
from desk.rows import Pager, SaleRow
from desk.transactions.listing import COLUMNS, listed
from merchants.rights import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionsPage:
    """``recognised`` says what the search took the text for, ``refunds_url`` leads to the refunds that it names, too. ``is_new``:
    there is no sale at all yet; ``import_url`` is where somebody who may brings those of before.
    """

    narrowed: Narrowed
    recognised: str
    refunds_url: str
    is_new: bool
    import_url: str
    rows: Sequence[SaleRow]
    total: Total
    pager: Pager
    tools: Tools


PAGE_SIZE = 50


@staff_reads()
def transactions(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Newest first; one box recognises receipt, order and channel numbers, and the end of a phone or card."""
    return _listed(request, scope)


@staff_reads()
def search(request: HttpRequest, scope: Scope) -> HttpResponse:
    """A refund's number opens the refund, a sale's the sale; a phone or name lists what belongs to it, a page's name opens it."""
    text = request.GET.get("q", "").strip()
    found = numbers.recognise(text, scope=scope)
    refunds = list(found.refunds.values_list("number", flat=True)[:2])
    sales = list(found.sales.values_list("pk", flat=True)[:2])
    if len(refunds) == 1 and not sales:
        return redirect(refund_url(refunds[0]))
    if len(sales) == 1:
        return redirect("desk:transaction", transaction_id=sales[0])
    if refunds and not sales:
        return redirect(with_query(reverse("desk:refunds"), q=text[: numbers.LONGEST]))
    if not sales and (page := page_called(text, scope=scope, at=timezone.now())):
        return redirect(page)
    return _listed(request, scope)


def _listed(request: HttpRequest, scope: Scope) -> HttpResponse:
    query, path = request.GET, reverse("desk:transactions")
    found = listed(query, scope=scope)
    text, named = query.get("q", "").strip(), found.named
    shown = keyset.page(
        found.rows.select_related("store", "terminal"), order=found.order, cursor=query.get("c", ""), size=PAGE_SIZE
    )
    total = keyset.total(found.rows)
    narrowed = filters.narrowed(found.filters, query, path)
    page = TransactionsPage(
        narrowed=narrowed,
        recognised=gettext("taken for %(what)s") % {"what": named.recognised} if named.recognised else "",
        refunds_url=with_query(reverse("desk:refunds"), q=text) if text and named.refunds.exists() else "",
        is_new=not (shown.rows or narrowed.has_filters or narrowed.query or query.get("c")),
        import_url=reverse("desk:imports") if scope.may(Act.FILE_BATCH) else "",
        rows=rows.sales(shown.rows),
        total=total,
        pager=rows.pager(shown, total=total.count, path=path, query=query),
        tools=tools("transactions", query, path, scope=scope, columns=COLUMNS, amounts=True),
    )
    template = "desk/transactions.html#list" if is_htmx(request) else "desk/transactions.html"
    return render_page(request, template, page)
