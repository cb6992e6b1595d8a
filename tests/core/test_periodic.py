"""Who called for periodic work, and who takes it up when nobody does."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from celery.schedules import crontab
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

import analytics.tasks  # noqa: F401 -- so that their work is known
import desk.tasks  # noqa: F401
import integrations.tasks  # noqa: F401
import invariants.tasks  # noqa: F401
import reconciliation.tasks  # noqa: F401
import refunds.tasks  # noqa: F401
from core import periodic
from core.periodic import Entry, PeriodicWork
from core.tasks import seal_audit

pytestmark = pytest.mark.django_db

ENTRY = Entry("core.seal_audit", 5.0)


def _called(seconds: float) -> None:
    PeriodicWork.objects.update_or_create(
        task=ENTRY.task,
        defaults={
            "since": timezone.now() - timedelta(days=1),
            "called_at": timezone.now() - timedelta(seconds=seconds),
            "taken_up_at": None,
        },
    )


def test_all_that_beat_schedules_a_watch_can_take_up() -> None:
    """What has its hour of the day counts as daily."""
    nightly = {line["task"] for line in settings.CELERY_BEAT_SCHEDULE.values() if isinstance(line["schedule"], crontab)}
    assert {entry.every_s for entry in periodic.schedule() if entry.task in nightly} == {86_400.0}
    assert {entry.task for entry in periodic.schedule()} <= set(periodic.WORK)


def test_task_that_is_called_leaves_the_time() -> None:
    seal_audit()
    seen = periodic.seen()[ENTRY.task]
    assert seen.called_s is not None
    assert seen.called_s < 30
    assert seen.ran_s == pytest.approx(seen.called_s, abs=1)


def test_task_is_done_although_the_call_cannot_be_noted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def gone() -> None:
        raise Error("the database is gone")

    work = periodic.periodic("test.work")(lambda: done.append("done"))
    del periodic.WORK["test.work"]
    with monkeypatch.context() as away:
        away.setattr(connection, "cursor", gone)
        work()
    assert done == ["done"]
    assert "is not recorded" in caplog.text


def test_take_up_when_called_for_in_time_leaves_it() -> None:
    _called(ENTRY.late_s - 3)
    assert periodic.take_up(ENTRY) is None
    assert PeriodicWork.objects.get().taken_up_at is None


def test_take_up_when_nobody_called_gives_it_to_one_worker_and_again_after_the_interval() -> None:
    _called(ENTRY.late_s + 3)
    silent_s = periodic.take_up(ENTRY)
    assert silent_s == pytest.approx(ENTRY.late_s + 3, abs=5)
    assert periodic.take_up(ENTRY) is None
    PeriodicWork.objects.update(taken_up_at=timezone.now() - timedelta(seconds=ENTRY.every_s + 1))
    assert periodic.take_up(ENTRY) is not None


def test_taken_up_is_not_called_for() -> None:
    _called(300)
    periodic.take_up(ENTRY)
    seen = periodic.seen()[ENTRY.task]
    assert seen.called_s is not None
    assert seen.called_s >= 300
    assert seen.ran_s is not None
    assert seen.ran_s < 30


def test_first_worker_waits_for_a_first_call_and_keeps_what_was_known(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    _called(300)
    periodic.begin()
    assert {work.task for work in PeriodicWork.objects.all()} == {entry.task for entry in periodic.schedule()}
    assert periodic.take_up(Entry("refunds.sweep", 3.0)) is None
    assert periodic.take_up(ENTRY) is not None


def test_forgotten_work_has_never_run() -> None:
    _called(1)
    periodic.forget(ENTRY.task)
    assert ENTRY.task not in periodic.seen()
