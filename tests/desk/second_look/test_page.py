"""The page of second looks shows nothing of the decision."""

from __future__ import annotations

import re

from django.test import Client

from refunds.models import RefundRequest
from tests.desk.conftest import Shop


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
