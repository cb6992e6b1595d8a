"""The voucher to print."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from desk.access import Scope, staff_page
from desk.refund.page import find
from desk.rendering import render_page
from desk.voucher.page import voucher_page


@require_safe
@staff_page()
def voucher(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    page = voucher_page(find(scope, number), merchant_name=scope.staff.merchant.name)
    return render_page(request, "desk/voucher.html", page)
