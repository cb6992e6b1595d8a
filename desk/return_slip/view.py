"""The slip of a return to print: what came back or is to come, from which order, and what was found."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise

from core.errors import NotFound
from desk.access import Scope, staff_reads
from desk.addresses import refund as refund_url
from desk.refund import goods
from desk.refund.goods import Back
from desk.refund.page import find
from desk.rendering import render_page
from refunds.states import Reason
from refunds.telling import tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSlipPage:
    """The address in the QR code is the customer's page."""

    merchant_name: str
    store_name: str
    number: str
    sale_number: str
    reason_label: Promise | str
    amount_fen: int
    back: Back
    tracking_url: str
    back_url: str


@staff_reads()
def return_slip(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    found = find(scope, number)
    returns = goods.card(found, at=timezone.now()).returns
    if not returns:
        raise NotFound("nothing has come back for it")
    page = ReturnSlipPage(
        merchant_name=scope.staff.merchant.name,
        store_name=returns[0].row.store.name,
        number=found.number,
        sale_number=found.transaction.order_no,
        reason_label=Reason(found.reason).label,
        amount_fen=found.amount_fen,
        back=returns[0],
        tracking_url=tracking.url_for(found.pk),
        back_url=refund_url(number),
    )
    return render_page(request, "desk/return_slip.html", page)
