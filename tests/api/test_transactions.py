"""Orders by REST: their payments, the plan of a refund, and what is said where a number is not enough."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.calendar import SHANGHAI
from merchants.models import Store
from refunds.models import RefundRequest
from terminals.models import Transaction
from tests.api.conftest import Api, api_for
from tests.refunds.plans import answer, order_of_two

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api_urls")]


@pytest.fixture
def order() -> tuple[Transaction, Transaction]:
    return order_of_two()


@pytest.fixture
def client(order: tuple[Transaction, Transaction]) -> Api:
    return api_for(order[0].merchant)


def _body(order: tuple[Transaction, Transaction], amount_fen: int = 30_000, **more: Any) -> dict[str, Any]:
    return {"order_no": order[0].order_no, "amount_fen": amount_fen, "reason": "quality", **more}


def test_get_order_when_it_has_two_payments_shows_both_and_pieces_once(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    client.post("refund-requests", _body(order, lines=[{"sku": "SKU-1", "quantity": 2}]))
    found = client.get(f"orders/{order[0].order_no}").json()
    assert [(one["channel"], one["amount_fen"], one["refundable_fen"]) for one in found["payments"]] == [
        ("wechat", 20_000, 0),
        ("alipay", 10_000, 0),
    ]
    assert [(line["quantity"], line["returned_quantity"]) for line in found["lines"]] == [(3, 2)]
    assert (found["amount_fen"], found["refundable_fen"]) == (30_000, 0)
    for sale in order:
        assert len(client.get(f"transactions/{sale.pk}").json()["refund_requests"]) == 1


def test_get_order_when_two_stores_have_the_number_names_the_candidates(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    other = Store.objects.create(merchant=order[0].merchant, code="S002", name="二号店")
    Transaction.objects.filter(pk=order[1].pk).update(store=other, terminal=None)
    refused = client.get(f"orders/{order[0].order_no}")
    assert (refused.status_code, refused.json()["code"]) == (422, "ambiguous_order_no")
    assert refused.json()["candidates"] == [str(sale.pk) for sale in order]
    found = client.get(f"orders/{order[0].order_no}?store=S002").json()
    assert [one["id"] for one in found["payments"]] == [str(order[1].pk)]
    assert client.post("refund-requests", _body(order, 100)).json()["candidates"] == [str(sale.pk) for sale in order]
    taken = client.post("refund-requests", _body(order, 100, store="S002"))
    assert (taken.status_code, taken.json()["transaction"]) == (201, str(order[1].pk))


def test_get_order_when_it_is_another_merchants_is_404(client: Api) -> None:
    elsewhere, _ = order_of_two()
    assert client.get(f"orders/{elsewhere.order_no}").status_code == 404


def test_quote_when_an_order_has_two_payments_answers_with_the_plan(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    quote = client.post("refund-quotes", _body(order)).json()
    legs = [(leg["sequence"], leg["transaction"], leg["amount_fen"], leg["state"]) for leg in quote["plan"]["legs"]]
    assert legs == [(1, str(order[0].pk), 20_000, "planned"), (2, str(order[1].pk), 10_000, "planned")]
    assert [leg["expected_arrival"]["basis"] for leg in quote["plan"]["legs"]] == ["at_once", "working_days"]
    assert not RefundRequest.objects.exists()
    taken = client.post("refund-requests", _body(order, plan_hash=quote["plan"]["hash"]))
    assert taken.status_code == 201, taken.content
    body = taken.json()
    assert body["plan"]["hash"] == quote["plan"]["hash"]
    assert [leg["state"] for leg in body["plan"]["legs"]] == ["ready", "ready"]
    assert [(row["tranche"], row["amount_fen"]) for row in body["executions"]] == [(1, 20_000), (2, 10_000)]
    assert client.get(f"refund-requests/{body['id']}").json()["plan"] == body["plan"]


def test_submit_when_the_plan_changed_is_409_with_the_new_one(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    seen = client.post("refund-quotes", _body(order, 15_000)).json()["plan"]
    client.post("refund-requests", {"transaction": str(order[1].pk), "amount_fen": 9_000, "reason": "quality"})
    refused = client.post("refund-requests", _body(order, 15_000, plan_hash=seen["hash"]))
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_changed")
    # As a quote has it: one reader for both.
    quoted = client.post("refund-quotes", _body(order, 15_000)).json()["plan"]
    for leg in (*refused.json()["plan"]["legs"], *quoted["legs"]):
        leg.pop("expected_arrival")
    assert refused.json()["plan"] == quoted
    assert RefundRequest.objects.count() == 1
    again = client.post("refund-requests", _body(order, 15_000, plan_hash=refused.json()["plan"]["hash"]))
    assert again.status_code == 201


def test_detail_when_one_leg_is_paid_and_one_failed_says_so_of_each(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    taken = client.post("refund-requests", _body(order)).json()
    request = RefundRequest.objects.get(pk=taken["id"])
    answer(request, 1)
    answer(request, 2, "refused")
    body = client.get(f"refund-requests/{taken['id']}").json()
    assert (body["state"], body["refunded_fen"]) == ("partially_refunded", 20_000)
    assert [leg["state"] for leg in body["plan"]["legs"]] == ["succeeded", "failed"]
    assert [row["failure"] and row["failure"]["code"] for row in body["executions"]] == [None, "NO"]


def test_submit_when_one_payment_is_named_its_plan_is_one_leg(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    body = {"transaction": str(order[1].pk), "amount_fen": 1_000, "reason": "quality"}
    quote = client.post("refund-quotes", body).json()
    taken = client.post("refund-requests", {**body, "plan_hash": quote["plan"]["hash"]}).json()
    assert [(leg["transaction"], leg["amount_fen"]) for leg in taken["plan"]["legs"]] == [(str(order[1].pk), 1_000)]
    assert client.get(f"refund-requests/{taken['id']}").json()["plan"] == taken["plan"]


def test_submit_when_a_store_is_named_without_an_order_is_400(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    body = {"transaction": str(order[1].pk), "store": "S001", "amount_fen": 1_000, "reason": "quality"}
    assert client.post("refund-requests", body).status_code == 400
    assert not RefundRequest.objects.exists()


def test_report_when_an_order_number_comes_again_the_payment_joins_the_order(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    third = {
        "order_no": order[0].order_no,
        "channel": "wechat",
        "channel_transaction_no": "4200009999202611270000000001",
        "amount_fen": 500,
        "paid_at": (order[0].paid_at + timedelta(minutes=2)).isoformat(),
        "store": "S001",
    }
    assert client.post("transactions", third).status_code == 201
    assert len(client.get(f"orders/{order[0].order_no}").json()["payments"]) == 3


def test_order_when_it_is_paid_around_midnight_and_its_number_comes_every_day_goes_back_by_both(
    client: Api, order: tuple[Transaction, Transaction]
) -> None:
    midnight = timezone.now().astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        days=1
    )
    articles = [{"sku": sku, "name": sku, "quantity": 3, "unit_price_fen": 5_000, "amount_fen": 15_000} for sku in "AB"]

    def paid(minutes: int, channel: str, amount_fen: int, **more: Any) -> dict[str, Any]:
        sale = {
            "order_no": "7",
            "store": "S001",
            "channel": channel,
            "amount_fen": amount_fen,
            "lines": articles,
            **more,
        }
        at = {"channel_transaction_no": f"N{minutes}", "paid_at": (midnight + timedelta(minutes=minutes)).isoformat()}
        found: dict[str, Any] = client.post("transactions", {**sale, **at}).json()
        return found

    paid(-25 * 60, "wechat", 30_000)
    first = paid(-20, "wechat", 20_000, order_amount_fen=30_000)
    second = paid(15, "alipay", 10_000)
    wanted = {"transaction": second["id"], "whole_order": True, "amount_fen": 15_000, "reason": "quality"}
    ambiguous = client.post("refund-quotes", {"order_no": "7", "amount_fen": 15_000, "reason": "quality"})
    assert (ambiguous.status_code, len(ambiguous.json()["candidates"])) == (422, 3)
    taken = client.post("refund-requests", {**wanted, "lines": [{"sku": "A", "quantity": 3}]}).json()
    assert [(leg["transaction"], leg["amount_fen"]) for leg in taken["plan"]["legs"]] == [
        (first["id"], 10_000),
        (second["id"], 5_000),
    ]
