"""Alive, ready, and figures for the watchers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from core.audit import keys
from core.database import rights
from refunds.broker import client

#: The sweep runs every 3 s; a worker that has not swept for this long is not working, whatever its process says.
_SILENT_S = 30
_HEARTBEAT = "heartbeat:sweep"


def beat() -> None:
    """Called by the sweep: work is being done."""
    client().set(_HEARTBEAT, time.time(), ex=3600)


def forget_beat() -> None:
    """Called before workers are started: the sign of those that are gone says nothing about them."""
    client().delete(_HEARTBEAT)


@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Database, broker and workers really work."""
    checks = {"database": _database(), "broker": _broker(), "workers": _workers()}
    if checks["database"] == "ok" and keys.mismatch():
        # Of a process that could not see the database when it started; another one would have been refused.
        checks["audit_key"] = "wrong"
    ready = all(state == "ok" for state in checks.values())
    found = {"status": "ok" if ready else "not_ready", "checks": checks, "missing": _missing(checks["database"])}
    return JsonResponse(found, status=200 if ready else 503)


@csrf_exempt
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text; with METRICS_TOKEN set only for those who send it."""
    token = settings.METRICS_TOKEN
    if token and not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}"):
        return HttpResponse(status=401)
    registry = CollectorRegistry()
    registry.register(_Figures())
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM refunds_execution WHERE false")
    except DatabaseError:
        return "down"
    return "ok"


def _missing(database: str) -> list[dict[str, str]]:
    """What this installation works without, and would be safer with."""
    return [{"code": one.code, "what": one.what} for one in rights.missing()] if database == "ok" else []


def _broker() -> str:
    try:
        client().ping()
    except redis.RedisError:
        return "down"
    return "ok"


def _workers() -> str:
    try:
        seen: Any = client().get(_HEARTBEAT)
    except redis.RedisError:
        return "unknown"
    return "ok" if seen and time.time() - float(seen) < _SILENT_S else "silent"


class _Figures:
    """Read from the database at each scrape: true for all processes together, and nothing to add up."""

    def collect(self) -> Iterator[Metric]:
        yield from _gauges(
            "refunddesk_executions_open",
            "Payouts that are not at their end, by state",
            "SELECT state, count(*) FROM refunds_execution WHERE due_at IS NOT NULL GROUP BY state",
            "state",
        )
        yield from _gauges(
            "refunddesk_requests_waiting",
            "Requests that wait for a person, by state",
            "SELECT state, count(*) FROM refunds_refundrequest "
            "WHERE state IN ('in_review', 'needs_info', 'failed', 'unknown') GROUP BY state",
            "state",
        )
        lacking = GaugeMetricFamily(
            "refunddesk_missing", "1 for each thing that this installation works without (see /readyz)", labels=["code"]
        )
        for one in rights.missing():
            lacking.add_metric([one.code], 1)
        yield lacking
        for name, text, sql in _SINGLE:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                yield GaugeMetricFamily(name, text, value=float(cursor.fetchone()[0]))


_SINGLE = (
    (
        "refunddesk_tenant_wall",
        "1 where row-level security stands behind the desk (ADR 0023), 0 where nobody has raised it",
        "SELECT (EXISTS (SELECT FROM pg_policies WHERE policyname = 'one_merchant'))::int",
    ),
    (
        "refunddesk_outbox_pending",
        "Outbox rows not told yet",
        "SELECT count(*) FROM refunds_outboxmessage WHERE state = 'pending'",
    ),
    (
        "refunddesk_notifications_pending",
        "Messages not sent yet",
        "SELECT count(*) FROM refunds_notification WHERE state = 'pending'",
    ),
    (
        "refunddesk_execution_overdue_seconds",
        "Age of the payout that waits longest past its due time",
        "SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM refunds_execution WHERE due_at < now()",
    ),
)


def _gauges(name: str, text: str, sql: str, label: str) -> Iterator[Metric]:
    family = GaugeMetricFamily(name, text, labels=[label])
    with connection.cursor() as cursor:
        cursor.execute(sql)
        for value, count in cursor.fetchall():
            family.add_metric([value], float(count))
    yield family
