"""A day in an address."""

from __future__ import annotations

import re
from datetime import date

import pytest

from desk.day_in_path import DayInPath


def test_day_when_it_is_one_comes_and_goes_as_it_is_written() -> None:
    assert DayInPath().to_python("2026-11-22") == date(2026, 11, 22)
    assert DayInPath().to_url(date(2026, 11, 22)) == DayInPath().to_url("2026-11-22") == "2026-11-22"


@pytest.mark.parametrize("text", ["2026-02-30", "1999-12-31", "2101-01-01", "2026-13-01"])
def test_day_when_the_calendar_has_none_is_no_address(text: str) -> None:
    assert re.fullmatch(DayInPath.regex, text)
    with pytest.raises(ValueError, match=r"."):
        DayInPath().to_python(text)


@pytest.mark.parametrize("text", ["2026-1-1", "20261122", "２０２６-11-22", "2026-11-22 "])
def test_day_when_it_is_written_another_way_is_no_address(text: str) -> None:
    assert not re.fullmatch(DayInPath.regex, text)
