"""What is almost right is refused with a reason: in addresses, headers, bodies."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from refunds.models import RefundRequest
from terminals.models import Transaction
from tests.api.conftest import Api, api_for, session_for
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = [pytest.mark.django_db]

_SALE = {
    "order_no": "A1",
    "channel": "wechat",
    "channel_transaction_no": "4200001",
    "amount_fen": 33_980,
    "paid_at": "2026-11-20T18:42:15+08:00",
    "store": "S001",
}


def _problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    return body


@pytest.mark.parametrize("path", ["refund-requests", "transactions", "refund-requests/{request}/events"])
@pytest.mark.parametrize(
    "cursor",
    [
        "p=abc",
        "r=1&p=abc",
        "p=%00",
        "o=5",
        "o=99999999999999999999",
        "o=-5",
        "r=x",
        "p=1;DROP",
        b"\xff\xfe",
        "p=" + "9" * 40,
        "nothing",
        "\0" * 300,
    ],
)
def test_a_cursor_that_is_not_ours_is_400(api: Api, path: str, cursor: str | bytes) -> None:
    request = make_request(make_sale(api.merchant))
    raw = cursor.encode() if isinstance(cursor, str) else cursor
    answer = api.get(path.format(request=request.pk), cursor=base64.b64encode(raw).decode())
    body = _problem(answer, 400, "invalid_input")
    assert body["errors"][0]["field"] == "cursor"


def test_a_cursor_of_another_merchants_list_shows_nothing_of_theirs(api: Api) -> None:
    stranger = api_for(make_merchant())
    theirs = [make_request(make_sale(stranger.merchant)) for _ in range(3)]
    cursor = stranger.get("refund-requests", limit=1).json()["next"].split("cursor=")[1].split("&")[0]
    own = api.get("refund-requests", cursor=cursor.replace("%3D", "=")).json()
    assert own["results"] == []
    assert not {row["id"] for row in own["results"]} & {str(request.pk) for request in theirs}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=in_review&state=refunded", "state"),
        ("limit=1&limit=2", "limit"),
        ("page_size=1000000000", "page_size"),
        ("number=%00", "number"),
        ("created_after=2026-11-20", "created_after"),
        ("created_after=2026-W47-5T10:00:00Z", "created_after"),
        ("created_after=20261120T100000Z", "created_after"),
        ("created_after=2026-11-20T10:00:00%2B08:00:30", "created_after"),
        ("created_after=9999-12-31T23:59:59Z", "created_after"),
        ("created_after=2027-02-29T00:00:00Z", "created_after"),
    ],
)
def test_a_list_says_which_parameter_is_wrong(api: Api, query: str, field: str) -> None:
    answer = Client().get(f"/api/v1/refund-requests?{query}", headers={"Authorization": f"Bearer {api.key}"})
    assert [error["field"] for error in _problem(answer, 400, "invalid_input")["errors"]] == [field]


@pytest.mark.parametrize(
    "written", ["2026-11-20T10:00:00+08:00", "2026-11-20T10:00:00%2B08:00", "2026-11-20t02:00:00z"]
)
def test_an_instant_in_an_address_may_have_a_bare_plus(api: Api, written: str) -> None:
    make_request(make_sale(api.merchant))
    answer = Client().get(
        f"/api/v1/refund-requests?created_after={written}", headers={"Authorization": f"Bearer {api.key}"}
    )
    assert (answer.status_code, len(answer.json()["results"])) == (200, 1)


@pytest.mark.parametrize(
    "amount", ["0", "-1", "1.0", "１２", "true", "1e3", "1,000", "9223372036854775808", "9" * 5_000]
)
def test_an_amount_looked_for_is_a_plain_number(api: Api, amount: str) -> None:
    body = _problem(api.get("transactions", amount_fen=amount, sku="x"), 400, "invalid_input")
    assert [error["field"] for error in body["errors"]] == ["amount_fen"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"paid_at": "2026-11-20 10:00:00+08:00"}, "paid_at"),
        ({"paid_at": "20261120T100000+0800"}, "paid_at"),
        ({"paid_at": "2026-11-20T10:00:00"}, "paid_at"),
        ({"paid_at": "9999-12-31T23:59:59Z"}, "paid_at"),
        ({"paid_at": 1_700_000_000}, "paid_at"),
        ({"payer": {"card_last4": 1234}}, "payer.card_last4"),
        ({"payer": {"card_last4": "１２３４"}}, "payer.card_last4"),
        ({"payer": {"card_number": "6222021234567890"}}, "payer.card_number"),
        ({"status": "paid"}, "status"),
        ({"merchant": "M002"}, "merchant"),
    ],
)
def test_a_sale_that_is_almost_right_is_400_with_its_field(api: Api, changed: dict[str, Any], field: str) -> None:
    make_sale(api.merchant)
    before = Transaction.objects.count()
    body = _problem(api.post("transactions", {**_SALE, **changed}), 400, "invalid_input")
    assert [error["field"] for error in body["errors"]] == [field]
    assert Transaction.objects.count() == before


@pytest.mark.parametrize(
    "paid_at",
    [
        "2026-02-28T23:59:59.999999999Z",
        "2024-02-29T00:00:00+08:00",
        "2001-01-01T00:00:00+23:59",
        # As languages write offsets of themselves.
        "2026-02-28T23:59:59.5+0800",
        "2026-02-28T23:59:59-0330",
    ],
)
def test_any_offset_and_any_fraction_of_a_second_is_taken(api: Api, paid_at: str) -> None:
    make_sale(api.merchant)
    assert api.post("transactions", {**_SALE, "paid_at": paid_at}).status_code == 201


@pytest.mark.parametrize(
    ("ahead", "hint"),
    [
        (timedelta(minutes=6), "clock"),
        (timedelta(hours=8), "+08:00"),
        (timedelta(hours=7), "+08:00"),
        (timedelta(days=1800), "clock"),
    ],
)
def test_report_when_a_sale_is_paid_in_the_future_is_refused_with_a_hint(api: Api, ahead: timedelta, hint: str) -> None:
    make_sale(api.merchant)
    before = Transaction.objects.count()
    paid_at = (timezone.now() + ahead).isoformat()
    answer = api.post("transactions", {**_SALE, "paid_at": paid_at}, **{"Accept-Language": "en"})
    body = _problem(answer, 422, "paid_in_the_future")
    assert [(error["field"], error["code"]) for error in body["errors"]] == [("paid_at", "in_the_future")]
    assert hint in body["errors"][0]["message"]
    assert Transaction.objects.count() == before


def test_report_when_the_tills_clock_is_a_little_ahead_is_taken(api: Api) -> None:
    make_sale(api.merchant)
    paid_at = (timezone.now() + timedelta(minutes=4)).isoformat()
    assert api.post("transactions", {**_SALE, "paid_at": paid_at}).status_code == 201


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"customer_consent": "true"}, "customer_consent"),
        ({"customer_consent": 1}, "customer_consent"),
        ({"transaction": 5}, "transaction"),
        ({"transaction": "{01990000-0000-7000-8000-000000000000}"}, "transaction"),
        ({"customer": {"email": "no address"}}, "customer.email"),
        ({"customer": {"email": 5}}, "customer.email"),
        ({"customer": {"phone": 13800006021}}, "customer.phone"),
        ({"approved_fen": 1}, "approved_fen"),
    ],
)
def test_a_wish_that_is_almost_right_is_400_with_its_field(api: Api, changed: dict[str, Any], field: str) -> None:
    body = {"transaction": str(make_sale(api.merchant).pk), "amount_fen": 100, "reason": "quality", **changed}
    answer = _problem(api.post("refund-requests", body), 400, "invalid_input")
    assert [error["field"] for error in answer["errors"]] == [field]
    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ["transactions", "refund-requests", "refund-quotes", "policy", "analytics/summary"])
def test_a_method_that_a_path_does_not_have_is_405_and_named(api: Api, method: str, path: str) -> None:
    answer = Client().generic(method, f"/api/v1/{path}", headers={"Authorization": f"Bearer {api.key}"})
    _problem(answer, 405, "method_not_allowed")
    assert answer["Allow"]
    assert method not in answer["Allow"]


def test_head_and_options_are_answered(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key}"}
    assert Client().head("/api/v1/transactions", headers=headers).status_code == 200
    assert Client().head("/api/v1/refund-quotes", headers=headers).status_code == 405
    options = Client().options("/api/v1/transactions", headers=headers)
    assert (options.status_code, options["Allow"]) == (200, "GET, POST, HEAD, OPTIONS")
    assert Client().options("/api/v1/transactions").status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/v1/transactions/",
        "/api/v2/transactions",
        "/api/",
        "http://testserver//api/v1/policy",
        "/API/v1/policy",
    ],
)
def test_a_path_that_leads_nowhere_is_a_problem_whatever_the_method(method: str, path: str) -> None:
    answer = Client(enforce_csrf_checks=True).generic(method, path, b"{}", content_type="application/json")
    _problem(answer, 404, "not_found")


def test_an_id_in_capitals_is_the_same(api: Api) -> None:
    request = make_request(make_sale(api.merchant), by=api.by)
    for path in (f"refund-requests/{request.pk}", f"refund-requests/{request.pk}/events"):
        written = path.replace(str(request.pk), str(request.pk).upper())
        assert written != path
        # A link to the customer's page says in which second it was made.
        first, again = ({**api.get(one).json(), "tracking_url": ""} for one in (written, path))
        assert first == again
    assert api.post(f"refund-requests/{str(request.pk).upper()}/cancel", {}).status_code == 200


@pytest.mark.parametrize("path", ["policy", "transactions/{sale}", "refund-requests/{request}", "api-keys/current"])
def test_what_is_asked_for_beside_an_address_that_takes_nothing_is_unknown(api: Api, path: str) -> None:
    sale = make_sale(api.merchant)
    path = path.format(sale=sale.pk, request=make_request(sale).pk)
    assert api.get(path).status_code == 200
    answer = api.get(path, fields="id", a="1")
    assert [error["field"] for error in _problem(answer, 400, "invalid_input")["errors"]] == ["fields", "a"]
    assert api.get(path.replace(str(sale.pk), "00000000-0000-4000-8000-000000000000") + "x", a="1").status_code == 404


def test_what_an_address_of_a_deed_says_beside_it_is_unknown_and_nothing_is_done(api: Api) -> None:
    request = make_request(make_sale(api.merchant), by=api.by)
    before = request.state
    for path in (f"refund-requests/{request.pk}/cancel?dry_run=true", "refund-requests?dry_run=true"):
        (error,) = _problem(api.post(path, {}), 400, "invalid_input")["errors"]
        assert (error["field"], error["code"]) == ("dry_run", "unknown_field")
    assert [one.state for one in RefundRequest.objects.all()] == [before]


@pytest.mark.parametrize(("language", "listed"), [("en", "It is none of: "), ("zh-Hans", "只能是：")])
def test_what_may_be_chosen_stands_in_the_refusal(api: Api, language: str, listed: str) -> None:
    answer = api.post("transactions", {"channel": "gold"}, **{"Accept-Language": language})
    (message,) = [error["message"] for error in answer.json()["errors"] if error["field"] == "channel"]
    assert message.startswith(listed)
    assert "alipay" in message


def test_a_field_that_no_row_has_is_named(api: Api) -> None:
    (error,) = _problem(api.get("transactions", fields="id,nope"), 400, "invalid_input")["errors"]
    assert (error["field"], error["code"]) == ("fields", "unknown_field")
    assert error["message"].endswith(" nope")


def test_no_wish_for_a_kind_of_answer_is_any(api: Api) -> None:
    answer = Client().get("/api/v1/policy", headers={"Authorization": f"Bearer {api.key}", "Accept": ""})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_signs_of_life_are_only_read(path: str) -> None:
    assert Client(enforce_csrf_checks=True).post(path).status_code == 405


def test_a_packed_body_is_415(api: Api) -> None:
    body = gzip.compress(json.dumps(_SALE).encode())
    answer = Client().generic(
        "POST",
        "/api/v1/transactions",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}", "Idempotency-Key": "k", "Content-Encoding": "gzip"},
    )
    _problem(answer, 415, "unsupported_encoding")


def test_a_body_above_one_megabyte_is_413(api: Api) -> None:
    sale = make_sale(api.merchant)
    body = {"transaction": str(sale.pk), "amount_fen": 1, "reason": "quality", "description": "x" * 1_100_000}
    _problem(api.post("refund-requests", body), 413, "body_too_large")
    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize(
    "changed", [{"transaction": "01990000-0000-7000-8000-000000000000"}, {"lines": [{"sku": "no", "quantity": 1}]}]
)
def test_a_used_key_with_a_payload_that_could_never_be_taken_is_422(api: Api, changed: dict[str, Any]) -> None:
    body = {"transaction": str(make_sale(api.merchant).pk), "amount_fen": 100, "reason": "quality"}
    assert api.post("refund-requests", body, idempotency_key="k").status_code == 201
    _problem(api.post("refund-requests", {**body, **changed}, idempotency_key="k"), 422, "idempotency_key_reused")


def test_a_repeat_is_answered_though_the_order_number_means_two_orders_by_now(api: Api) -> None:
    sale = make_sale(api.merchant)
    body = {"order_no": sale.order_no, "amount_fen": 100, "reason": "quality"}
    first = api.post("refund-requests", body, idempotency_key="k")
    another_day = sale.paid_at - timedelta(days=1)
    Transaction.objects.filter(pk=make_sale(api.merchant, paid_at=another_day).pk).update(order_no=sale.order_no)
    again = api.post("refund-requests", body, idempotency_key="k")
    assert (again.status_code, again.json()) == (201, first.json())
    _problem(api.post("refund-requests", body), 422, "ambiguous_order_no")


def test_a_store_learns_nothing_of_a_payment_that_another_store_reported(api: Api) -> None:
    make_sale(api.merchant)
    assert api.post("transactions", _SALE).status_code == 201
    elsewhere = api.merchant.stores.create(code="S002", name="二号店")
    bound = api_for(api.merchant, store=elsewhere)
    answer = bound.post("transactions", {**_SALE, "store": "S002"})
    body = _problem(answer, 409, "reported_elsewhere")
    assert "A1" not in json.dumps(body)


def test_a_request_says_where_it_was_made(api: Api) -> None:
    sale = make_sale(api.merchant)
    made = api.post("refund-requests", {"transaction": str(sale.pk), "amount_fen": 100, "reason": "quality"}).json()
    place = {
        "order_no": sale.order_no,
        "store": sale.store.code,
        "terminal": sale.terminal.code if sale.terminal else None,
    }
    assert made.items() >= place.items()
    assert api.get(f"refund-requests/{made['id']}").json().items() >= place.items()


def test_a_timeline_comes_in_pages_from_its_beginning(api: Api) -> None:
    request = make_request(make_sale(api.merchant))
    whole = api.get(f"refund-requests/{request.pk}/events").json()
    assert (whole["next"], whole["previous"]) == (None, None)
    first = api.get(f"refund-requests/{request.pk}/events", limit=1).json()
    rest = Client().get(first["next"].replace("limit=1", "limit=200"), headers={"Authorization": f"Bearer {api.key}"})
    assert first["results"] + rest.json()["results"] == whole["results"]


def test_channels_that_do_not_exist_are_400(api: Api) -> None:
    _problem(api.get("analytics/summary", channel="paypal"), 400, "invalid_input")
    _problem(api.get("reconciliations", channel="paypal", date="2026-11-20"), 400, "invalid_input")


def test_a_decision_without_its_reason_names_the_field(api: Api) -> None:
    request = make_request(make_sale(api.merchant, 50_000), 30_000)
    session = session_for(make_staff(api.merchant, "reviewer"))
    body = _problem(session.post(f"refund-requests/{request.pk}/reject", {"version": 3}), 422, "reason_code_required")
    assert body["errors"][0]["field"] == "reason_code"


def test_a_claim_names_the_version_it_saw(api: Api) -> None:
    request = make_request(make_sale(api.merchant, 50_000), 30_000)
    session = session_for(make_staff(api.merchant, "reviewer"))
    path = f"refund-requests/{request.pk}/claim"
    body = _problem(session.post(path, {"version": 2}), 409, "version_conflict")
    assert (body["state"], body["version"]) == ("in_review", 3)
    _problem(session.post(path, {"version": 3, "state": "approved"}), 400, "invalid_input")
    assert RefundRequest.objects.get().claimed_by is None
    assert session.post(path, {"version": 3}).status_code == 200
    assert session.post(path, {}).status_code == 200


def test_words_may_have_lines_and_names_may_not(api: Api) -> None:
    body = {"transaction": str(make_sale(api.merchant).pk), "amount_fen": 100, "reason": "quality"}
    made = api.post("refund-requests", {**body, "description": " 面板开裂\r\n\t左下角 "}).json()
    assert made["description"] == "面板开裂\n\t左下角"
    _problem(api.post("refund-requests", {**body, "description": "\x1b[31m"}), 400, "invalid_input")
    for name in ("order_no", "channel_transaction_no", "cashier"):
        answer = _problem(api.post("transactions", {**_SALE, name: "A\nB"}), 400, "invalid_input")
        assert [error["field"] for error in answer["errors"]] == [name]


@pytest.mark.parametrize(("paid_fen", "line_fen"), [(10_000, 100), (100, 10_000)])
def test_sale_whose_lines_are_in_another_unit_than_what_was_paid_says_so(
    api: Api, paid_fen: int, line_fen: int
) -> None:
    make_sale(api.merchant)
    line = {"sku": "A", "name": "锅", "quantity": 1, "unit_price_fen": line_fen, "amount_fen": line_fen}
    sale = {**_SALE, "amount_fen": paid_fen, "lines": [line]}
    body = _problem(api.post("transactions", sale, **{"Accept-Language": "en"}), 422, "lines_do_not_add_up")
    assert "in yuan" in body["errors"][0]["message"]
