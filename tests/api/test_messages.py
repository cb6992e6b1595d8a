"""What stands in ``errors[].message`` is in the reader's language, whoever found the mistake, and whoever read it before."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from core.codes import FIELDS, words, words_of_field
from core.errors import FieldError
from tests.api.conftest import Api
from tests.factories import make_sale

ROOT = Path(__file__).resolve().parents[2]
_CHINESE = re.compile("[一-鿿]")
_SALE: dict[str, Any] = {
    "order_no": "A1",
    "channel": "wechat",
    "channel_transaction_no": "4200001",
    "amount_fen": 33_980,
    "paid_at": "2026-11-20T18:42:15+08:00",
    "store": "S001",
}
_LINE = {"sku": "A", "name": "锅", "quantity": 1, "unit_price_fen": 1, "amount_fen": 1}
_WISH: dict[str, Any] = {"order_no": "A1", "amount_fen": 1, "reason": "quality"}
#: address, what is sent of it instead, the field and the code that it is refused with
_MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    ("transactions", {"order_no": ""}, "order_no", "blank"),
    ("transactions", {"order_no": None}, "order_no", "null"),
    ("transactions", {"order_no": 7}, "order_no", "invalid"),
    ("transactions", {"order_no": "x" * 65}, "order_no", "max_length"),
    ("transactions", {"order_no": "a\x07"}, "order_no", "control_character"),
    ("transactions", {"channel": "gold"}, "channel", "invalid_choice"),
    ("transactions", {"amount_fen": 0}, "amount_fen", "min_value"),
    ("transactions", {"amount_fen": 10**15}, "amount_fen", "max_value"),
    ("transactions", {"amount_fen": "1"}, "amount_fen", "invalid"),
    ("transactions", {"paid_at": "yesterday"}, "paid_at", "invalid"),
    ("transactions", {"paid_at": "2026-11-20T18:42:15"}, "paid_at", "offset_missing"),
    ("transactions", {"paid_at": "1999-11-20T18:42:15Z"}, "paid_at", "out_of_range"),
    ("transactions", {"paid_at": "2099-11-20T18:42:15Z"}, "paid_at", "in_the_future"),
    ("transactions", {"store": "S999"}, "store", "unknown_store"),
    ("transactions", {"terminal": "POS-99"}, "terminal", "unknown_terminal"),
    ("transactions", {"remote": "yes"}, "remote", "invalid"),
    ("transactions", {"strange": 1}, "strange", "unknown_field"),
    ("transactions", {"payer": {"phone": "12"}}, "payer.phone", "invalid_phone"),
    ("transactions", {"payer": {"card_last4": "12"}}, "payer.card_last4", "invalid"),
    ("transactions", {"payer": {"paid_fen": 33_981}}, "payer.paid_fen", "payer_paid_too_much"),
    ("transactions", {"payer": 7}, "payer", "invalid"),
    ("transactions", {"lines": 7}, "lines", "not_a_list"),
    ("transactions", {"lines": [_LINE]}, "lines", "lines_do_not_add_up"),
    ("transactions", {"lines": [{**_LINE, "quantity": 0}]}, "lines.0.quantity", "invalid_quantity"),
    ("transactions", {"lines": [{**_LINE, "kind": "article", "amount_fen": -1}]}, "lines.0.amount_fen", "below_zero"),
    ("transactions", {"channel_transaction_no": "known", "amount_fen": 5}, "amount_fen", "differs"),
    ("transactions", {"channel_transaction_no": "known", "order_no": "B"}, "order_no", "differs"),
    ("refund-requests", {"order_no": None}, "order_no", "null"),
    ("refund-requests", {"store": "S001", "transaction": "known", "order_no": ...}, "store", "sale_not_named"),
    ("refund-requests", {"transaction": "x", "order_no": ...}, "transaction", "invalid"),
    ("refund-requests", {"customer": {"email": "x"}}, "customer.email", "invalid"),
    ("refund-requests", {"amount_fen": 10**9}, "amount_fen", "exceeds_refundable"),
    ("refund-requests", {"lines": [{"sku": "none", "quantity": 1}]}, "lines", "unknown_article"),
    (
        "refund-requests",
        {"payee": {"holder_name": "王", "account_no": "12", "bank_name": "B"}},
        "payee",
        "not_for_this_route",
    ),
    ("refund-requests", {"order_no": "NONE"}, "transaction", "transaction_not_found"),
    ("refund-requests", {"evidence": ["x"]}, "evidence.0", "invalid"),
]


@pytest.mark.django_db
def test_every_mistake_is_told_in_the_readers_language_and_not_in_the_one_of_who_made_it_before(api: Api) -> None:
    known = make_sale(api.merchant, 33_980, order_no="A1", channel_transaction_no="known")
    wrong: list[tuple[Any, ...]] = []
    for path, changes, field, code in _MISTAKES:
        body = {**(_SALE if path == "transactions" else _WISH), **changes}
        body = {
            name: str(known.pk) if name == "transaction" and value == "known" else value for name, value in body.items()
        }
        body = {name: value for name, value in body.items() if value is not ...}
        for language in ("en", "zh-Hans", "en"):
            answer = api.post(path, body, **{"Accept-Language": language}).json()
            told = {error["field"]: error for error in answer["errors"]}
            if told.get(field, {}).get("code") != code:
                wrong.append((path, changes, answer))
            for said in (answer["title"], *(error["message"] for error in answer["errors"])):
                if bool(_CHINESE.search(said)) is (language == "en"):
                    wrong.append((path, changes, said))
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["limit=x", "state=none", "created_after=x", "strange=1", "limit=1&limit=2", "cursor=x"]
)
def test_mistakes_of_an_address_are_told_in_the_readers_language(api: Api, query: str) -> None:
    for language in ("zh-Hans", "en", "zh-Hans"):
        headers = {"Authorization": f"Bearer {api.key}", "Accept-Language": language}
        (error,) = Client().get(f"/api/v1/refund-requests?{query}", headers=headers).json()["errors"]
        assert bool(_CHINESE.search(error["message"])) is (language != "en"), error


@pytest.mark.parametrize("code", [code.name for code in FIELDS])
def test_every_code_of_a_field_has_a_sentence_in_both_languages(code: str) -> None:
    for error in (FieldError("x", code), FieldError("x", code, "a line for the log")):
        with translation.override("zh-hans"):
            assert _CHINESE.search(words_of_field(error))
        with translation.override("en"):
            assert words_of_field(error) == words(code)
            assert not _CHINESE.search(words_of_field(error))


def test_a_sentence_of_its_own_is_told_where_it_is_translated() -> None:
    error = FieldError("x", "invalid", format_lazy(gettext_lazy("The sale has no article {sku}."), sku="AF-4L"))
    with translation.override("en"):
        assert words_of_field(error) == "The sale has no article AF-4L."
    with translation.override("zh-hans"):
        assert words_of_field(error) == "该交易没有商品 AF-4L。"


def test_no_field_error_carries_words_that_nobody_translates() -> None:
    """A plain text is never shown; where one stands, a sentence was meant."""
    plain = []
    for package in ("analytics", "integrations", "merchants", "reconciliation", "refunds", "terminals"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "FieldError":
                    continue
                if isinstance((*node.args, None, None, None)[2], ast.Constant | ast.JoinedStr):
                    plain.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert plain == []
