"""Calls are counted exactly where limits are small, and in lots where they are large."""

from __future__ import annotations

import re
from types import SimpleNamespace
from uuid import uuid4

import pytest

from api import throttling
from api.throttling import _Counter
from core.redis_client import client
from tests.api.conftest import api_for
from tests.factories import make_merchant


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """A caller nobody has counted, in a window that does not end under the test."""
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))
    return f"key:{uuid4()}"


def test_small_limit_is_exact_over_processes(name: str) -> None:
    one, other = _Counter(), _Counter()
    taken = [counter.take(name, 5) for counter in (one, other) * 4]
    assert taken == [4, 3, 2, 1, 0, -1, -1, -1]


def test_large_limit_is_never_passed_and_costs_few_trips(name: str) -> None:
    limit = 4_000
    counters = [_Counter(), _Counter()]
    taken = sum(counter.take(name, limit) >= 0 for _ in range(limit) for counter in counters)
    assert taken == limit
    trips = int(client().get(f"rate:{name}:180000000") or 0) / (limit // 1_000)
    # The refused ones ask each time; the taken ones once in four.
    assert trips == limit / 4 + (2 * limit - limit)


def test_lot_ends_with_its_window(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = _Counter()
    assert counter.take(name, 4_000)
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: 1_800_000_010.0))
    assert counter.take(name, 4_000)
    assert int(client().get(f"rate:{name}:180000001") or 0) == 4


def test_count_of_a_window_is_forgotten(name: str) -> None:
    _Counter().take(name, 5)
    assert 0 < int(client().ttl(f"rate:{name}:180000000")) <= 20


@pytest.mark.django_db
def test_answers_say_the_limit_and_what_is_left(name: str) -> None:
    api = api_for(make_merchant(), scopes=["refunds:read"], rate_limit=4)
    answers = [api.get("policy"), api.get("transactions"), api.get("policy"), api.get("nowhere")]
    assert [answer.status_code for answer in answers] == [200, 403, 200, 404]
    said = [re.fullmatch(r'"calls";r=(\d+);t=(\d+)', answer.get("RateLimit", "")) for answer in answers]
    assert [found and int(found[1]) for found in said] == [3, 2, 1, None]
    assert all(1 <= int(found[2]) <= 10 for found in said if found)
    assert {answer["RateLimit-Policy"] for answer in answers[:3]} == {'"calls";q=4;w=10'}
    api.get("policy")
    refused = api.get("transactions")
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 1 <= int(refused["Retry-After"]) <= 11
    assert "r=0" in refused["RateLimit"]
