"""The drain loop itself: what it waits for, and what ends its waiting."""

from __future__ import annotations

import queue
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from refunds.payouts import loop as drain


class _Loop:
    """A drain loop whose database and channels are here: what is due, what was claimed when, and who keeps it waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.due: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.looked: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self.settled: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.answered = 0
        self.channel_speaks = threading.Event()
        quiet = SimpleNamespace(open_accounts=list, due_probes=list, note=lambda _account, _outcome: False)
        for name, stand_in in {
            "claim": self._claim,
            "_start": self._start,
            "settle": self._settle,
            "breakers": quiet,
            "doorbell": SimpleNamespace(answered=self._answered),
            # Longer than the test: only a bell can end the waiting in time.
            "_IDLE_CLAIM_S": 300.0,
        }.items():
            monkeypatch.setattr(drain, name, stand_in)

    def _claim(self, **_arguments: Any) -> list[Any]:
        batch = []
        while not self.due.empty():
            batch.append(SimpleNamespace(channel=self.due.get(), account_id=1))
        self.looked.put([claimed.channel for claimed in batch])
        return batch

    def _start(self, claimed: Any, answers: drain.Inbox) -> None:
        answer: Any = SimpleNamespace(account_id=1, outcome=claimed.channel)

        def speak() -> None:
            if claimed.channel == "dark":
                assert self.channel_speaks.wait(120)
            answers.put((claimed.channel, answer))

        threading.Thread(target=speak).start()

    def _settle(self, answers: list[Any], **_at: Any) -> None:
        for answer in answers:
            self.settled.put(answer.outcome)

    def _answered(self, _task: str) -> None:
        self.answered += 1


def test_bell_is_heard_while_a_dark_channel_keeps_the_loop_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = _Loop(monkeypatch)
    loop.due.put("dark")
    running = threading.Thread(target=drain.drain)
    running.start()
    assert loop.looked.get(timeout=60) == ["dark"]
    # The loop waits for the dark channel now. Refunds of another one come, each with its bell.
    for rung in (1, 2):
        loop.due.put("bright")
        drain.drain()
        assert loop.settled.get(timeout=60) == "bright"
        until = time.monotonic() + 60
        while loop.answered <= rung and time.monotonic() < until:
            time.sleep(0.01)
        assert loop.answered == rung + 1, "a bell is rung again only when the one before was answered"
    loop.channel_speaks.set()
    assert loop.settled.get(timeout=60) == "dark"
    running.join(60)
    assert not running.is_alive()


def test_bell_while_there_is_work_is_left_unanswered_until_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = _Loop(monkeypatch)
    rung: list[int] = []

    def work_and_a_bell_each_time(**_arguments: Any) -> list[Any]:
        if len(rung) == 3:
            return []
        rung.append(loop.answered)
        drain.drain()
        return [SimpleNamespace(channel="bright", account_id=1)]

    monkeypatch.setattr(drain, "claim", work_and_a_bell_each_time)
    done = drain.drain()
    assert (done.claimed, done.settled) == (3, 3)
    assert rung == [1, 1, 1]


def test_loop_that_broke_off_leaves_no_answers_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = _Loop(monkeypatch)

    def broken(*_arguments: Any, **_named: Any) -> None:
        raise RuntimeError

    loop.due.put("dark")
    loop.due.put("bright")
    monkeypatch.setattr(drain, "settle", broken)
    with pytest.raises(RuntimeError):
        drain.drain()
    monkeypatch.setattr(drain, "settle", lambda answers, at: None)
    loop.channel_speaks.set()
    assert drain.drain().settled == 0


def test_end_when_a_channel_keeps_the_loop_waiting_waits_for_its_answer_and_claims_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = _Loop(monkeypatch)
    monkeypatch.setattr(drain, "stopping", threading.Event())
    loop.due.put("dark")
    running = threading.Thread(target=drain.drain)
    running.start()
    assert loop.looked.get(timeout=60) == ["dark"]
    assert not drain.end(within_s=0.01)
    loop.due.put("bright")
    loop.channel_speaks.set()
    assert drain.end(within_s=60)
    assert loop.settled.get(timeout=60) == "dark"
    running.join(60)
    drain.drain()
    assert loop.looked.empty(), "a process that ends looks for no more work"


@pytest.fixture
def connection_closed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The database's connection is not there, nor is a moment's waiting."""
    closed: list[bool] = []
    monkeypatch.setattr(drain, "connection", SimpleNamespace(close=lambda: closed.append(True)))
    monkeypatch.setattr(drain, "_DATABASE_AGAIN_S", 0)
    return closed


def test_answer_in_hand_when_the_database_restarts_is_settled_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, connection_closed: list[bool]
) -> None:
    loop = _Loop(monkeypatch)
    tried: list[str] = []

    def settle(answers: list[Any], **_at: Any) -> None:
        tried.extend(answer.outcome for answer in answers)
        if len(tried) < 3:
            raise OperationalError("the database system is shutting down")

    monkeypatch.setattr(drain, "settle", settle)
    loop.due.put("bright")
    assert drain.drain().settled == 1
    assert tried == ["bright"] * 3
    assert len(connection_closed) == 2


def test_claim_when_the_database_is_away_does_not_cost_the_answers_that_are_awaited(
    monkeypatch: pytest.MonkeyPatch, connection_closed: list[bool]
) -> None:
    loop = _Loop(monkeypatch)
    away: list[bool] = []

    def claim(**arguments: Any) -> list[Any]:
        if loop.looked.empty():
            return loop._claim(**arguments)
        away.append(True)
        loop.channel_speaks.set()
        if len(away) == 1:
            raise OperationalError("the connection was closed")
        return []

    monkeypatch.setattr(drain, "claim", claim)
    monkeypatch.setattr(drain, "_IDLE_CLAIM_S", 0.01)
    loop.due.put("dark")
    assert drain.drain().settled == 1
    assert connection_closed == [True]


def test_claim_when_the_database_is_away_and_nothing_is_awaited_ends_the_loop(
    monkeypatch: pytest.MonkeyPatch, connection_closed: list[bool]
) -> None:
    _Loop(monkeypatch)

    def claim(**_arguments: Any) -> list[Any]:
        raise OperationalError("the connection was closed")

    monkeypatch.setattr(drain, "claim", claim)
    with pytest.raises(OperationalError):
        drain.drain()
    assert not drain._running.locked()
    assert connection_closed == []


def test_account_read_when_the_database_is_away_is_read_again_and_not_called_unusable(
    monkeypatch: pytest.MonkeyPatch, connection_closed: list[bool]
) -> None:
    read: list[int] = []

    def adapter_for(account_id: int, _revision: int) -> str:
        read.append(account_id)
        if len(read) == 1:
            raise OperationalError("terminating connection due to administrator command")
        return "the adapter"

    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    claimed: Any = SimpleNamespace(channel="bright", account_id=1, account_revision=1)
    start = drain._start
    _Loop(monkeypatch)
    monkeypatch.setattr(drain, "adapter_for", adapter_for)
    monkeypatch.setattr(drain, "_ask", lambda _claimed, adapter: adapter)
    start(claimed, answers)
    assert answers.get(timeout=60) == ("bright", "the adapter")
    assert read == [1, 1]
    assert connection_closed == [True]
