"""Alive, ready, and the figures for the watchers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import health
from core.audit.models import AuditEvent
from core.periodic import PeriodicWork
from core.redis_client import client
from refunds import tasks
from tests.factories import make_merchant, make_request, make_sale
from tests.owner import as_owner


def _ran(task: str = "refunds.sweep", *, called_s: float | None = None, taken_up_s: float | None = None) -> None:
    """So long ago beat called for it, so long ago a watch took it up."""
    now = timezone.now()
    PeriodicWork.objects.update_or_create(
        task=task,
        defaults={
            "since": now - timedelta(days=1),
            "called_at": None if called_s is None else now - timedelta(seconds=called_s),
            "taken_up_at": None if taken_up_s is None else now - timedelta(seconds=taken_up_s),
        },
    )


def _ready() -> tuple[int, str, dict[str, str]]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()["status"], answer.json()["checks"]


def test_alive_needs_neither_database_nor_broker() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_once_work_is_being_done() -> None:
    status, word, checks = _ready()
    assert (status, word, checks["workers"]) == (503, "not_ready", "silent")

    tasks.sweep()

    status, word, checks = _ready()
    assert (status, word) == (200, "ok"), checks
    assert set(checks.values()) == {"ok"}
    # Tests may become the owner for a moment; that is all.
    assert [one["code"] for one in Client().get("/readyz").json()["missing"]] == ["owner_apart"]


@pytest.mark.django_db
def test_workers_that_have_not_swept_for_long_are_silent_whatever_their_processes_say() -> None:
    _ran(called_s=60, taken_up_s=60)

    status, word, checks = _ready()

    assert (status, word, checks["workers"]) == (503, "not_ready", "silent")


@pytest.mark.django_db
def test_sweeps_that_nobody_called_for_are_work_and_no_sign_of_beat() -> None:
    _ran(called_s=60, taken_up_s=1)

    status, word, checks = _ready()

    assert (status, word) == (200, "degraded")
    assert (checks["workers"], checks["beat"]) == ("ok", "not heard")
    assert _checked()["beat"] == 0
    assert _checked()["workers"] == 1


@pytest.mark.django_db
def test_sealing_that_rests_is_named() -> None:
    _ran(called_s=1)
    _ran("core.seal_audit", called_s=400, taken_up_s=300)

    status, word, checks = _ready()

    assert (status, word) == (200, "degraded")
    assert re.fullmatch(r"late: core\.seal_audit 30\d s ago", checks["periodic"])
    assert _checked()["periodic"] == 0


@pytest.mark.django_db
def test_queue_that_nobody_empties_is_named() -> None:
    _ran(called_s=1)
    client().lpush(settings.CELERY_TASK_DEFAULT_QUEUE, *["bell"] * 30)
    try:
        status, word, checks = _ready()
        figures = _figures(Client().get("/metrics").content.decode())
    finally:
        client().delete(settings.CELERY_TASK_DEFAULT_QUEUE)

    assert (status, word, checks["queue"]) == (200, "degraded", "growing: 30 bells that no worker takes")
    assert figures["refunddesk_bells_waiting"] == 30


@pytest.mark.django_db
@pytest.mark.breaks_invariants
def test_wall_that_is_missing_is_named() -> None:
    _ran(called_s=1)
    with as_owner() as cursor:
        cursor.execute("DROP POLICY one_merchant ON refunds_refundrequest")

    status, word, checks = _ready()

    assert (status, word, checks["tenant_wall"]) == (200, "degraded", "missing")


@pytest.mark.django_db
def test_without_a_broker_it_is_not_ready_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    _ran(taken_up_s=1)
    nobody = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(health, "client", lambda: nobody)

    status, _word, checks = _ready()
    figures = Client().get("/metrics").content.decode()

    assert status == 503
    assert {name: state for name, state in checks.items() if state != "ok"} == {
        "broker": "down",
        "beat": "not heard",
        "queue": "unknown",
    }
    assert 'refunddesk_check_ok{check="broker"} 0.0' in figures
    assert "refunddesk_executions_open" in figures


@pytest.mark.django_db
def test_without_a_database_it_is_not_ready_and_the_figures_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Any:
        raise OperationalError("the database is gone")

    with monkeypatch.context() as away:
        away.setattr(connection, "cursor", gone)
        away.setattr(connection, "close", lambda: None)
        status, word, checks = _ready()
        figures = Client().get("/metrics")

    assert (status, word, checks["database"], checks["workers"]) == (503, "not_ready", "down", "unknown")
    assert figures.status_code == 200
    assert 'refunddesk_check_ok{check="database"} 0.0' in figures.content.decode()


@pytest.mark.django_db
def test_events_that_are_not_sealed_are_a_figure() -> None:
    make_request(make_sale(make_merchant(), 33_980), 1_200)

    figures = _figures(Client().get("/metrics").content.decode())

    assert figures["refunddesk_audit_unsealed"] == AuditEvent.objects.count() > 0


def _checked() -> dict[str, float]:
    found = _figures(Client().get("/metrics").content.decode())
    return {name.split('"')[1]: value for name, value in found.items() if name.startswith("refunddesk_check_ok")}


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


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_who_watches_asks_a_process_by_its_address(settings: Settings, path: str) -> None:
    """As the container's check in docker-compose.yml does."""
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["refunds.example.com"], True
    asked = Client(headers={"host": "127.0.0.1:8000"})

    assert asked.get(path).status_code in (200, 503)
    assert asked.get("/login").status_code == 400


def _figures(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(refunddesk_\S+) (\S+)$", text, re.MULTILINE)}


@pytest.mark.django_db
def test_forget_beat_when_a_first_start_was_killed_before_it_gave_rights_goes_on() -> None:
    """Otherwise no start after it gets as far as giving them."""
    _ran(called_s=1)
    role = connection.settings_dict["USER"]
    with as_owner() as cursor:
        cursor.execute(f'REVOKE ALL ON core_periodicwork FROM "{role}"')
    health.forget_beat()
    with as_owner() as cursor:
        cursor.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON core_periodicwork TO "{role}"')
    assert PeriodicWork.objects.exists()
    health.forget_beat()
    assert not PeriodicWork.objects.exists()
