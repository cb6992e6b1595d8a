"""The page of second looks shows nothing of the decision."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding, second_look
from terminals.models import TransactionLine
from tests.desk.conftest import Shop
from tests.factories import make_account
from tests.refunds import plans


def test_page_tells_neither_the_refund_nor_its_decision(reviewer: Client, decided: RefundRequest, shop: Shop) -> None:
    text = reviewer.get("/desk/second-looks").content.decode()
    assert "268.00" in text
    for betrays in (decided.number, "123.45", "只退一半", shop.colleague.name):
        assert betrays not in text


def test_lines_that_tell_nothing_are_folded_and_both_answers_ask_in_a_dialog(
    reviewer: Client, decided: RefundRequest
) -> None:
    answer = reviewer.get("/desk/second-looks?do=reject")
    rules = answer.context["blind"].rules
    assert len(rules.brief) < 6 < len(rules.rest)
    text = answer.content.decode()
    assert f"{len(rules.rest)} more rules passed" in text
    assert re.findall(r'id="dlg-look-(\w+)" aria-labelledby="[^"]+"\s+(open)?', text) == [
        ("approve", ""),
        ("reject", "open"),
    ]


@pytest.mark.parametrize("with_articles", [False, True])
def test_page_of_an_order_of_two_payments_says_what_it_paid_in_all(
    reviewer: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch, with_articles: bool
) -> None:
    monkeypatch.setattr(second_look, "SECOND_LOOKS_PERCENT", 100)
    order = plans.payments_of(shop.merchant, make_account(shop.merchant))
    if with_articles:
        TransactionLine.objects.all().delete()
        for sale, name in zip(order, ("风扇", "烫衣板"), strict=True):
            sale.lines.create(position=1, sku=name, name=name, quantity=1, unit_price_fen=1, amount_fen=sale.amount_fen)
    request = plans.ask(order[0])
    assert request.state == "in_review"
    deciding.approve(request_id=request.pk, by=of_staff(shop.colleague), at=timezone.now(), version=request.version)

    blind = reviewer.get("/desk/second-looks").context["blind"]

    assert (blind.amount_fen, blind.paid_fen) == (30_000, 30_000)
    assert [one.amount_fen for one in blind.payments] == [20_000, 10_000]
    assert blind.goods == ("风扇 × 1, 烫衣板 × 1" if with_articles else "空气炸锅 4L × 3")
