"""The printed voucher: what was refunded, to whom, in figures and in capitals, with the customer's link as QR."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from tests.desk.conftest import Shop
from tests.refunds.settled import paid

SignIn = Callable[[Staff], Client]


@pytest.mark.django_db
def test_voucher_says_amount_goods_destination_and_who_handled_it(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting(26_800, name="王小敏", phone="13800006021")
    deciding.approve(request_id=request.pk, by=of_staff(shop.reviewer), at=timezone.now(), version=request.version)

    page = as_staff(shop.cashier).get(f"/desk/refunds/{request.number}/voucher")

    text = page.content.decode()
    assert page.status_code == 200
    for said in (
        request.number,
        request.transaction.order_no,
        "268.00",
        "贰佰陆拾捌元整",
        shop.reviewer.name,
        "一号店",
    ):
        assert said in text, said
    assert "<svg" in text
    # Whoever finds the paper learns nothing of the customer.
    assert "13800006021" not in text
    assert "王小敏" not in text


@pytest.mark.django_db
def test_voucher_shows_what_was_approved_and_not_what_was_asked_for(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting(26_800)
    deciding.approve(
        request_id=request.pk, by=of_staff(shop.reviewer), at=timezone.now(), version=request.version, amount_fen=20_000
    )

    text = as_staff(shop.finance).get(f"/desk/refunds/{request.number}/voucher").content.decode()

    assert "200.00" in text
    assert "贰佰元整" in text
    assert "268.00" not in text


@pytest.mark.django_db
def test_voucher_of_what_is_not_paid_yet_says_so(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting(26_800)
    deciding.approve(request_id=request.pk, by=of_staff(shop.reviewer), at=timezone.now(), version=request.version)

    text = as_staff(shop.cashier).get(f"/desk/refunds/{request.number}/voucher").content.decode()

    assert "Approved" in text
    assert 'Refunded at</dt><dd class="num">--' in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("channel_says", "said"),
    [
        ({"paid_to": "balance", "second_leg": "failed"}, ["WeChat balance"]),
        (
            {"paid_to": "other_card", "received_account": "招商银行0403"},
            ["another account: 招商银行0403", "Received by"],
        ),
        ({"paid_to": "merchant"}, ["gave the money back to the store"]),
    ],
    ids=["balance", "other card", "merchant"],
)
def test_voucher_says_where_the_channel_sent_the_money(
    shop: Shop, as_staff: SignIn, channel_says: dict[str, str], said: list[str]
) -> None:
    request = shop.waiting(26_800)
    deciding.approve(request_id=request.pk, by=of_staff(shop.reviewer), at=timezone.now(), version=request.version)
    paid(RefundRequest.objects.get(pk=request.pk)).executions.update(**channel_says)

    text = as_staff(shop.cashier).get(f"/desk/refunds/{request.number}/voucher").content.decode()

    for words in said:
        assert words in text
