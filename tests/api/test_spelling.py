"""Numbers and codes in another case than the till's: found all the same, and kept as the till wrote them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from terminals.models import Transaction
from tests.api.conftest import Api
from tests.factories import make_account

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api_urls")]


def _sale(**more: Any) -> dict[str, Any]:
    return {
        "order_no": "DB-77",
        "channel": "wechat",
        "channel_transaction_no": "4200001",
        "amount_fen": 30_000,
        "paid_at": (timezone.now() - timedelta(hours=1)).isoformat(),
        "store": "S001",
        "terminal": "POS-01",
        "lines": [{"sku": "AB-1", "name": "茶", "quantity": 3, "unit_price_fen": 10_000, "amount_fen": 30_000}],
        **more,
    }


def test_report_when_codes_are_in_another_case_it_is_the_same_sale(api: Api) -> None:
    sent = _sale()
    first = api.post("transactions", sent)
    again = api.post("transactions", {**sent, "store": "s001", "terminal": "pos-01"})
    assert (first.status_code, again.status_code) == (201, 200), first.json()["errors"]
    assert (again.json()["store"], again.json()["terminal"]) == ("S001", "POS-01")
    assert Transaction.objects.get().order_no == "DB-77"


def test_numbers_when_asked_in_another_case_find_the_sale(api: Api) -> None:
    api.post("transactions", _sale())
    queries = ({"order_no": "db-77"}, {"store": "s001"}, {"sku": "ab-1", "amount_fen": 30_000}, {"terminal": "pos-01"})
    for query in queries:
        assert len(api.get("transactions", **query).json()["results"]) == 1, query
    order = api.get("orders/ｄｂ－77", store="s001").json()
    assert (order["order_no"], order["store"]) == ("DB-77", "S001")


def test_refund_when_asked_in_another_case_it_is_of_that_sale_and_its_articles(api: Api) -> None:
    make_account(api.merchant)
    api.post("transactions", _sale())
    body = {"order_no": "db-77", "store": "s001", "amount_fen": 10_000, "reason": "quality"}
    made = api.post("refund-requests", {**body, "lines": [{"sku": "ab-1", "quantity": 1}]})
    assert made.status_code == 201, made.json()
    assert made.json()["order_no"] == "DB-77"
    assert api.get("orders/DB-77").json()["lines"][0]["returned_quantity"] == 1
    assert len(api.get("refund-requests", order_no="Db-77".lower(), store="s001").json()["results"]) == 1
    third = api.post(
        "refund-requests", {**body, "lines": [{"sku": "Ab-1", "quantity": 1, "returned_quantity": 1}]}
    ).json()
    assert [rule["passed"] for rule in third["verdict"]["rules"] if rule["code"] == "possible_duplicate"] in (
        [],
        [True],
    )


def test_numbers_when_two_orders_differ_by_case_alone_the_written_one_is_meant_or_both_are_named(api: Api) -> None:
    api.post("transactions", _sale())
    api.post("transactions", _sale(order_no="db-77", channel_transaction_no="4200002"))
    for number in ("DB-77", "db-77"):
        assert api.get(f"orders/{number}").json()["order_no"] == number
    refused = api.post("refund-requests", {"order_no": "Db-77", "amount_fen": 10_000, "reason": "quality"})
    assert (refused.status_code, refused.json()["code"]) == (422, "ambiguous_order_no")
    assert len(refused.json()["candidates"]) == 2
