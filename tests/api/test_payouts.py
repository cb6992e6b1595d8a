"""Payouts by hand through the API: asked for, shown, confirmed by a key or in a session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Merchant
from refunds.models import LedgerEntry, RefundRequest
from refunds.payouts.loop import drain
from refunds.states import Route
from tests.api.conftest import Api, Session, api_for
from tests.factories import make_merchant, make_staff
from tests.refunds import hand

pytestmark = pytest.mark.django_db(transaction=True)

PAYEE = {"holder_name": "王小敏", "account_no": "6222 0212 3456 7890 123", "bank_name": "工商银行"}


@pytest.fixture
def shop() -> Merchant:
    return hand.make_shop()


def _ask(api: Api, route: str, **fields: Any) -> Any:
    sale = hand.sale_for(api.merchant, route)
    body = {
        "transaction": str(sale.pk),
        "amount_fen": 1_200,
        "reason": "quality",
        "route": route,
        "customer_consent": True,
        **({"payee": PAYEE} if route == Route.BANK_TRANSFER else {}),
        **fields,
    }
    return api.post("refund-requests", body)


def _waiting(api: Api, route: str = Route.BANK_TRANSFER) -> dict[str, Any]:
    """Asked for with one key, approved, handed over: as another reader sees it."""
    asked = _ask(api, route)
    assert asked.status_code == 201, asked.content
    hand.approved(RefundRequest.objects.get(pk=asked.json()["id"]))
    drain()
    found: dict[str, Any] = api.get(f"refund-requests/{asked.json()['id']}").json()
    return found


def _paid(**fields: Any) -> dict[str, Any]:
    return {"reference_no": "T-1", "paid_at": timezone.now().isoformat(), **fields}


def test_transfer_is_asked_for_with_an_account_that_no_answer_shows(shop: Merchant) -> None:
    api = api_for(shop)

    answer = _ask(api, Route.BANK_TRANSFER)

    body = answer.json()
    assert (answer.status_code, body["state"], body["route"]) == (201, "in_review", "bank_transfer")
    assert body["payee"] == {"holder_name": "王*敏", "account_no": "**** 0123", "bank_name": "工商银行"}
    events = api.get(f"refund-requests/{body['id']}/events")
    for said in (answer, api.get(f"refund-requests/{body['id']}"), api.get("refund-requests"), events):
        assert "6222" not in said.content.decode()
        assert "王小敏" not in said.content.decode()


@pytest.mark.parametrize(
    ("payee", "field"),
    [
        (None, "payee"),
        ({**PAYEE, "account_no": "12"}, "payee.account_no"),
        ({**PAYEE, "account_no": "６２２２０２１２３４５６"}, "payee.account_no"),
    ],
)
def test_transfer_without_a_whole_account_is_refused(shop: Merchant, payee: Any, field: str) -> None:
    answer = _ask(api_for(shop), Route.BANK_TRANSFER, payee=payee)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "account_incomplete")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize(
    "payee", ["6222", {**PAYEE, "holder_name": "\u3000"}, {**PAYEE, "iban": "x"}, {"account_no": "62220212"}, [PAYEE]]
)
def test_account_of_another_shape_is_bad_input(shop: Merchant, payee: Any) -> None:
    assert _ask(api_for(shop), Route.BANK_TRANSFER, payee=payee).status_code == 400


def test_repeated_submission_of_a_transfer_is_answered_like_the_first(shop: Merchant) -> None:
    api = api_for(shop)
    sale = hand.sale_for(shop, Route.BANK_TRANSFER)
    body = {
        "transaction": str(sale.pk),
        "amount_fen": 1_200,
        "reason": "quality",
        "route": "bank_transfer",
        "customer_consent": True,
        "payee": PAYEE,
    }
    first, second = (api.post("refund-requests", body, idempotency_key="one") for _ in range(2))
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert RefundRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("route", "fields", "code"),
    [
        (Route.STORE_CREDIT, {"customer_consent": None}, "consent_to_route"),
        (Route.STORE_CREDIT, {"payee": PAYEE}, "account_incomplete"),
        (Route.CASH, {"amount_fen": 9_999_999}, "exceeds_refundable"),
    ],
)
def test_what_the_policy_refuses_on_a_route(shop: Merchant, route: str, fields: dict[str, Any], code: str) -> None:
    answer = _ask(api_for(shop), route, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_route_that_the_merchant_does_not_allow_is_refused() -> None:
    answer = _ask(api_for(make_merchant()), Route.STORE_CREDIT)
    assert (answer.status_code, answer.json()["code"]) == (422, "route_allowed")


def test_key_with_the_scope_confirms_once(shop: Merchant) -> None:
    request = _waiting(api_for(shop))
    assert request["state"] == "manual_pending"
    assert request["executions"][0]["failure"]["code"] == "by_hand"
    cashier_system = api_for(shop, scopes=["payouts:write"])
    body = _paid(version=request["version"])

    answer = cashier_system.post(f"refund-requests/{request['id']}/confirm-payout", body)

    paid = answer.json()
    assert (answer.status_code, paid["state"], paid["refunded_fen"]) == (200, "refunded", 1_200)
    assert paid["executions"][0]["channel_refund_no"] == "T-1"
    again = cashier_system.post(f"refund-requests/{request['id']}/confirm-payout", body)
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "version_conflict", "refunded")
    assert LedgerEntry.objects.filter(kind="payout").count() == 2


@pytest.mark.parametrize(
    "again",
    ["e123", " E123 ", "Ｅ１２３", "E 12 3", "E-123", "E\u2014123", "E\u2212123", "e\u200b123", "E\ufeff12\u00ad3"],
)
def test_confirm_when_the_number_differs_in_its_writing_only_is_refused(shop: Merchant, again: str) -> None:
    api = api_for(shop)
    first, second = _waiting(api), _waiting(api)
    payer = api_for(shop, scopes=["payouts:write"])

    answer = payer.post(
        f"refund-requests/{first['id']}/confirm-payout", _paid(version=first["version"], reference_no="E123")
    )
    assert (answer.status_code, answer.json()["executions"][0]["channel_refund_no"]) == (200, "E123")

    refused = payer.post(
        f"refund-requests/{second['id']}/confirm-payout", _paid(version=second["version"], reference_no=again)
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "reference_used")
    left = RefundRequest.objects.get(pk=second["id"])
    assert (left.state, left.version) == ("manual_pending", second["version"])


def test_confirm_shows_the_number_as_it_was_typed(shop: Merchant) -> None:
    request = _waiting(api_for(shop))
    payer = api_for(shop, scopes=["payouts:write"])
    body = _paid(version=request["version"], reference_no="Ｅ-１２３ b")
    paid = payer.post(f"refund-requests/{request['id']}/confirm-payout", body).json()
    assert paid["executions"][0]["channel_refund_no"] == "Ｅ-１２３ b"


def test_key_without_the_scope_or_of_another_merchant_confirms_nothing(shop: Merchant) -> None:
    request = _waiting(api_for(shop))
    path, body = f"refund-requests/{request['id']}/confirm-payout", _paid(version=request["version"])

    lacking = api_for(shop, scopes=["refunds:write", "refunds:read"]).post(path, body)
    assert (lacking.status_code, lacking.json()["code"]) == (403, "missing_scope")
    stranger = api_for(hand.make_shop(), scopes=["payouts:write"]).post(path, body)
    assert stranger.status_code == 404
    assert Client().post(f"/api/v1/{path}", body, content_type="application/json").status_code == 401
    assert RefundRequest.objects.get().state == "manual_pending"


def test_key_that_asked_for_it_does_not_confirm_it(shop: Merchant) -> None:
    api = api_for(shop)
    request = _waiting(api)
    answer = api.post(f"refund-requests/{request['id']}/confirm-payout", _paid(version=request["version"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "two_persons_needed")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"reference_no": ""}, 400),
        ({"reference_no": 7}, 400),
        ({"reference_no": "a\u0000b"}, 400),
        ({"paid_at": "yesterday"}, 400),
        ({"paid_at": "2026-11-22T10:00:00"}, 400),
        ({"paid_at": (timezone.now() + timedelta(days=2)).isoformat()}, 422),
        ({"version": True}, 400),
        ({"version": 1}, 409),
        ({"drawer": "POS-01"}, 422),
        ({"state": "refunded"}, 400),
        ({"amount_fen": 1}, 400),
    ],
)
def test_bad_confirmation_changes_nothing(shop: Merchant, fields: dict[str, Any], status: int) -> None:
    request = _waiting(api_for(shop))
    body = _paid(**{"version": request["version"], **fields})

    answer = api_for(shop).post(f"refund-requests/{request['id']}/confirm-payout", body)

    assert answer.status_code == status, answer.content
    assert RefundRequest.objects.get().state == "manual_pending"


def test_what_could_not_be_paid_fails_with_its_reason(shop: Merchant) -> None:
    till = api_for(shop)
    request = _waiting(till)
    path, version = f"refund-requests/{request['id']}/payout-failed", request["version"]
    assert api_for(shop).post(path, {"version": version, "reason_code": "no idea"}).status_code == 400

    answer = api_for(shop).post(path, {"version": version, "reason_code": "payee_wrong", "note": "户名不符"})

    body = answer.json()
    assert (answer.status_code, body["state"]) == (200, "failed")
    assert body["executions"][0]["failure"]["code"] == "payee_wrong"
    assert body["executions"][0]["failure"]["remedy"]
    corrected = till.post(
        f"refund-requests/{request['id']}/resubmit", {"payee": {**PAYEE, "account_no": "6217000123456789"}}
    )
    assert (corrected.status_code, corrected.json()["state"]) == (200, "in_review")
    assert corrected.json()["payee"]["account_no"] == "**** 6789"


def test_staff_confirm_in_their_session(shop: Merchant) -> None:
    request = _waiting(api_for(shop), Route.CASH)
    cashier = make_staff(shop, "cashier")
    client = Client(enforce_csrf_checks=True)
    client.force_login(cashier, backend="django.contrib.auth.backends.ModelBackend")
    body = _paid(version=request["version"], drawer="POS-01")
    path = f"refund-requests/{request['id']}/confirm-payout"

    assert Session(client, cashier).post(path, body, csrf=False).status_code == 403
    answer = Session(client, cashier).post(path, body)

    assert (answer.status_code, answer.json()["state"]) == (200, "refunded")


def test_rules_of_the_routes_are_told_in_words(shop: Merchant) -> None:
    routes = {row["route"]: row for row in api_for(shop).get("policy").json()["routes"]}
    assert list(routes) == ["original", "bank_transfer", "cash", "store_credit"]
    assert "500.00" in routes["cash"]["words"]
    assert routes["bank_transfer"]["words"] == ""
