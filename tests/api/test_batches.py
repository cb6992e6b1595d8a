"""Batches through REST: JSON and CSV, repeated, confirmed, followed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from api.batches import rows_of
from refunds.intake import batches
from refunds.models import RefundBatch, RefundRequest
from tests.api.conftest import Api, api_for, session_for
from tests.factories import make_staff
from tests.refunds.limited import sales, shop

pytestmark = pytest.mark.django_db


def test_batch_as_json_is_checked_confirmed_and_told_row_by_row() -> None:
    merchant = shop()
    api, owner = api_for(merchant), session_for(make_staff(merchant, "owner"))
    good, _ = sales(merchant, 2)
    row: dict[str, Any] = {"transaction": str(good.pk), "amount_fen": 1_000, "reason": "quality"}
    rows: list[Any] = [row, {**row, "amount_fen": -1}, "nonsense", {**row, "colour": "red"}]
    filed = api.post("refund-batches", {"name": "recall", "rows": rows}, idempotency_key="b-1")
    assert filed.status_code == 201, filed.content
    again = api.post("refund-batches", {"name": "recall", "rows": rows}, idempotency_key="b-1")
    assert (again.json(), again["Idempotent-Replayed"], RefundBatch.objects.count()) == (filed.json(), "true", 1)
    address = f"refund-batches/{filed.json()['id']}"
    assert filed.json()["checked"]["bad"]["rows"] == 3
    batches.work()
    assert api.get(address).json()["checked"]["approve"] == {"rows": 1, "fen": 1_000}
    bad = api.get(f"{address}/rows", verdict="bad").json()["results"]
    assert [(one["number"], one["errors"][0]["field"]) for one in bad] == [(2, "amount_fen"), (3, ""), (4, "colour")]
    assert (bad[2]["code"], bad[2]["errors"][0]["code"]) == ("invalid_input", "unknown_field")
    # In the language of whoever reads it, not of whoever sent it.
    said = [one.json()["results"][2] for one in (api.get(f"{address}/rows", verdict="bad"), _in_english(api, address))]
    assert [(one["message"], one["errors"][0]["message"]) for one in said] == [
        ("输入有误", "未知字段。"),
        ("The input has errors", "This field is not known."),
    ]
    assert api.post(f"{address}/confirm", {"skip_bad": True}).json()["code"] == "staff_only"
    assert owner.post(f"{address}/confirm", {}).json()["code"] == "batch_has_bad_rows"
    confirmed = owner.post(f"{address}/confirm", {"skip_bad": True, "window_minutes": 0})
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed"), confirmed.content
    batches.work()
    done = api.get(address).json()
    assert (done["state"], done["result"]["taken"]["rows"], done["result"]["skipped"]["rows"]) == ("done", 1, 3)
    (taken,) = api.get(f"{address}/rows", outcome="taken").json()["results"]
    assert taken["request"] == str(RefundRequest.objects.get().pk)
    assert owner.post(f"{address}/cancel").json()["code"] == "batch_state"
    assert api_for(merchant).get(address).status_code == 403, "another key's"


def test_batch_as_csv_asks_for_the_same() -> None:
    merchant = shop()
    api = api_for(merchant)
    (sale,) = sales(merchant, 1)
    text = (
        "transaction,amount_fen,reason,customer_consent,customer.phone,description\n"
        f'{sale.pk},1000,quality,是,13800006021,"面板, 开裂"\n\n'
        f"{sale.pk},ten,quality,,,\n"
    )
    headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": "c-1"}

    answer = Client().post(
        "/api/v1/refund-batches?name=十一月", text.encode(), content_type="text/csv", headers=headers
    )
    assert answer.status_code == 201, answer.content
    batches.work()
    batch = RefundBatch.objects.get()
    assert batch.name == answer.json()["name"] == "十一月"
    assert list(batch.rows.order_by("number").values_list("verdict", "amount_fen")) == [
        ("approve", 1_000),
        ("bad", None),
    ]


def test_csv_is_read_as_json_would_have_it() -> None:
    text = (
        "order_no, amount_fen ,lines,customer.name,is_another\n"
        "A-1,100,SKU:1:2;B:0.5,王敏,true\n,,,,\nA-2,x,C,,\nA-3,1,,,,extra\n"
    )
    assert rows_of(text) == [
        {
            "order_no": "A-1",
            "amount_fen": 100,
            "lines": [{"sku": "SKU:1", "quantity": 2}, {"sku": "B", "quantity": 0.5}],
            "customer": {"name": "王敏"},
            "is_another": True,
        },
        {"order_no": "A-2", "amount_fen": "x", "lines": [{"sku": "C", "quantity": 1}]},
        {"order_no": "A-3", "amount_fen": 1, "": "extra"},
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"\xff\xfe", "not_utf8"), (b"a\0b", "nul_character"), (b"", "invalid_input"), (b'a\n"x', "parse_error")],
)
def test_csv_that_cannot_be_read_is_refused(body: bytes, code: str) -> None:

    api = api_for(shop())
    headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": "c-1"}
    answer = Client().post("/api/v1/refund-batches", body, content_type="text/csv", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not RefundBatch.objects.exists()


def _in_english(api: Api, address: str) -> Any:
    headers = {"Authorization": f"Bearer {api.key}", "Accept-Language": "en"}
    return Client().get(f"/api/v1/{address}/rows", {"verdict": "bad"}, headers=headers)


def test_rows_of_reads_no_further_than_the_rows_that_are_refused() -> None:
    assert len(rows_of("amount_fen\n" + "1\n" * 200_000)) == batches.MOST_ROWS + 1
