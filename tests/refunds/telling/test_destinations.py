"""Where a refund goes, in words."""

from __future__ import annotations

import pytest
from django.utils import translation

from refunds.telling.destinations import destination_and_way, destination_label
from terminals.models import Funding, Transaction


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
def test_destination_label(sale: dict[str, str], more: dict[str, str], words: str) -> None:
    with translation.override("en"):
        assert destination_label(sale=Transaction(**sale), **more) == words


def test_way_is_said_where_the_money_goes_back_as_it_came() -> None:
    sale = Transaction(channel="unionpay", card_last4="6021")
    with translation.override("en"):
        assert destination_and_way(sale=sale) == "bank card ending in 6021 (the way it was paid)"
        assert destination_and_way(sale=sale, route="cash") == "cash at the store"
