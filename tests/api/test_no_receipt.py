"""Cases without a receipt through REST: opened once, listed, and where they happen again and again."""

from __future__ import annotations

from typing import Any

import pytest

from refunds.models import NoReceiptCase
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db

CASE: dict[str, Any] = {"kind": "missing_slip", "store": "S001", "amount_fen": 1, "card_last4": "1234"}


def test_open_when_sent_twice_under_one_key_makes_one_case(api: Api) -> None:
    first = api.post("no-receipt-cases", CASE, idempotency_key="k")
    again = api.post("no-receipt-cases", CASE, idempotency_key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert NoReceiptCase.objects.count() == 1
    assert api.post("no-receipt-cases", {**CASE, "amount_fen": 2}, idempotency_key="k").status_code == 422


def test_list_comes_in_pages_newest_first(api: Api) -> None:
    made = [api.post("no-receipt-cases", CASE).json()["number"] for _ in range(3)]
    page = api.get("no-receipt-cases", limit=2).json()
    assert [one["number"] for one in page["results"]] == made[:0:-1]
    assert page["next"]


def test_chronic_lists_the_till(api: Api) -> None:
    for _ in range(3):
        api.post("no-receipt-cases", {**CASE, "terminal": "POS-01"})
    (found,) = api.get("no-receipt-cases/chronic").json()["results"]
    assert (found["terminal"], found["cases"], found["third_party"]) == ("POS-01", 3, [])


def test_open_when_the_store_or_till_is_unknown_stores_nothing(api: Api) -> None:
    for wrong in ({"store": "S404"}, {"terminal": "POS-404"}, {"paid_after": "yesterday"}):
        assert api.post("no-receipt-cases", {**CASE, **wrong}).status_code in (400, 422)
    assert not NoReceiptCase.objects.exists()
