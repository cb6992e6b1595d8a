"""Sales and the search box."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from merchants.models import Staff
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale

SignIn = Callable[[Staff], Client]


def test_search_opens_the_only_match_and_lists_several(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    sale = make_sale(shop.merchant, phone="13800006021")
    make_sale(shop.merchant, phone="13900006021")
    assert reviewer.get("/desk/search", {"q": request.number})["Location"] == f"/desk/refunds/{request.number}"
    assert reviewer.get("/desk/search", {"q": sale.order_no})["Location"] == f"/desk/transactions/{sale.pk}"
    assert reviewer.get("/desk/search", {"q": "13800006021"})["Location"] == f"/desk/transactions/{sale.pk}"
    listed = reviewer.get("/desk/search", {"q": "6021"})
    assert len(listed.context["rows"]) == 2
    assert listed.context["recognised"]
    for nothing in ("", "\ufffd", "RF-999999-9999", "' OR 1=1 --", "x" * 500):
        assert reviewer.get("/desk/search", {"q": nothing}).status_code == 200


def test_a_phones_sales_lead_to_its_refunds(reviewer: Client, shop: Shop) -> None:
    for _ in range(2):
        make_request(make_sale(shop.merchant, 33_980, phone="13800006021"), 26_800, phone="13800006021")
    found = reviewer.get("/desk/search", {"q": "6021"})
    assert found.context["refunds_url"] == "/desk/refunds?q=6021"
    assert len(reviewer.get(found.context["refunds_url"]).context["rows"]) == 2
    assert reviewer.get("/desk/transactions").context["refunds_url"] == ""


def test_search_when_the_slip_names_an_attempt_to_pay_finds_the_order(reviewer: Client, shop: Shop) -> None:
    sale = make_sale(shop.merchant, order_no="DB-77")
    for slip in ("DB-77-02", "db－77－2", "DB-77#1"):
        assert reviewer.get("/desk/search", {"q": slip})["Location"] == f"/desk/transactions/{sale.pk}"
    assert reviewer.get("/desk/search", {"q": "DB-78-02"}).status_code == 200


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("设置", "/desk/settings"),
        ("消息文案", "/desk/settings/messages"),
        ("message wording", "/desk/settings/messages"),
        ("个人信息", "/desk/settings/personal-data"),
        ("下载", "/desk/exports"),
        ("我的账号", "/desk/account"),
    ],
)
def test_search_opens_what_the_navigation_does_not_name_whole(owner: Client, typed: str, path: str) -> None:
    answer = owner.get("/desk/search", {"q": typed})
    assert (answer.status_code, answer.get("Location")) == (302, path)


def test_search_opens_a_page_by_its_name_in_either_language_and_only_what_one_may(reviewer: Client) -> None:
    for text in ("new refund", "> New ref", "新建退款", "ＮＥＷ refund\u200b"):
        assert reviewer.get("/desk/search", {"q": text}).headers.get("Location") == "/desk/new", text
    assert reviewer.get("/desk/search", {"q": "team"}).status_code == 200, "a reviewer has no such page"
