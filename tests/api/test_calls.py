"""What is kept of an answered call."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations import request_log
from integrations.models import RequestLogEntry
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db
_BODY = {"amount_fen": 1_200, "reason": "quality", "route": "original", "customer_consent": True}
_SECRETS = {
    "customer": {"name": "王敏", "phone": "13800006021", "email": "min@wang.example"},
    "description": "打给 13800006021, 6222021234567890123",
}


@pytest.fixture(autouse=True)
def _nothing_waits() -> None:
    request_log._waiting.clear()


def api_with_sale() -> tuple[Api, dict[str, object]]:
    api = api_for(make_merchant())
    return api, {**_BODY, **_SECRETS, "transaction": str(make_sale(api.merchant).pk)}


def test_calls_are_kept_with_how_they_ended_and_nothing_personal() -> None:
    api, body = api_with_sale()
    made = api.post("refund-requests", body, idempotency_key="one", **{"X-Request-Id": "till-7"}).json()
    api.post("refund-requests", body, idempotency_key="one")
    api.post("refund-requests", {**body, "amount_fen": 1_300}, idempotency_key="one")
    api.post("refund-requests", {**body, "amount_fen": 1_300, "nonsense": "13800006021"}, idempotency_key="two")
    api.get(f"refund-requests/{made['id']}")
    api.get("refund-requests", number="13800006021", name="王敏")
    assert not RequestLogEntry.objects.exists(), "nothing is written in a call"
    assert request_log.flush() == 6
    rows = list(RequestLogEntry.objects.order_by("pk"))
    assert [(row.status, row.repeat, row.code) for row in rows] == [
        (201, "first", ""),
        (201, "replayed", ""),
        (422, "conflict", "idempotency_key_reused"),
        (400, "open", "invalid_input"),
        (200, "", ""),
        (400, "", "invalid_input"),
    ]
    assert rows[0].request_id == "till-7"
    assert (rows[0].method, rows[0].path, rows[4].path) == ("POST", "refund-requests", "refund-requests/{request_id}")
    assert {rows[0].object_id, rows[4].object_id} == {made["id"]}
    assert rows[3].fields == "nonsense: unknown_field"
    shown = json.loads(rows[0].body)
    assert (shown["amount_fen"], shown["reason"], shown["customer"]["phone"]) == (1_200, "quality", "‹11›")
    kept = json.dumps([[str(value) for value in vars(row).values()] for row in rows], ensure_ascii=False)
    for secret in ("13800006021", "王敏", "min@wang", "6222021234567890123", api.key):
        assert secret not in kept, secret


def test_submission_costs_no_statement_more() -> None:
    api, body = api_with_sale()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        api.post("refund-requests", body)
    assert not [one for one in queries if "requestlog" in one["sql"]]
