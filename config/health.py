"""Alive, ready, and figures for the watchers.

``CHECKS`` is the one list of what is looked at: ``/readyz`` says it in words, ``/metrics`` as figures. A new check is a line.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from core import periodic, tenant_wall
from core.audit import keys
from core.database import clocks, rights
from core.redis_client import client

#: The sweep runs every 3 s; where none has run for this long no work is done, whatever the processes say.
_SILENT_S = 30
_SWEEP = "refunds.sweep"
#: More wake-up messages than this in the queue, and nobody takes them: one is sent again only once it was taken.
_WAITING = 20


def forget_beat() -> None:
    """Called before workers are started: the sign of those that are gone says nothing about them. There may be no table yet, or
    one that is nobody's but its owner's, where a first start was killed before it had given rights: no worker has run then.
    """
    with connection.cursor() as cursor:
        table = periodic.PeriodicWork._meta.db_table
        cursor.execute("SELECT has_table_privilege(to_regclass(%s), 'DELETE')", [table])
        (is_ours,) = cursor.fetchone()
    if is_ours:
        periodic.forget(_SWEEP)


@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """What every check says, and what this installation works without. 503 where a check fails without which the work is not
    done; 200 and ``degraded`` where others do.
    """
    found = look()
    wrong = {check.name for check in CHECKS if found[check.name] != "ok"}
    is_ready = not any(check.is_needed and check.name in wrong for check in CHECKS)
    status = "not_ready" if not is_ready else "degraded" if wrong else "ok"
    missing = [{"code": one.code, "what": one.what} for one in rights.missing()] if found["database"] == "ok" else []
    body = {"status": status, "checks": found, "missing": missing}
    return JsonResponse(body, status=200 if is_ready else 503)


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


# --- checks ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """``ask`` answers "ok" or what is wrong, in few words. It may raise the errors of the database and of Redis."""

    name: str
    ask: Callable[[], str]
    #: Without it the work is not done: 503. Else it is done, more slowly or with a wall less: 200.
    is_needed: bool = False


def look() -> dict[str, str]:
    """What every check says now; "unknown" where what it asks is not there."""
    return {check.name: _asked(check) for check in CHECKS}


def _asked(check: Check) -> str:
    try:
        return check.ask()
    except Error:
        connection.close()
        return "unknown"
    except redis.RedisError:
        return "unknown"


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM refunds_execution WHERE false")
    except Error:
        connection.close()
        return "down"
    return "ok"


def _broker() -> str:
    try:
        client().ping()
    except redis.RedisError:
        return "down"
    return "ok"


def _workers() -> str:
    """Work is done, called for or not."""
    sweep = periodic.seen().get(_SWEEP)
    return "ok" if sweep and sweep.ran_s is not None and sweep.ran_s < _SILENT_S else "silent"


def _beat() -> str:
    """Beat calls and a worker hears it. A sweep that a worker began by itself does not count."""
    sweep = periodic.seen().get(_SWEEP)
    return "ok" if sweep and sweep.called_s is not None and sweep.called_s < _SILENT_S else "not heard"


def _periodic() -> str:
    """Sealing, reconciliation and the rest have run in time, called for or not."""
    late = [f"{task} {seconds:.0f} s ago" for task, seconds in _late()]
    return "late: " + ", ".join(late) if late else "ok"


def _late() -> Iterator[tuple[str, float]]:
    """What has begun with a worker once and has not run for longer than a watch lets it."""
    found = periodic.seen()
    for entry in periodic.schedule():
        seen = found.get(entry.task)
        if seen and seen.ran_s is not None and seen.ran_s > entry.late_s + _SILENT_S:
            yield entry.task, seen.ran_s


def _queue() -> str:
    waiting = _bells_waiting()
    return "ok" if waiting <= _WAITING else f"growing: {waiting} bells that no worker takes"


def _bells_waiting() -> int:
    waiting: Any = client().llen(settings.CELERY_TASK_DEFAULT_QUEUE)
    return int(waiting)


def _audit_key() -> str:
    """Wrong only in a process that could not see the database when it started; another one would have been refused."""
    return "wrong" if keys.mismatch() else "ok"


def _clock() -> str:
    off_s = clocks.off_s()
    return "ok" if abs(off_s) <= clocks.MOST_OFF_S else f"{off_s:+.0f} s off the database's"


def _tenant_wall() -> str:
    return "ok" if tenant_wall.stands_now() else "missing"


CHECKS: tuple[Check, ...] = (
    Check("database", _database, is_needed=True),
    Check("broker", _broker, is_needed=True),
    Check("workers", _workers, is_needed=True),
    Check("audit_key", _audit_key, is_needed=True),
    Check("clock", _clock, is_needed=True),
    Check("beat", _beat),
    Check("periodic", _periodic),
    Check("queue", _queue),
    Check("tenant_wall", _tenant_wall),
)


# --- figures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure out of one query. With a ``label`` the query gives a value of it and the figure, row by row."""

    name: str
    meaning: str
    sql: str
    label: str = ""

    def read(self) -> Metric:
        family = GaugeMetricFamily(self.name, self.meaning, labels=[self.label] if self.label else [])
        with connection.cursor() as cursor:
            cursor.execute(self.sql)
            for *labels, value in cursor.fetchall():
                family.add_metric(labels, float(value))
        return family


