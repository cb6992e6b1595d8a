"""The log of calls, for those who write clients."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from integrations import request_log
from integrations.models import RequestLogEntry
from integrations.request_log import masked
from merchants.principals import of_staff
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_staff, works_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_waits() -> None:
    request_log._waiting.clear()


def some_api() -> Api:
    return api_for(make_merchant())


def test_flush_when_the_database_refuses_loses_the_lot_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    api = some_api()
    api.get("policy")

    def away(*_: object) -> int:
        raise DatabaseError("away")

    with monkeypatch.context() as broken:
        broken.setattr(request_log, "insert_rows", away)
        broken.setattr(connection, "close", lambda: None)
        assert request_log.flush() == 0
    api.get("policy")
    assert request_log.flush() == 1


def test_waiting_calls_are_bounded_and_old_ones_forgotten() -> None:
    assert request_log._waiting.maxlen == 10_000
    api = some_api()
    for _ in range(3):
        api.get("policy")
    request_log.flush()
    first = RequestLogEntry.objects.order_by("pk")[0]
    RequestLogEntry.objects.filter(pk=first.pk).update(at=timezone.now() - timedelta(days=15))
    assert request_log.forget_old(at=timezone.now()) == 1
    assert RequestLogEntry.objects.count() == 2


def test_entries_are_those_of_ones_merchant_and_stores() -> None:
    api = some_api()
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
