"""Our clock against the database's."""

from __future__ import annotations

import time

import pytest

from core.database import clocks

pytestmark = pytest.mark.django_db


def _set(monkeypatch: pytest.MonkeyPatch, ahead_s: float, *, answer_takes_s: float = 0.0) -> None:
    """Our clock is ahead, and between two looks at it so much time goes by."""
    right, passed = time.time, [0.0]

    def ours() -> float:
        passed[0] += answer_takes_s
        return right() + ahead_s + passed[0] - answer_takes_s

    monkeypatch.setattr(time, "time", ours)


def test_clocks_of_one_machine_do_not_differ() -> None:
    assert abs(clocks.off_s()) < 0.01
    assert not clocks.is_off()


@pytest.mark.parametrize("ahead_s", [600, -600, 6, -6])
def test_clock_that_is_wrong_is_off_by_what_it_is_wrong(monkeypatch: pytest.MonkeyPatch, ahead_s: float) -> None:
    _set(monkeypatch, ahead_s)
    assert clocks.off_s() == pytest.approx(ahead_s, abs=0.5)
    assert clocks.is_off()


def test_database_that_answers_late_makes_no_clock_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, 0, answer_takes_s=40)
    assert clocks.off_s() == pytest.approx(0, abs=0.01)
