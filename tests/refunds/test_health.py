"""Alive, ready, and the figures for the watchers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
import redis
from django.test import Client
from pytest_django import Settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from refunds import health
from refunds.broker import client
from tests.factories import make_merchant, make_request, make_sale


@pytest.fixture(autouse=True)
def nobody_has_worked_yet() -> Iterator[None]:
    client().delete("heartbeat:sweep")
    yield
    client().delete("heartbeat:sweep")


def test_alive_needs_neither_database_nor_broker() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_once_work_is_being_done() -> None:
    before = Client().get("/readyz")
    health.beat()
    after = Client().get("/readyz")

    assert (before.status_code, before.json()["checks"]["workers"]) == (503, "silent")
    assert (after.status_code, after.json()) == (
        200,
        {
            "status": "ok",
            "checks": {"database": "ok", "broker": "ok", "workers": "ok"},
            # Tests may become the owner for a moment; that is all.
            "missing": [{"code": "owner_apart", "what": "the application's login may become the owner of the tables"}],
        },
    )


@pytest.mark.django_db
def test_a_worker_that_has_not_swept_for_long_is_silent_whatever_its_process_says() -> None:
    client().set("heartbeat:sweep", time.time() - 60)

    assert Client().get("/readyz").json()["checks"]["workers"] == "silent"


@pytest.mark.django_db
def test_without_a_broker_it_is_not_ready_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(health, "client", lambda: nobody)

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "broker": "down", "workers": "unknown"}


@pytest.mark.django_db
def test_figures_count_what_is_open_and_what_waits() -> None:
    merchant = make_merchant()
    make_request(make_sale(merchant, 33_980), 1_200)
    make_request(make_sale(merchant, 33_980), 26_800)

    figures = _figures(Client().get("/metrics").content.decode())

    assert figures['refunddesk_executions_open{state="ready"}'] == 1
    assert figures['refunddesk_requests_waiting{state="in_review"}'] == 1
    assert figures["refunddesk_outbox_pending"] == 6
    assert figures["refunddesk_notifications_pending"] == 0
    assert 0 <= figures["refunddesk_execution_overdue_seconds"] < 60


@pytest.mark.django_db
def test_figures_name_nobody() -> None:
    make_request(make_sale(make_merchant(), 33_980), 1_200, phone="13800006021", name="王小敏")

    text = Client().get("/metrics").content.decode()

    assert "1380000" not in text
    assert "王" not in text


@pytest.mark.django_db
def test_figures_are_for_those_with_the_token_where_one_is_set(settings: Settings) -> None:
    settings.METRICS_TOKEN = "a-long-token"

    assert Client().get("/metrics").status_code == 401
    assert Client().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert Client().get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200


def _figures(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(refunddesk_\S+) (\S+)$", text, re.MULTILINE)}
