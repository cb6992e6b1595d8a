"""Bells: one trip for what many threads ring at the same time, and none forgotten."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from celery import current_app

from core import doorbell
from core.redis_client import client

#: What a lost bell costs at most.
USUAL_TTL_MS = doorbell._MARK_TTL_MS


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that reached the broker."""
    found: list[str] = []
    monkeypatch.setattr(current_app, "send_task", found.append)
    # No mark fades while a test looks, however busy the machine is.
    monkeypatch.setattr(doorbell, "_MARK_TTL_MS", 600_000)
    client().delete("bell:a", "bell:b")
    return found


def test_bell_is_rung_once_until_it_is_answered(sent: list[str]) -> None:
    doorbell.ring(["a", "b"])
    doorbell.ring(["a"])
    assert sent == ["a", "b"]
    doorbell.answered("a")
    doorbell.ring(["a", "b"])
    assert sent == ["a", "b", "a"]


def test_ring_when_the_broker_has_closed_the_line_or_forgotten_the_script_is_heard_all_the_same(
    sent: list[str],
) -> None:
    doorbell.ring(["a"])
    line = doorbell._line()
    line.send_command("CLIENT", "ID")
    client().client_kill_filter(_id=line.read_response())
    client().script_flush()
    doorbell.ring(["b"])
    assert sent == ["a", "b"]


def test_mark_fades_by_itself(sent: list[str]) -> None:
    doorbell.ring(["a"])
    assert 0 < int(client().pttl("bell:a")) <= doorbell._MARK_TTL_MS
    assert USUAL_TTL_MS <= 2000
    assert sent == ["a"]


def test_thread_that_rings_takes_along_what_others_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[list[str]] = []
    entered, go_on = threading.Event(), threading.Event()

    def slowly(tasks: Any) -> None:
        rung.append(list(tasks))
        entered.set()
        assert go_on.wait(60)

    monkeypatch.setattr(doorbell, "_ring", slowly)
    first = threading.Thread(target=doorbell.ring, args=[["a"]])
    first.start()
    assert entered.wait(60)
    # These return at once although the first still rings: their bells are its to ring.
    for bell in ("b", "a", "b"):
        doorbell.ring([bell])
    go_on.set()
    first.join(60)
    # The first bell again, too: whoever answered it may have looked before the second ring's commit.
    assert rung == [["a"], ["a", "b"]]


def test_error_leaves_the_bells_free_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[list[str]] = []

    def broken(tasks: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(doorbell, "_ring", broken)
    with pytest.raises(RuntimeError):
        doorbell.ring(["a"])
    monkeypatch.setattr(doorbell, "_ring", lambda tasks: rung.append(list(tasks)))
    doorbell.ring(["b"])
    assert rung == [["b"]]
