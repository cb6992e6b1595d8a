"""What nobody calls for in time a worker takes up by itself; what is called for it leaves alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core import periodic
from core.periodic import PeriodicWork
from refunds.worker import watch

#: Called for at least once a minute, after what each case names.
_LATER = (
    *("refunds.policy_trials", "refunds.verify_audit", "refunds.batches", "desk.exports", "refunds.second_legs"),
    "integrations.sandboxes",
)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was taken up, done at once and in the test's own thread."""
    found: list[str] = []

    class AtOnce:
        def __init__(self, *, target: Callable[..., None], args: list[str], **_: object) -> None:
            self.start = lambda: target(*args)

    def noting(task: str) -> Callable[[], None]:
        return lambda: found.append(task)

    monkeypatch.setattr(threading, "Thread", AtOnce)
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(periodic, "WORK", {entry.task: noting(entry.task) for entry in periodic.schedule()})
    yield found
    assert not watch._in_hand


def _nobody_called_for(seconds: float) -> None:
    for entry in periodic.schedule():
        PeriodicWork.objects.update_or_create(
            task=entry.task,
            defaults={
                "since": timezone.now() - timedelta(days=2),
                "called_at": timezone.now() - timedelta(seconds=seconds),
                "taken_up_at": None,
            },
        )


@pytest.mark.django_db
def test_look_when_all_was_called_for_takes_up_nothing(done: list[str]) -> None:
    _nobody_called_for(2)
    watch.look()
    assert done == []


@pytest.mark.django_db
def test_look_when_beat_is_silent_takes_up_what_is_late_and_no_more(
    done: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    _nobody_called_for(60)
    watch.look()
    assert done == ["refunds.sweep", "core.seal_audit", "refunds.verify", "refunds.assign", "refunds.escalate", *_LATER]
    assert "beat overdue: core.seal_audit not called for 6" in caplog.text


@pytest.mark.django_db
def test_look_when_beat_is_dead_takes_up_everything_that_beat_schedules(done: list[str]) -> None:
    _nobody_called_for(2 * 86_400)
    watch.look()
    assert set(done) == {entry.task for entry in periodic.schedule()}
    watch.look()
    assert len(done) == len(set(done))


@pytest.mark.django_db
def test_work_that_still_runs_is_not_taken_up_again(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _nobody_called_for(60)
    monkeypatch.setattr(watch, "_in_hand", {"refunds.sweep"})
    watch.look()
    assert done == ["core.seal_audit", "refunds.verify", "refunds.assign", "refunds.escalate", *_LATER]
    watch._in_hand.clear()


@pytest.mark.django_db
def test_trouble_of_one_look_is_not_the_end(done: list[str], caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise OSError("the channel is gone")

    periodic.WORK["refunds.sweep"] = broken
    _nobody_called_for(60)
    watch.look()
    assert "the channel is gone" in caplog.text
    assert done == ["core.seal_audit", "refunds.verify", "refunds.assign", "refunds.escalate", *_LATER]


@pytest.mark.django_db
def test_worker_begins_with_what_fell_due_and_nobody_takes_it_for_a_call(done: list[str]) -> None:
    _nobody_called_for(60)
    watch.begin_at_once()
    assert done == list(watch.AT_ONCE)
    seen = periodic.seen()["refunds.sweep"]
    assert seen.called_s is not None
    assert seen.called_s >= 60
    assert seen.ran_s is not None
    assert seen.ran_s < 30
