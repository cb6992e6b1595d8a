"""The voucher to print."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise

from desk.access import Scope, staff_reads
from desk.addresses import refund as refund_url
from desk.refund.customer import requester_label
from desk.refund.page import find
from desk.rendering import render_page
from refunds.models import Agreement, RefundRequest
from refunds.states import ExecutionState, Reason, State
from refunds.telling import hand_words, legs, payout_words, tracking
from refunds.telling.coupons import both_figures
from refunds.telling.destinations import destination_label, went


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherPage:
    """The address in the QR code is the customer's page; ``payout_says`` is what that says, where no day says it all."""

    merchant_name: str
    store_name: str
    terminal_code: str
    number: str
    sale_number: str
    amount_fen: int
    coupon: str
    refunded_at: datetime | None
    state_label: Promise | str
    destination_label: str
    channel_refund_no: str
    payout_says: str
    received_account: str
    arrives_at: datetime | None
    goods: Sequence[str]
    legs: Sequence[legs.ShownLeg]
    reason_label: Promise | str
    agreements: Sequence[Agreement]
    handled_by: Sequence[str]
    tracking_url: str
    back_url: str


def voucher_page(found: RefundRequest, *, merchant_name: str) -> VoucherPage:
    """``found`` comes from ``desk.refund.page.find``."""
    paid = found.executions.filter(state=ExecutionState.SUCCEEDED).order_by("-created_at").first()
    sale, gone = found.transaction, went(request=found)
    return VoucherPage(
        merchant_name=merchant_name,
        store_name=found.store.name,
        terminal_code=found.terminal.code if found.terminal else "",
        number=found.number,
        sale_number=sale.order_no,
        amount_fen=found.approved_fen or found.amount_fen,
        coupon=both_figures(found),
        refunded_at=found.succeeded_at,
        state_label=State(found.state).label,
        destination_label=legs.split_label(found)
        or destination_label(sale=sale, route=found.route, account_last4=hand_words.account_tail(found), went=gone),
        channel_refund_no=paid.channel_refund_no if paid else "",
        payout_says=payout_words.story(found, now=timezone.now()).sentence,
        received_account=gone.account,
        arrives_at=gone.arrives_at,
        goods=legs.goods_with_worth(found.lines.select_related("line").order_by("pk")),
        legs=legs.shown(found),
        reason_label=Reason(found.reason).label,
        agreements=list(found.agreements.order_by("pk")),
        handled_by=[
            requester_label(found),
            *found.approvals.order_by("pk").values_list("staff__name", flat=True),
        ],
        tracking_url=tracking.url_for(found.pk),
        back_url=refund_url(found.number),
    )


@staff_reads()
def voucher(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    page = voucher_page(find(scope, number), merchant_name=scope.staff.merchant.name)
    return render_page(request, "desk/voucher.html", page)
