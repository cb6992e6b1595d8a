"""What a refund's page says of its sale."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone, translation

from core.quantities import Quantity
from desk.access import Scope
from desk.refund.sale import goods_summary, sale_of
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from terminals.models import TransactionLine
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale


def test_the_tills_software_is_told(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    till = request.transaction.terminal
    assert till is not None
    type(till).objects.filter(pk=till.pk).update(software_version="5.2.1")
    for path in (f"/desk/refunds/{request.number}", f"/desk/transactions/{request.transaction_id}"):
        assert f"{till.code} · version 5.2.1" in reviewer.get(path).content.decode()


def test_parts_of_the_sale_when_another_refund_holds_some_add_up_to_what_was_paid(shop: Shop) -> None:
    sale = make_sale(shop.merchant, 33_980)
    make_request(sale, 1_200)
    request = make_request(sale, 26_800)

    shown = sale_of(
        request,
        request.transaction,
        [],
        scope=Scope(staff=shop.reviewer, by=of_staff(shop.reviewer)),
        at=timezone.now(),
    )

    assert (shown.refunded_fen, shown.this_fen, shown.left_fen) == (1_200, 26_800, 5_980)
    assert shown.till_url == ""


def test_parts_of_the_sale_when_the_refund_was_rejected_leave_its_part(shop: Shop) -> None:
    request = shop.waiting()
    deciding.reject(
        request_id=request.pk,
        version=request.version,
        reason="no_proof",
        message="没有凭证",
        by=of_staff(shop.reviewer),
        at=timezone.now(),
    )
    request = RefundRequest.objects.get(pk=request.pk)

    shown = sale_of(
        request,
        request.transaction,
        [],
        scope=Scope(staff=shop.reviewer, by=of_staff(shop.reviewer)),
        at=timezone.now(),
    )

    assert (shown.refunded_fen, shown.this_fen, shown.left_fen) == (0, 0, 33_980)


def test_summary_of_goods_names_three_and_counts_the_others() -> None:
    sold = [TransactionLine(pk=n, name=f"商品{n}", quantity=n, amount_fen=100) for n in range(1, 6)]
    claimed: dict[int, Quantity] = {2: 1}

    with translation.override("en"):
        assert goods_summary(sold, {}) == "商品1 × 1, 商品2 × 2, 商品3 × 3 and 2 more"
        assert goods_summary(sold, claimed) == "商品2 × 1"
