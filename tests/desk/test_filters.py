"""Days in addresses."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from desk.day_in_path import DayInPath
from desk.filters import day


@pytest.mark.parametrize("text", ["0001-01-01", "1999-12-31", "9999-12-31", "2026-13-01", "x", ""])
def test_day_that_no_other_can_be_reckoned_from_is_nonsense(text: str) -> None:
    assert day(QueryDict(f"from={text}"), "from") is None
    with pytest.raises(ValueError, match=r"."):
        DayInPath().to_python(text)
