"""A stand-in's own idea of now."""

from __future__ import annotations

import time
from datetime import date

import pytest

from simulators.kit.clock import Clock, day_start, parse_instant, rfc3339

NOON = 1_795_320_000.0  # 2026-11-22, 12:00 in Shanghai


def test_clock_when_it_is_moved_moves_days_and_not_signatures() -> None:
    moved = Clock(offset_s=86_400)
    assert moved.timestamp() - time.time() == pytest.approx(86_400, abs=5)
    assert moved.wire_timestamp() == pytest.approx(time.time(), abs=5)

    skewed = Clock(skew_s=-600)
    assert skewed.wire_timestamp() - time.time() == pytest.approx(-600, abs=5)
    assert skewed.timestamp() == pytest.approx(time.time(), abs=5)


def test_instant_without_an_offset_is_of_shanghai() -> None:
    assert parse_instant("2026-11-22T12:00:00") == parse_instant("2026-11-22T04:00:00Z") == NOON
    assert parse_instant(rfc3339(NOON)) == NOON
    assert rfc3339(NOON) == "2026-11-22T12:00:00+08:00"
    assert day_start(date(2026, 11, 22)) == NOON - 12 * 3_600
    with pytest.raises(ValueError, match="yesterday"):
        parse_instant("yesterday")
