"""Where a refund goes, in words; once it is paid, where the channel says, not where it was expected."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone, translation

from customer.refund.page import Notice, refund_page
from merchants.principals import of_customer
from refunds.models import Execution
from refunds.telling.destinations import destination_and_way, destination_label, went
from terminals.models import Funding, Transaction
from tests.factories import make_merchant, make_request, make_sale
from tests.refunds.settled import paid


@pytest.mark.parametrize(
    ("sale", "more", "words"),
    [
        ({"channel": "wechat", "funding": Funding.BALANCE}, {}, "WeChat balance"),
        ({"channel": "unionpay", "card_last4": "6021"}, {}, "bank card ending in 6021"),
        ({"channel": "alipay", "funding": Funding.CREDIT_CARD}, {}, "the bank card that paid"),
        ({"channel": "cash"}, {}, "cash at the store"),
        ({"channel": "wechat", "funding": Funding.UNKNOWN}, {}, "the WeChat Pay account that paid"),
        ({"channel": "wechat"}, {"route": "store_credit"}, "store credit"),
        (
            {"channel": "wechat"},
            {"route": "bank_transfer", "account_last4": "0403"},
            "your bank account ending in 0403, by transfer",
        ),
    ],
)
def test_destination_label(sale: dict[str, str], more: dict[str, Any], words: str) -> None:
    with translation.override("en"):
        assert destination_label(sale=Transaction(**sale), **more) == words


def test_way_is_said_where_the_money_goes_back_as_it_came() -> None:
    sale = Transaction(channel="unionpay", card_last4="6021")
    with translation.override("en"):
        assert destination_and_way(sale=sale) == "bank card ending in 6021 (the way it was paid)"
        assert destination_and_way(sale=sale, route="cash") == "cash at the store"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("paid_to", "account", "said"),
    [
        ("", "", "bank card ending in 4455"),
        ("original", "招商银行信用卡4455", "bank card ending in 4455"),
        ("balance", "支付用户零钱", "WeChat balance"),
        ("other_balance", "支付用户零钱通", "WeChat balance"),
        ("other_card", "工商银行借记卡7788", "another account: 工商银行借记卡7788"),
        ("merchant", "商户结算银行账户", "the store's own account; please call the store"),
    ],
)
def test_destination_when_channel_says_where_it_went_is_that(paid_to: str, account: str, said: str) -> None:
    sale = make_sale(make_merchant(), funding="debit_card", card_last4="4455")
    request = paid(make_request(sale, 1_200))
    Execution.objects.filter(request=request).update(paid_to=paid_to, received_account=account)

    with translation.override("en"):
        gone = went(request=request)
        label = destination_label(sale=sale, route=request.route, went=gone)
        way = destination_and_way(sale=sale, route=request.route, went=gone)
        by = of_customer(merchant_id=sale.merchant_id, store_id=sale.store_id, request_id=request.pk)
        page = refund_page(request=request, token="t", language="en", by=by, now=timezone.now(), notice=Notice(""))

    assert label == said
    assert ("(the way it was paid)" in way) is (paid_to in ("", "original"))
    assert said in page.destination_label


@pytest.mark.django_db
def test_destination_while_it_is_not_paid_is_what_is_expected() -> None:
    request = make_request(make_sale(make_merchant(), funding="debit_card", card_last4="4455"), 1_200)
    Execution.objects.filter(request=request).update(paid_to="balance")

    assert went(request=request).paid_to == ""
