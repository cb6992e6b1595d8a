"""The log of calls, for those who write clients."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import request_log
from integrations.models import RequestLogEntry
from integrations.request_log import masked
from merchants.principals import of_staff
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_sale, make_staff, works_in

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


def test_flush_when_the_database_refuses_loses_the_lot_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    api, _ = api_with_sale()
    api.get("policy")

    def away(*_: object) -> int:
        raise DatabaseError("away")

    with monkeypatch.context() as broken:
        broken.setattr(request_log, "insert_rows", away)
        broken.setattr(request_log.connection, "close", lambda: None)
        assert request_log.flush() == 0
    api.get("policy")
    assert request_log.flush() == 1


def test_waiting_calls_are_bounded_and_old_ones_forgotten() -> None:
    assert request_log._waiting.maxlen == 10_000
    api, _ = api_with_sale()
    for _ in range(3):
        api.get("policy")
    request_log.flush()
    first = RequestLogEntry.objects.order_by("pk")[0]
    RequestLogEntry.objects.filter(pk=first.pk).update(at=timezone.now() - timedelta(days=15))
    assert request_log.forget_old(at=timezone.now()) == 1
    assert RequestLogEntry.objects.count() == 2


def test_entries_are_those_of_ones_merchant_and_stores() -> None:
    api, _ = api_with_sale()
    api.get("policy")
    request_log.flush()
    manager, another = make_staff(api.merchant, "manager"), make_staff(make_merchant(), "owner")
    pk = api.merchant.pk
    assert request_log.entries(by=of_staff(manager), merchant_id=pk).count() == 1
    assert not request_log.entries(by=of_staff(another), merchant_id=pk).exists()
    works_in(manager, api.merchant.stores.get())
    assert not request_log.entries(by=of_staff(manager), merchant_id=pk).exists(), "by a key of all stores"


@pytest.mark.parametrize(
    "sent",
    [
        {"phone": 13800006021}, {"13800006021": 1}, {"order_no": "13800006021"}, {"order_no": "王敏"},
        {"a": {"b": {"c": {"d": {"e": "13800006021"}}}}},
        {"account_no": "6222021234567890123"}, {"reason": "13800006021 王敏"}, [{"name": "王敏"}],
    ],
)  # fmt: skip
def test_masked_shows_codes_alone(sent: object) -> None:
    text = masked(sent)
    assert "王敏" not in text
    assert "13800006021" not in text
    assert "6222" not in text


def test_masked_when_the_body_is_huge_is_cut() -> None:
    assert len(masked({f"f{n}": "x" * 1_000 for n in range(1_000)})) <= 2_000
