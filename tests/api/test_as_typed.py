"""Text as tills and people type it: one form is stored, hashed and found; what is none is refused with a sentence."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from core.personal_data import phone_hashes
from refunds.models import Payee, RefundRequest
from refunds.states import Route
from terminals.models import Transaction
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_request, make_sale
from tests.refunds import hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(db: None) -> Api:
    return api_for(make_merchant())


def _wish(sale: Transaction, **more: Any) -> dict[str, Any]:
    return {
        "transaction": str(sale.pk),
        "amount_fen": 1_200,
        "reason": "quality",
        "customer": {"phone": "13800006021"},
        "customer_consent": True,
        **more,
    }


def _sale(**more: Any) -> dict[str, Any]:
    return {
        "order_no": f"A{uuid4().hex[:12]}",
        "channel": "wechat",
        "channel_transaction_no": uuid4().hex,
        "kind": "sale",
        "amount_fen": 26_800,
        "paid_at": "2026-11-20T18:42:15+08:00",
        "lines": [],
        **more,
    }


@pytest.mark.parametrize(
    "typed",
    [
        "+86 138-0000-6021",
        "0086 13800006021",
        "１３８００００６０２１",
        "\u202d13800006021\u202c",
        "86 138\u200b00006021",
    ],
)
def test_phone_is_stored_and_hashed_in_one_form(api: Api, typed: str) -> None:
    answer = api.post("refund-requests", _wish(make_sale(api.merchant), customer={"phone": typed}))
    assert answer.status_code == 201, answer.content
    request = RefundRequest.objects.get()
    assert request.customer_phone == "13800006021"
    assert bytes(request.customer_phone_hash or b"") == phone_hashes("13800006021")[0]


@pytest.mark.parametrize("typed", ["12345", "6901234567892", "none", "1380000602"])
def test_no_phone_number_is_refused_and_nothing_is_stored(api: Api, typed: str) -> None:
    answer = api.post("refund-requests", _wish(make_sale(api.merchant), customer={"phone": typed}))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "invalid_phone"
    assert not RefundRequest.objects.exists()


def test_numbers_of_a_sale_are_stored_and_found_in_one_form(api: Api) -> None:
    sale = make_sale(api.merchant, order_no="DB-77-02")
    for typed in ("DB－77－02", "\u202dDB-77-02\u202c", "ＤＢ-77-02", "DB\u201177\u201002"):
        found = api.get("transactions", order_no=typed).json()["results"]
        assert [row["id"] for row in found] == [str(sale.pk)], typed
    request = make_request(sale, 100)
    for typed in (request.number.lower(), request.number.replace("-", "－"), f"\u200b{request.number}"):
        found = api.get("refund-requests", number=typed).json()["results"]
        assert [row["number"] for row in found] == [request.number], typed


@pytest.mark.parametrize("amount", ["1e2", "100.0", '"100"', "true", '"1,234.00"', "null", "[100]"])
def test_amount_that_is_no_whole_number_of_fen_is_refused(api: Api, amount: str) -> None:
    body = json.dumps(_wish(make_sale(api.merchant), amount_fen=0)).replace(
        '"amount_fen": 0', f'"amount_fen": {amount}'
    )
    answer = api.post("refund-requests", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "amount_fen"
    assert not RefundRequest.objects.exists()


def test_barcode_in_an_amount_is_named_as_one(api: Api) -> None:
    answer = api.post("refund-requests", _wish(make_sale(api.merchant), amount_fen=6_901_234_567_892))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "amount_barcode")
    assert not RefundRequest.objects.exists()


def test_body_with_a_byte_order_mark_is_read(api: Api) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(_wish(make_sale(api.merchant))).encode()
    assert api.post("refund-requests", body).status_code == 201


@pytest.mark.parametrize(("encoding", "name"), [("gbk", "GBK"), ("utf-16", "UTF-16")])
def test_body_in_another_encoding_is_refused_by_its_name(api: Api, encoding: str, name: str) -> None:
    body = json.dumps(_wish(make_sale(api.merchant), description="面板开裂"), ensure_ascii=False).encode(encoding)
    answer = api.post("refund-requests", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_utf8")
    assert name in answer.json()["detail"]
    assert not RefundRequest.objects.exists()


def test_nul_and_marks_that_turn_the_writing_reach_no_page(api: Api) -> None:
    sale = make_sale(api.merchant)
    assert api.post("refund-requests", _wish(sale, description="a\0b")).status_code == 400
    answer = api.post("refund-requests", _wish(sale, description="\u202egpj.exe\u2066"))
    assert answer.status_code == 201
    assert RefundRequest.objects.get().description == "gpj.exe"
    assert api.get("transactions", order_no="a\0b").status_code in {200, 400}
    assert api.get("refund-requests", number="\u202e\0").status_code in {200, 400}


def test_names_and_account_numbers_are_stored_in_one_form() -> None:
    api = api_for(hand.make_shop())
    sale = hand.sale_for(api.merchant, Route.BANK_TRANSFER)
    payee = {
        "holder_name": "\u202d王\u3000敏\u202c",
        "account_no": "\u202d6222 0200-0000\u00a01234\u202c",
        "bank_name": " 工商\u200b银行",
    }
    wish = _wish(sale, customer={"name": "\u200b王 敏\u202c"}, route="bank_transfer", payee=payee)
    answer = api.post("refund-requests", wish)
    assert answer.status_code == 201, answer.content
    stored = Payee.objects.get()
    assert (stored.holder_name, stored.account_no, stored.bank_name) == ("王 敏", "6222020000001234", "工商银行")
    assert RefundRequest.objects.get().customer_name == "王 敏"
