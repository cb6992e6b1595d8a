"""Working days in China."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest
from django.conf import settings

from core.calendar import is_working_day


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 10, 1), (False, True)),  # National Day
        (date(2025, 9, 28), (True, True)),  # a Sunday that is worked for it
        (date(2026, 11, 27), (True, True)),
        (date(2099, 1, 3), (False, False)),  # a Saturday of a year that nobody has planned yet
        (date(2099, 1, 5), (True, False)),
    ],
)
def test_is_working_day(day: date, expected: tuple[bool, bool]) -> None:
    assert is_working_day(day) == expected


def test_time_zone_when_imported_alone_loads_no_holidays() -> None:
    program = "import sys; from core.calendar import SHANGHAI; print('chinese_calendar' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
