"""Bells: one trip for what many threads ring at the same time, and none forgotten."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
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
    doorbell._begin()
    return found


def test_bell_is_rung_once_until_it_is_answered(sent: list[str]) -> None:
    doorbell.ring(["a", "b"])
    doorbell.ring(["a"])
    assert sent == ["a", "b"]
    doorbell.answered("a")
    doorbell.ring(["a", "b"])
    assert sent == ["a", "b", "a"]


def test_mark_that_stands_is_not_asked_for_again_until_it_is_answered(
    sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    mark = doorbell._mark

    def marking(tasks: Sequence[str]) -> Sequence[int]:
        asked.append(list(tasks))
        return mark(tasks)

    monkeypatch.setattr(doorbell, "_mark", marking)
    doorbell.ring(["a", "b"])
    for _ in range(3):
        doorbell.ring(["a", "b"])
    assert asked == [["a", "b"]]
    doorbell.answered("a")
    for _ in range(3):
        doorbell.ring(["a", "b"])
    assert asked == [["a", "b"], ["a"]]
    assert sent == ["a", "b", "a"]


def test_mark_of_another_process_stands_for_as_long_as_it_has_left(sent: list[str]) -> None:
    client().set("bell:a", 1, px=400)
    doorbell.ring(["a"])
    assert sent == []
    # It is known to stand no longer than it does.
    assert 0 < doorbell._standing["bell:a"] - time.monotonic() <= 0.4
    while client().exists("bell:a"):
        time.sleep(0.02)
    doorbell.ring(["a"])
    assert sent == ["a"]


def test_answer_to_a_mark_that_nobody_set_is_told_to_nobody(sent: list[str]) -> None:
    doorbell.ring(["a"])
    doorbell.answered("b")
    assert not doorbell._ear().can_read()
    doorbell.answered("a")
    assert doorbell._ear().can_read()
    doorbell.ring(["a"])
    assert sent == ["a", "a"]


def test_nothing_is_known_to_stand_once_the_broker_has_cut_the_ear_off(sent: list[str]) -> None:
    doorbell.ring(["a", "b"])
    assert set(doorbell._standing) == {"bell:a", "bell:b"}
    # The mark goes while nobody can tell.
    client().client_kill_filter(_type="pubsub")
    client().delete("bell:a")
    deadline = time.monotonic() + 60
    while not doorbell._is_stale(doorbell._ear()) and time.monotonic() < deadline:
        time.sleep(0.02)
    doorbell.ring(["a", "b"])
    assert sent == ["a", "b", "a"]
    # And it hears again.
    doorbell.answered("b")
    doorbell.ring(["b"])
    assert sent == ["a", "b", "a", "b"]


def test_child_of_a_fork_has_connections_of_its_own_and_knows_nothing(sent: list[str]) -> None:
    doorbell.ring(["a"])
    child = os.fork()
    if child == 0:
        os._exit(1 if doorbell._standing or doorbell._hears or doorbell._ear.cache_info().currsize else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert doorbell._standing


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
