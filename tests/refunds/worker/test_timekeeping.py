"""A worker whose clock is wrong waits for it, or ends itself; one that cannot ask works on."""

from __future__ import annotations

import logging
import time

import pytest
from django.db import OperationalError, connection

from core.database import clocks
from refunds.worker import hearing, timekeeping
from refunds.worker.hearing import Hearing

pytestmark = pytest.mark.django_db


@pytest.fixture
def own() -> Hearing:
    return Hearing(threads=2, deaf_after_s=60, ring=lambda: None, is_answered=lambda: True)


def _says(monkeypatch: pytest.MonkeyPatch, *found: float | Exception) -> list[float]:
    """What is found of the clock at each look; returns the pauses that were made."""
    waiting, pauses = list(found), list[float]()

    def off_s() -> float:
        one = waiting.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    monkeypatch.setattr(clocks, "off_s", off_s)
    monkeypatch.setattr(time, "sleep", pauses.append)
    # The test's transaction goes on.
    monkeypatch.setattr(connection, "close", lambda: None)
    return pauses


def test_worker_begins_once_its_clock_is_right(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = _says(monkeypatch, 600.0, -600.0, 0.2)
    with caplog.at_level(logging.CRITICAL):
        timekeeping.wait_until_right()
    assert len(pauses) == 2
    assert "clock: ours is +600 s off" in caplog.text
    assert "clock: ours is -600 s off" in caplog.text


def test_worker_begins_without_a_database_that_could_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _says(monkeypatch, OperationalError("away")) == []
    timekeeping.wait_until_right()


@pytest.mark.parametrize(
    ("found", "ends"), [(600.0, True), (-600.0, True), (4.0, False), (0.0, False), (OperationalError("away"), False)]
)
def test_worker_ends_when_its_clock_is_set_wrong(
    monkeypatch: pytest.MonkeyPatch, own: Hearing, found: float | Exception, ends: bool
) -> None:
    ended = list[Hearing]()
    monkeypatch.setattr(hearing, "end", ended.append)
    _says(monkeypatch, found)
    timekeeping.end_if_off(own)
    assert ended == [own] * ends
