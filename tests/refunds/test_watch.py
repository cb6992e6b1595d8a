"""A worker that nobody calls looks by itself; one that is called leaves it at that."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from refunds import drain, health, notices, tasks, watch
from refunds.flow import follow_up, notification


@pytest.fixture(autouse=True)
def database_left_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(watch, "close_old_connections", lambda: None)
    yield
    watch.called()


@pytest.fixture
def swept() -> list[str]:
    return []


def test_called_worker_does_not_look_by_itself(swept: list[str]) -> None:
    watch.called()
    watch.look(lambda: swept.append("swept"))
    assert swept == []


def test_worker_that_nobody_calls_looks_again_and_again(swept: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_called_at", time.monotonic() - watch.SILENT_S - 1)
    for _ in range(2):
        watch.look(lambda: swept.append("swept"))
    assert swept == ["swept", "swept"]
    monkeypatch.setattr(tasks, "take_up_what_is_due", lambda: swept.append("called"))
    tasks.sweep()
    watch.look(lambda: swept.append("swept"))
    assert swept == ["swept", "swept", "called"]


def test_trouble_of_one_look_is_not_the_end(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(watch, "_called_at", time.monotonic() - watch.SILENT_S - 1)

    def broken() -> None:
        raise OSError("the database is gone")

    watch.look(broken)
    assert "the database is gone" in caplog.text


def test_sweep_goes_on_without_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def gone() -> None:
        raise OSError("no broker")

    monkeypatch.setattr(health, "beat", gone)
    monkeypatch.setattr(notices, "apply_waiting", lambda at: done.append("notices"))
    monkeypatch.setattr(drain, "drain", lambda: done.append("drain"))
    monkeypatch.setattr(notification, "work", lambda at: done.append("notification"))
    monkeypatch.setattr(follow_up, "work", lambda at: done.append("follow_up"))
    tasks.take_up_what_is_due()
    assert done == ["notices", "drain", "notification", "follow_up"]
