"""Asking a channel about a payment by REST, and what a quote says of a sale that is not known to be paid."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from merchants.models import Role
from payment_channels.contract import TradeState
from refunds.models import RefundRequest
from refunds.payouts import trade_queries
from terminals.models import Transaction, TransactionLine
from tests.api.conftest import Api, api_for, session_for
from tests.factories import make_merchant, make_sale, make_staff
from tests.refunds.worker.test_confirming import Channel

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api_urls")]


@pytest.fixture
def sale() -> Transaction:
    return make_sale(make_merchant(), 50_000, status="pending")


@pytest.fixture
def client(sale: Transaction) -> Api:
    return api_for(sale.merchant)


def _says(monkeypatch: pytest.MonkeyPatch, state: TradeState | None) -> None:
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: Channel(state))


def _body(sale: Transaction) -> dict[str, Any]:
    return {"transaction": str(sale.pk), "amount_fen": 1_200, "reason": "quality", "customer_consent": True}


def test_pending_sale_is_quoted_as_unconfirmed_asked_about_and_refunded(
    client: Api, sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    _says(monkeypatch, TradeState.PAID)
    refused = client.post("refund-requests", _body(sale))
    quoted = client.post("refund-quotes", _body(sale)).json()
    assert (refused.status_code, refused.json()["code"]) == (422, "payment_succeeded")
    assert (quoted["verdict"]["decision"], quoted["verdict"]["rules"][0]["actual"]) == ("refuse", "not_paid")
    # Nothing was asked behind anybody's back.
    assert Transaction.objects.get(pk=sale.pk).asked_at is None
    assert quoted["trade_query_url"] == f"/api/v1/transactions/{sale.pk}/trade-queries"

    answer = client.post(quoted["trade_query_url"].removeprefix("/api/v1/"), {}, idempotency_key=None)

    assert (answer.status_code, answer.json()["outcome"], answer.json()["status"]) == (200, "paid", "success")
    check = client.get(f"transactions/{sale.pk}").json()["payment_check"]
    assert (check["outcome"], check["amount_fen"], check["account"]) == ("paid", 50_000, sale.channel_account.code)  # type: ignore[union-attr]
    assert client.post("refund-quotes", _body(sale)).json()["trade_query_url"] is None
    assert client.post("refund-requests", _body(sale)).json()["state"] == "approved"


def test_payment_that_was_taken_again_goes_back_once_when_the_first_turns_out_to_be_paid(
    client: Api, sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: Channel(TradeState.PAID, amount_fen=9_000))
    Transaction.objects.filter(pk=sale.pk).update(amount_fen=9_000)
    TransactionLine.objects.filter(transaction=sale).update(amount_fen=9_000, unit_price_fen=9_000)
    again = make_sale(sale.merchant, 9_000, channel_account=sale.channel_account, order_no=sale.order_no)
    twice = {"amount_fen": 9_000, "reason": "duplicate_charge", "customer_consent": True}
    unknown = client.post("refund-requests", {**twice, "transaction": str(sale.pk)})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "payment_succeeded")

    client.post(f"transactions/{sale.pk}/trade-queries", {}, idempotency_key=None)

    first = client.post("refund-requests", {**twice, "transaction": str(sale.pk)}, idempotency_key="till-1")
    repeated = client.post("refund-requests", {**twice, "transaction": str(sale.pk)}, idempotency_key="till-1")
    assert first.status_code == 201, first.content
    assert (first.json()["state"], repeated.json()["id"]) == ("approved", first.json()["id"])
    other = client.post("refund-requests", {**twice, "transaction": str(again.pk)}).json()
    assert other.get("state") == "in_review", other
    assert sorted(RefundRequest.objects.values_list("transaction_id", "state")) == sorted(
        [(sale.pk, "approved"), (again.pk, "in_review")]
    )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (TradeState.UNPAID, "payment_unpaid"),
        (TradeState.CLOSED, "payment_closed"),
        (TradeState.REVERSED, "payment_reversed"),
        (None, "payment_succeeded"),
    ],
)
def test_sale_that_was_not_paid_is_refused_with_its_own_sentence(
    client: Api, sale: Transaction, monkeypatch: pytest.MonkeyPatch, state: TradeState | None, code: str
) -> None:
    _says(monkeypatch, state)
    asked = client.post(f"transactions/{sale.pk}/trade-queries", {}, idempotency_key=None).json()
    refused = client.post("refund-requests", _body(sale))

    assert asked["outcome"] == (state.value if state else "no_answer")
    assert (asked["payment_check"] is None) == (state is None)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert not RefundRequest.objects.exists()


def test_asking_twice_at_once_is_told_to_wait(client: Api, sale: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    _says(monkeypatch, TradeState.PAID)
    first, second = (client.post(f"transactions/{sale.pk}/trade-queries", {}, idempotency_key=None) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 429)
    assert (second.json()["code"], second["Retry-After"]) == ("asked_just_now", "5")


def test_adopt_when_the_portal_refunded_a_part_it_is_in_the_books_once_and_by_no_key(
    client: Api, sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    Transaction.objects.filter(pk=sale.pk).update(status="success")
    portal = Channel(TradeState.PARTLY_REFUNDED, refunded_fen=6_000)
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: portal)
    finance = session_for(make_staff(sale.merchant, Role.FINANCE))
    by_key = client.post(f"transactions/{sale.pk}/adopt", {})
    adopted, again = (finance.post(f"transactions/{sale.pk}/adopt", {}) for _ in range(2))

    assert (by_key.status_code, adopted.status_code, adopted.json()["state"]) == (403, 200, "refunded")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_adopt")
    assert Transaction.objects.get(pk=sale.pk).refunded_fen == adopted.json()["amount_fen"] == 6_000


def test_asking_about_cash_about_anothers_or_with_a_body_is_refused(client: Api, sale: Transaction) -> None:
    foreign = api_for(make_merchant()).post(f"transactions/{sale.pk}/trade-queries", {})
    unknown_field = client.post(f"transactions/{sale.pk}/trade-queries", {"force": True})
    Transaction.objects.filter(pk=sale.pk).update(channel="cash", channel_account=None)
    cash = client.post(f"transactions/{sale.pk}/trade-queries", {})

    assert (foreign.status_code, unknown_field.status_code) == (404, 400)
    assert (cash.status_code, cash.json()["code"]) == (409, "nobody_to_ask")
    assert Transaction.objects.get(pk=sale.pk).asked_at is None


def test_asking_by_a_member_of_staff_and_not_by_a_key_without_the_scope(
    sale: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    _says(monkeypatch, TradeState.PAID)
    narrow = api_for(sale.merchant, scopes=["refunds:read"]).post(f"transactions/{sale.pk}/trade-queries", {})
    asked = session_for(make_staff(sale.merchant, Role.CASHIER)).post(f"transactions/{sale.pk}/trade-queries", {})

    assert (narrow.status_code, narrow.json()["code"]) == (403, "missing_scope")
    assert (asked.status_code, asked.json()["outcome"]) == (200, "paid")


def _sale_body(**more: Any) -> dict[str, Any]:
    return {
        "order_no": "P-1",
        "channel": "wechat",
        "channel_transaction_no": "4200000000000000000000000077",
        "amount_fen": 9_800,
        "paid_at": timezone.now().replace(microsecond=0).isoformat(),
        "store": "S001",
        **more,
    }


def test_sale_reported_as_pending_is_kept_as_that_and_a_repeat_is_the_same(client: Api) -> None:
    body = _sale_body(status="pending")
    first, again = client.post("transactions", body), client.post("transactions", body)
    Transaction.objects.filter(pk=first.json()["id"]).update(status="success")
    late = client.post("transactions", body)

    assert (first.status_code, first.json()["status"]) == (201, "pending")
    assert (again.status_code, late.status_code) == (200, 200)


def test_sale_reported_as_paid_whose_channel_said_otherwise_differs_and_says_whom_to_ask(client: Api) -> None:
    body = _sale_body(status="pending")
    client.post("transactions", body)
    Transaction.objects.update(payment_word="unpaid", payment_word_at=timezone.now())
    differs = client.post("transactions", {**body, "status": "success"})

    assert (differs.status_code, differs.json()["errors"][0]["field"]) == (409, "status")
    assert "trade-queries" in differs.json()["errors"][0]["message"]


def test_cash_that_is_not_paid_is_no_sale(client: Api) -> None:
    refused = client.post("transactions", _sale_body(channel="cash", status="pending"))
    assert (refused.status_code, refused.json()["code"]) == (422, "nobody_to_ask")
    assert not Transaction.objects.filter(order_no="P-1").exists()


@pytest.mark.parametrize("status", ["paid", "", None, 1])
def test_status_that_is_none_is_refused(client: Api, status: object) -> None:
    assert client.post("transactions", _sale_body(status=status)).status_code == 400
