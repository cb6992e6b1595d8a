"""Goods that come back, and offers, over REST: what is taken, what is answered, what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from merchants.models import Merchant
from refunds.models import RefundRequest
from refunds.worker import confirming
from tests.api.conftest import session_for
from tests.factories import make_staff
from tests.refunds.goods.conftest import fresh, in_review, receive, shop, waiting

pytestmark = pytest.mark.django_db

__all__ = ["in_review", "shop", "waiting"]


def _post(request: RefundRequest, path: str, body: dict[str, Any], *, role: str = "reviewer") -> Any:
    return session_for(make_staff(request.merchant, role)).post(f"refund-requests/{request.pk}/{path}", body)


def test_goods_return_from_asking_to_the_payout(in_review: RefundRequest) -> None:
    due_at = (timezone.now() + timedelta(days=5)).replace(microsecond=0)
    body = {"version": in_review.version, "message": "请带包装", "due_at": due_at.isoformat(), "way": "parcel"}
    said = _post(in_review, "goods-return", {**body, "lines": [{"sku": "SKU-1", "quantity": 2}]}).json()
    assert (said["state"], said["paused"], said["message_to_customer"]) == ("waiting_goods", True, "请带包装")
    asked = said["goods_return"]
    assert (asked["state"], asked["way"], asked["by_policy"], asked["store"]) == ("awaited", "parcel", False, "S001")
    assert datetime.fromisoformat(asked["due_at"]) == due_at
    assert asked["lines"] == [
        {"sku": "SKU-1", "name": "空气炸锅 4L", "quantity": 2, "condition": None, "disposition": None}
    ]
    sent = _post(in_review, "goods-return/parcel", {"carrier": "顺丰", "parcel_no": "SF 12345 678"}).json()
    assert (sent["goods_return"]["state"], sent["goods_return"]["parcel_no"]) == ("on_its_way", "SF12345678")
    there = _post(in_review, "received", {}, role="cashier").json()
    assert (there["goods_return"]["state"], there["paused"]) == ("received", False)
    found = [
        {"sku": "SKU-1", "quantity": 1, "condition": "used", "disposition": "restock"},
        {"sku": "SKU-1", "quantity": 1, "condition": "missing"},
    ]
    seen = _post(in_review, "inspection", {"found": found, "proposed_fen": 20_000, "finding": "只退一件"}).json()
    assert (seen["goods_return"]["state"], seen["goods_return"]["proposed_fen"]) == ("inspected", 20_000)
    assert [line["condition"] for line in seen["goods_return"]["lines"]] == ["used", "missing"]
    confirming.work()
    session = session_for(make_staff(in_review.merchant, "reviewer"))
    events = session.client.get(f"/api/v1/refund-requests/{in_review.pk}/events").json()
    actions = [event["action"] for event in events["results"]]
    assert actions[3:] == [
        *("refund.ask_goods", "refund.goods_sent", "refund.receive_goods", "refund.judge_goods", "refund.ask_review"),
    ]


@pytest.mark.parametrize("name", ["空气炸锅 4L", "空气炸锅 ４Ｌ"])
def test_goods_return_of_an_article_without_a_number_goes_by_its_name(in_review: RefundRequest, name: str) -> None:
    in_review.transaction.lines.update(sku="")
    asked = {"version": in_review.version, "message": "请带包装", "way": "in_store"}
    said = _post(in_review, "goods-return", {**asked, "lines": [{"sku": name, "quantity": 2}]})
    assert said.status_code == 200, said.content
    _post(in_review, "received", {}, role="cashier")
    found = [{"sku": name, "quantity": 2, "condition": "as_described", "disposition": "restock"}]
    seen = _post(in_review, "inspection", {"found": found})
    assert seen.status_code == 200, seen.content
    assert [(line["name"], line["quantity"]) for line in seen.json()["goods_return"]["lines"]] == [("空气炸锅 4L", 2)]


def test_received_when_received_before_is_a_conflict(waiting: RefundRequest) -> None:
    receive(waiting)
    refused = _post(waiting, "received", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "goods_already_received")
    assert fresh(waiting).state == "waiting_goods"


def test_inspection_when_a_piece_is_left_out_names_the_field(waiting: RefundRequest) -> None:
    receive(waiting)
    found = [{"sku": "SKU-1", "quantity": 1, "condition": "as_described", "disposition": "restock"}]
    refused = _post(waiting, "inspection", {"found": found})
    assert (refused.status_code, refused.json()["code"]) == (422, "inspection_incomplete")
    assert refused.json()["errors"][0]["field"] == "found"
    assert waiting.goods_returns.get().state == "received"


def test_call_off_when_goods_are_not_needed_leaves_it_to_a_person(waiting: RefundRequest) -> None:
    said = _post(waiting, "goods-return/call-off", {"version": waiting.version}).json()
    assert said["goods_return"]["state"] == "called_off"
    confirming.work()
    assert fresh(waiting).state == "in_review"


def test_exchange_when_accepted_ends_the_request_and_names_the_order(in_review: RefundRequest) -> None:
    offered = _post(in_review, "exchange-offer", {"version": 3, "kind": "exchange", "message": "换一台"}).json()
    assert (offered["state"], offered["exchange_offer"]["answer"], offered["version"]) == ("in_review", None, 4)
    taken = _post(in_review, "exchange-answer", {"accepted": True}).json()
    assert (taken["state"], taken["exchange_offer"]["answer"]) == ("cancelled", "accepted")
    named = _post(in_review, "exchange-order", {"new_order_no": "B0001"}).json()
    assert named["exchange_offer"]["new_order_no"] == "B0001"


def test_list_when_requests_have_goods_reads_no_more_for_each(
    waiting: RefundRequest, shop: Merchant, django_assert_max_num_queries: Any
) -> None:
    session = session_for(make_staff(shop, "reviewer"))
    with django_assert_max_num_queries(15):
        (one,) = session.client.get("/api/v1/refund-requests?fields=goods_return").json()["results"]
    assert one["goods_return"]["state"] == "awaited"
