"""How far the channel's clock is from ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from payment_channels.clock import BEIJING, TOLERATED, ahead, is_off

AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_ahead_when_the_answer_is_later_is_that_much() -> None:
    assert ahead({"date": "Sun, 22 Nov 2026 04:03:00 GMT"}, at=AT) == timedelta(minutes=3)
    assert ahead({"date": "Sun, 22 Nov 2026 12:00:00 +0800"}, at=AT) == timedelta()


@pytest.mark.parametrize("date", ["", "yesterday", "2026-11-22T04:00:00Z", "Sun, 22 Nov 2026 04:03:00 -0000"])
def test_ahead_when_the_date_cannot_be_read_says_nothing(date: str) -> None:
    assert ahead({"date": date} if date else {}, at=AT) == timedelta()


def test_clock_when_it_is_off_by_more_than_is_tolerated_is_off_in_both_directions() -> None:
    more = TOLERATED + timedelta(seconds=1)
    assert [is_off(gap) for gap in (TOLERATED, -TOLERATED, more, -more)] == [False, False, True, True]


def test_beijing_when_it_is_summer_has_no_summer_time() -> None:
    assert datetime(2026, 7, 1, tzinfo=BEIJING).utcoffset() == timedelta(hours=8)
