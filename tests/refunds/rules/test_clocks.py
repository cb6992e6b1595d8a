"""The two clocks: pure arithmetic over opening times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds.rules import clocks

AT = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOW = int(AT.timestamp()) // 60
#: Open for an hour from now, then for two hours in ten hours' time.
ROW = (NOW, NOW + 60, NOW + 600, NOW + 720)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (0 * MINUTE, AT),
        (30 * MINUTE, AT + 30 * MINUTE),
        (60 * MINUTE, AT + 60 * MINUTE),
        (61 * MINUTE, AT + 601 * MINUTE),
        (180 * MINUTE, AT + 720 * MINUTE),
        (200 * MINUTE, AT + 740 * MINUTE),
    ],
)
def test_after_when_the_store_shuts_goes_on_when_it_opens(time: timedelta, expected: datetime) -> None:
    assert clocks.after(at=AT, time=time, opening=ROW) == expected
    assert clocks.between(start=AT, end=expected, opening=ROW) == time


def test_after_when_hours_are_not_known_runs_always() -> None:
    assert clocks.after(at=AT, time=24 * HOUR) == AT + 24 * HOUR
    assert clocks.between(start=AT, end=AT + 5 * HOUR) == 5 * HOUR
    assert clocks.is_open(at=AT, opening=()) is None


def test_between_when_it_ran_out_before_leaves_nothing() -> None:
    assert clocks.between(start=AT, end=AT - HOUR, opening=ROW) == timedelta(0)


def test_is_open_says_whether_a_time_holds_now() -> None:
    assert clocks.is_open(at=AT, opening=ROW) is True
    assert clocks.is_open(at=AT + 60 * MINUTE, opening=ROW) is False


def test_due_with_a_grace_is_later_and_never_past_the_fifteenth_day() -> None:
    assert clocks.due(at=AT, time=HOUR, opening=ROW, grace_hours=72) == AT + 73 * HOUR
    assert clocks.due(at=AT, time=HOUR, grace_hours=360) == AT + timedelta(days=15)
    shut_for_long = (NOW + 20 * 1440, NOW + 21 * 1440)
    assert clocks.due(at=AT, time=HOUR, opening=shut_for_long) == AT + timedelta(days=15)


def test_filing_grace_counts_what_began_within_the_window() -> None:
    graces = [(3, 72), (8, 200)]
    assert clocks.filing_grace(graces=graces, window_days=7) == 72
    assert clocks.filing_grace(graces=graces, window_days=30) == 200
    assert clocks.filing_grace(graces=(), window_days=30) == 0


_ROWS = st.lists(st.integers(NOW - 2000, NOW + 20_000), max_size=20, unique=True).map(
    lambda ends: tuple(sorted(ends)[: len(ends) // 2 * 2])
)
_TIMES = st.integers(0, 10_000).map(lambda minutes: minutes * MINUTE)


@given(row=_ROWS, time=_TIMES, seconds=st.integers(0, 59))
def test_between_undoes_after(row: tuple[int, ...], time: timedelta, seconds: int) -> None:
    at = AT + timedelta(seconds=seconds)
    end = clocks.after(at=at, time=time, opening=row)
    assert end >= at + time
    assert clocks.between(start=at, end=end, opening=row) == time


@given(row=_ROWS, one=_TIMES, other=_TIMES)
def test_after_in_two_parts_is_after_in_one(row: tuple[int, ...], one: timedelta, other: timedelta) -> None:
    paused = clocks.after(at=AT, time=one, opening=row)
    assert clocks.after(at=paused, time=other, opening=row) == clocks.after(at=AT, time=one + other, opening=row)


@given(row=_ROWS, less=_TIMES, more=_TIMES, grace=st.integers(0, 400))
def test_due_never_falls_with_more_time_nor_passes_the_law(
    row: tuple[int, ...], less: timedelta, more: timedelta, grace: int
) -> None:
    first = clocks.due(at=AT, time=less, opening=row, grace_hours=grace)
    second = clocks.due(at=AT, time=less + more, opening=row, grace_hours=grace)
    assert AT <= first <= second <= AT + clocks.LONGEST