_GAUGES = (
    Gauge(
        "refunddesk_executions_open",
        "Payouts that are not at their end, by state",
        # A sandbox's wait as whoever tries something out wants them to.
        "SELECT state, count(*) FROM refunds_execution WHERE due_at IS NOT NULL AND merchant_id NOT IN "
        "(SELECT id FROM merchants_merchant WHERE sandbox_of_id IS NOT NULL) GROUP BY state",
        label="state",
    ),
    Gauge(
        "refunddesk_requests_waiting",
        "Requests that wait for a person, by state",
        "SELECT state, count(*) FROM refunds_refundrequest "
        "WHERE state IN ('in_review', 'needs_info', 'failed', 'unknown') AND merchant_id NOT IN "
        "(SELECT id FROM merchants_merchant WHERE sandbox_of_id IS NOT NULL) GROUP BY state",
        label="state",
    ),
    Gauge(
        "refunddesk_tenant_wall",
        "1 where row-level security stands behind the desk (ADR 0023), 0 where nobody has raised it",
        "SELECT (EXISTS (SELECT FROM pg_policies WHERE policyname = 'one_merchant'))::int",
    ),
    Gauge(
        "refunddesk_outbox_pending",
        "Outbox rows of which no message was written yet",
        "SELECT count(*) FROM refunds_outboxmessage WHERE state = 'pending'",
    ),
    Gauge(
        "refunddesk_notifications_pending",
        "Messages not sent yet",
        "SELECT count(*) FROM refunds_notification WHERE state = 'pending'",
    ),
    Gauge(
        "refunddesk_execution_overdue_seconds",
        "Age of the payout that waits longest past its due time",
        "SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM refunds_execution WHERE due_at < now()",
    ),
    Gauge(
        "refunddesk_clock_refused",
        "Payouts that wait because our clock and the channel's differ by minutes; above 0 the clock is to be mended",
        "SELECT count(*) FROM refunds_execution WHERE due_at IS NOT NULL AND failure_remedy = 'check_clock'",
    ),
    Gauge(
        "refunddesk_foreign_notices",
        "Channels' notices about something else than refunds, acknowledged without effect, by what they were about",
        "SELECT substr(event_id, 9), sum((outcome->>'count')::bigint) FROM refunds_channelnotice "
        "WHERE effect = 'foreign' GROUP BY 1",
        label="about",
    ),
    Gauge(
        "refunddesk_audit_unsealed",
        "Audit events that are not in their chain yet, as far as 10,000",
        "SELECT count(*) FROM (SELECT FROM core_auditevent WHERE (txid, id) > (SELECT coalesce(max(txid), 0), "
        "coalesce(max(event_id), 0) FROM core_auditsealpoint) LIMIT 10000) AS unsealed",
    ),
)


class _Figures:
    """Read from the database at each scrape: true for all processes together, and nothing to add up."""

    def collect(self) -> Iterator[Metric]:
        found = look()
        checks = {name: float(state == "ok") for name, state in found.items()}
        yield _family("refunddesk_check_ok", "1 where /readyz says ok, 0 elsewhere", "check", checks)
        if found["broker"] == "ok":
            meaning = "Wake-up messages that no worker has taken yet"
            yield GaugeMetricFamily("refunddesk_bells_waiting", meaning, value=float(_bells_waiting()))
        if found["database"] != "ok":
            return
        seen = periodic.seen().items()
        ran = {task: work.ran_s for task, work in seen if work.ran_s is not None}
        yield _family("refunddesk_periodic_ran_seconds", "Since periodic work last ran, called for or not", "task", ran)
        called = {task: work.called_s for task, work in seen if work.called_s is not None}
        yield _family(
            "refunddesk_periodic_called_seconds", "Since a worker last received beat's call for it", "task", called
        )
        missing = {one.code: 1.0 for one in rights.missing()}
        meaning = "1 for each thing that this installation works without (see /readyz)"
        yield _family("refunddesk_missing", meaning, "code", missing)
        yield from (gauge.read() for gauge in _GAUGES)


def _family(name: str, meaning: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
