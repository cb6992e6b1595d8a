"""What people type and paste at the desk is what it says; what is no such thing is refused in the form, in both languages."""

from __future__ import annotations

import csv
import html
import io
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from core.spreadsheets import from_cell
from refunds.models import RefundRequest
from terminals.models import Transaction
from tests.desk.conftest import BACKEND, Shop
from tests.factories import make_request, make_sale

pytestmark = pytest.mark.django_db


def _client(shop: Shop, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language}, raise_request_exception=False)
    client.force_login(shop.manager, backend=BACKEND)
    return client


def _submitted(shop: Shop, sale: Transaction, *, language: str = "en", **fields: str) -> str:
    form = {
        "sale": str(sale.pk),
        "reason": "quality",
        "note": "面板开裂",
        "consent": "1",
        "idempotency_key": uuid4().hex,
        **fields,
    }
    answer: Any = _client(shop, language).post("/desk/new", form, follow=True)
    assert answer.status_code in {200, 422}
    return html.unescape(answer.content.decode())


@pytest.mark.parametrize("typed", ["1,234.00", "￥1234", "1234元", "１２３４．００", "\u202d1234.00\u202c", "1 234"])
def test_amount_at_the_desk_is_what_it_says(shop: Shop, typed: str) -> None:
    _submitted(shop, make_sale(shop.merchant, 200_000), amount=typed)
    assert RefundRequest.objects.get().amount_fen == 123_400


@pytest.mark.parametrize(
    ("typed", "english", "chinese"),
    [
        ("268,5", "A comma only groups thousands", "逗号只用作千位分隔"),
        ("1.234,00", "A comma only groups thousands", "逗号只用作千位分隔"),
        ("1e2", "not 1e2", "不要写 1e2"),
        ("1_000", "Write the amount in yuan", "请"),
        ("6901234567892", "barcode", "商品条码"),
        ("12.345", "at most two decimals", "最多两位小数"),
    ],
)
def test_amount_at_the_desk_that_could_mean_something_else_is_refused(
    shop: Shop, typed: str, english: str, chinese: str
) -> None:
    sale = make_sale(shop.merchant, 200_000)
    assert english in _submitted(shop, sale, amount=typed)
    assert chinese in _submitted(shop, sale, amount=typed, language="zh-hans")
    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize("typed", ["+86 138 0000 6021", "138-0000-6021", "１３８００００６０２１", "\u200b13800006021"])
def test_phone_at_the_desk_is_stored_in_one_form(shop: Shop, typed: str) -> None:
    _submitted(shop, make_sale(shop.merchant, 200_000), amount="10", phone=typed)
    assert RefundRequest.objects.get().customer_phone == "13800006021"


def test_no_phone_number_at_the_desk_is_refused_in_the_form(shop: Shop) -> None:
    sale = make_sale(shop.merchant, 200_000)
    assert "This is no phone number" in _submitted(shop, sale, amount="10", phone="12345")
    assert "这不是电话号码" in _submitted(shop, sale, amount="10", phone="6901234567892", language="zh-hans")
    assert not RefundRequest.objects.exists()


def test_number_in_any_writing_opens_its_refund(shop: Shop) -> None:
    request = make_request(make_sale(shop.merchant, 33_980, order_no="0000123456"), 26_800, phone="13800006021")
    number = request.number
    for typed in (
        number.lower(),
        number.replace("-", "—"),
        number.replace("-", ""),
        number.removeprefix("RF-"),
        f"\u202d{number}\u202c",
        f"'{number}",
    ):
        answer: Any = _client(shop).get("/desk/search", {"q": typed})
        assert answer.headers.get("Location", "").endswith(number), typed
    for typed in (
        "+86 138 0000 6021",
        "１３８００００６０２１",
        "0000123456\t",
        "'0000123456",
        '="0000123456"',
        "\u200b0000123456",
    ):
        page = _client(shop).get("/desk/refunds", {"q": typed}).content.decode()
        assert number in page, typed
    assert _client(shop).get("/desk/search", {"q": "\0\u202e"}).status_code < 500


@pytest.mark.parametrize(
    "number", ["4200001234202611200000000001", "0000123456", "12E5", "2026-11", "007", "=1+1", "+86138"]
)
def test_exported_number_reads_back_and_finds_its_refund(shop: Shop, number: str) -> None:
    request = make_request(make_sale(shop.merchant, 33_980, order_no=number), 26_800)
    answer: Any = _client(shop).get("/desk/refunds.csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    cell = row["Receipt"]
    assert cell != number
    assert from_cell(cell) == number
    assert request.number in _client(shop).get("/desk/refunds", {"q": cell}).content.decode()
