"""Days of the calendar in Shanghai, and the days before them."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.periods import BadPeriod, Period, last_days, parse
from core.calendar import SHANGHAI

NOON = datetime(2026, 11, 22, 12, 30, tzinfo=SHANGHAI)


def test_nothing_asked_for_is_the_last_thirty_days_with_today() -> None:
    period = parse(now=NOON)
    assert (period.first_date, period.last_date) == (date(2026, 10, 24), date(2026, 11, 22))
    assert (period.preset, period.days, period.buckets) == ("30", 30, 30)


def test_today_begins_at_midnight_in_shanghai_whatever_the_clock_of_the_server() -> None:
    late_in_london = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
    period = parse(preset="today", now=late_in_london)
    assert period.first_date == period.last_date == date(2026, 11, 22)
    assert period.start_at.astimezone(UTC) == datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    assert (period.by_hour, period.buckets) == (True, 24)


def test_previous_period_of_a_running_one_ends_at_the_same_time_of_day() -> None:
    period = last_days(days=7, now=NOON)
    assert period.previous_start_at == datetime(2026, 11, 9, tzinfo=SHANGHAI)
    assert period.previous_end_at == datetime(2026, 11, 15, 12, 30, tzinfo=SHANGHAI)


def test_previous_period_of_a_finished_one_is_whole() -> None:
    period = parse(first="2026-02-01", last="2026-02-28", now=NOON)
    assert (period.previous_first_date, period.previous_last_date) == (date(2026, 1, 4), date(2026, 1, 31))
    assert period.previous_end_at == period.start_at
    assert not period.is_running


def test_a_period_in_the_future_has_an_empty_past() -> None:
    period = parse(first="2027-02-01", last="2027-02-02", now=NOON)
    assert period.previous_end_at == period.previous_start_at


def test_long_periods_are_drawn_in_weeks_and_the_last_one_may_be_short() -> None:
    period = parse(first="2026-01-01", last="2026-03-31", now=NOON)
    assert (period.step_days, period.buckets) == (7, 13)
    assert period.bucket_dates(12) == (date(2026, 3, 26), date(2026, 3, 31))


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"preset": "year"}, "period", "unknown_period"),
        ({"first": "2026-11-31"}, "from", "invalid_date"),
        ({"first": "20261101"}, "from", "invalid_date"),
        ({"first": "2026-W01-1"}, "from", "invalid_date"),
        ({"last": "0001-01-01"}, "to", "invalid_date"),
        ({"last": "9999-12-31"}, "to", "invalid_date"),
        ({"first": "２０２６-11-01"}, "from", "invalid_date"),
        ({"first": "2026-11-02", "last": "2026-11-01"}, "from", "from_after_to"),
        ({"first": "2024-01-01", "last": "2026-11-01"}, "from", "period_too_long"),
    ],
)
def test_what_is_no_period_is_refused_by_field(values: dict[str, str], field: str, code: str) -> None:
    with pytest.raises(BadPeriod) as caught:
        parse(**values, now=NOON)
    assert [(error.field, error.code) for error in caught.value.errors] == [(field, code)]


@given(
    first=st.dates(date(2001, 1, 1), date(2030, 1, 1)),
    days=st.integers(1, 400),
    seconds=st.integers(-40_000_000, 40_000_000),
)
def test_buckets_tile_the_period_and_the_previous_one_touches_it(first: date, days: int, seconds: int) -> None:
    last = first + timedelta(days=days - 1)
    now = datetime.combine(first, datetime.min.time(), SHANGHAI) + timedelta(seconds=seconds)
    period = Period(first_date=first, last_date=last, now=now)
    spans = [period.bucket_span(index) for index in range(period.buckets)]
    assert spans[0][0] == period.start_at
    assert spans[-1][1] == period.end_at
    assert all(one[1] == two[0] for one, two in itertools.pairwise(spans))
    assert period.previous_start_at <= period.previous_end_at <= period.start_at
    assert (period.previous_last_date - period.previous_first_date).days == days - 1
