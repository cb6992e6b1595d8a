"""A worker that could hear and does not is deaf; silence for any other reason proves nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from refunds.worker import hearing
from refunds.worker.hearing import Hearing
from refunds.worker.watch import LOOK_EVERY_S


@dataclass
class Clock:
    now: float = 1000.0
    rung: int = 0
    answers: bool = True
    looks: list[bool] = field(default_factory=list)

    def ring(self) -> None:
        self.rung += 1

    def pass_by(self, own: Hearing, seconds: float) -> bool:
        """Look every few seconds for so long; whether it was deaf at any look."""
        found = False
        for _ in range(int(seconds / LOOK_EVERY_S)):
            self.now += LOOK_EVERY_S
            found = own.is_deaf() or found
        return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


@pytest.fixture
def own(clock: Clock) -> Hearing:
    return Hearing(threads=2, deaf_after_s=60, ring=clock.ring, is_answered=lambda: clock.answers)


def test_silent_worker_rings_for_itself_and_is_deaf_when_it_does_not_hear_that(clock: Clock, own: Hearing) -> None:
    assert not clock.pass_by(own, 12)
    assert clock.rung == 0
    assert not clock.pass_by(own, 45)
    assert clock.rung >= 1
    assert clock.pass_by(own, 6)


def test_worker_that_hears_its_own_bell_is_not_deaf(clock: Clock, own: Hearing) -> None:
    for _ in range(20):
        assert not clock.pass_by(own, 15)
        own.heard()
    assert clock.rung > 0


def test_broker_that_does_not_answer_proves_nothing_nor_does_the_minute_after(clock: Clock, own: Hearing) -> None:
    clock.answers = False
    assert not clock.pass_by(own, 600)
    clock.answers = True
    assert not clock.pass_by(own, 57)
    assert clock.pass_by(own, 6)


def test_threads_that_are_all_busy_prove_nothing(clock: Clock, own: Hearing) -> None:
    own.began()
    own.began()
    assert not clock.pass_by(own, 600)
    own.finished()
    assert not own.is_idle
    assert clock.pass_by(own, 63)


def test_process_that_was_stopped_is_not_deaf_when_it_goes_on(clock: Clock, own: Hearing) -> None:
    clock.now += 300
    assert not own.is_deaf()
    assert not clock.pass_by(own, 57)


def test_bells_for_oneself_do_not_pile_up(clock: Clock, own: Hearing) -> None:
    clock.pass_by(own, 57)
    assert clock.rung <= 4


def test_each_process_has_a_queue_of_its_own() -> None:
    assert hearing.own_queue().startswith("refunddesk.")
    assert hearing.own_queue() != "refunddesk."
