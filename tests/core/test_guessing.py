"""Tries are counted at once, slowed down and never shut out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import redis
import time_machine

from core import guessing
from core.guessing import Bucket, Limit, TooManyGuesses, forget, give_back, take
from core.redis_client import client

LIMIT = Limit(free=3, first_wait_s=5, longest_wait_s=60)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(1_800_000_000, tick=False) as traveller:
        yield traveller


@pytest.fixture
def name() -> str:
    return str(uuid4())


def _wait(*buckets: Bucket) -> int:
    """The wait that a try is told; 0 when it is looked at."""
    try:
        take(*buckets)
    except TooManyGuesses as refusal:
        return refusal.wait_s
    return 0


def test_take_when_free_tries_are_used_up_waits_twice_as_long_each_time(
    clock: time_machine.Traveller, name: str
) -> None:
    bucket = Bucket(name=name, limit=LIMIT)
    assert [take(bucket).free_left for _ in range(3)] == [2, 1, 0]
    waits = []
    for _ in range(6):
        waits.append(_wait(bucket))
        clock.shift(waits[-1])
        assert _wait(bucket) == 0, "whoever waited as long as they were told is let in"
    assert waits == [5, 10, 20, 40, 60, 60]


def test_take_within_a_wait_does_not_make_it_longer(clock: time_machine.Traveller, name: str) -> None:
    bucket = Bucket(name=name, limit=LIMIT)
    for _ in range(3):
        take(bucket)
    clock.shift(2)
    assert [_wait(bucket) for _ in range(50)] == [3] * 50
    clock.shift(3)
    assert _wait(bucket) == 0


def test_take_when_nobody_tried_for_long_is_free_again(clock: time_machine.Traveller, name: str) -> None:
    bucket = Bucket(name=name, limit=Limit(free=1, first_wait_s=1, longest_wait_s=1, forgotten_after_s=1))
    take(bucket)
    assert 0 < int(client().pttl(guessing._key(name))) <= 1000


def test_take_of_two_buckets_counts_in_both_or_in_none(clock: time_machine.Traveller, name: str) -> None:
    full, other = Bucket(name=name, limit=LIMIT), Bucket(name=f"{name}-other", limit=LIMIT)
    for _ in range(3):
        take(full)
    for _ in range(9):
        assert _wait(full, other) == 5
    assert take(other).free_left == 2


def test_take_by_many_at_once_looks_at_no_more_than_are_free(name: str) -> None:
    bucket, together = Bucket(name=name, limit=Limit(free=5, first_wait_s=60, longest_wait_s=60)), threading.Barrier(40)

    def guess(_number: int) -> int:
        together.wait(timeout=30)
        return _wait(bucket)

    with ThreadPoolExecutor(40) as pool:
        waits = list(pool.map(guess, range(40)))
    assert waits.count(0) == 5


def test_promised_wait_is_kept_however_often_others_guess_meanwhile(clock: time_machine.Traveller, name: str) -> None:
    def of(address: str) -> Bucket:
        return Bucket(name=name, limit=LIMIT, promised_to=address)

    for _ in range(3):
        take(of("attacker"))
    clock.shift(5)
    assert _wait(of("attacker")) == 0
    told = _wait(of("owner"))
    assert told == 10
    # The attacker comes at the very end of each wait, and always before the owner.
    clock.shift(10)
    assert _wait(of("attacker")) == 0
    assert _wait(of("stranger")) == 20
    assert _wait(of("owner")) == 0, "what the owner was told is true"
    # One try for one promise.
    assert _wait(of("owner")) > 0


def test_give_back_when_right_leaves_no_trace(clock: time_machine.Traveller, name: str) -> None:
    bucket = Bucket(name=name, limit=LIMIT)
    for _ in range(20):
        give_back(take(bucket))
    assert take(bucket).free_left == 2


def test_give_back_keeps_the_wait_that_another_try_caused(clock: time_machine.Traveller, name: str) -> None:
    bucket = Bucket(name=name, limit=LIMIT)
    for _ in range(2):
        take(bucket)
    right = take(bucket)
    clock.shift(5)
    take(bucket)
    give_back(right)
    assert _wait(bucket) > 0


def test_forget_frees_all_tries(clock: time_machine.Traveller, name: str) -> None:
    bucket = Bucket(name=name, limit=LIMIT)
    for _ in range(4):
        _wait(bucket)
    forget(name)
    assert take(bucket).free_left == 2


def test_take_when_redis_is_away_lets_pass_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    class Away:
        def __getattr__(self, _name: str) -> Any:
            raise redis.ConnectionError("gone")

    monkeypatch.setattr(guessing, "client", Away)
    bucket = Bucket(name=name, limit=LIMIT)
    for _ in range(20):
        give_back(take(bucket))
    forget(name)
    assert "guesses are not counted" in caplog.text
