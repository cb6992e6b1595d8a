"""How a payout stands that the channel accepted and has not paid."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.calendar import SHANGHAI
from refunds.rules.waiting import waiting

#: A Monday.
ACCEPTED = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
PROMISED = ACCEPTED + timedelta(days=3)


@pytest.mark.parametrize(
    ("days", "overdue", "alert"), [(0, False, False), (3, False, False), (4, True, False), (12, True, True)]
)
def test_waiting_when_accepted_for_days_is_overdue_then_alarming(days: int, overdue: bool, alert: bool) -> None:
    found = waiting(accepted_at=ACCEPTED, promised_at=PROMISED, now=ACCEPTED + timedelta(days=days))

    assert (found.days, found.overdue, found.alert) == (days, overdue, alert)


def test_waiting_when_in_time_keeps_the_promise() -> None:
    found = waiting(accepted_at=ACCEPTED, promised_at=PROMISED, now=ACCEPTED + timedelta(days=1))

    assert found.expected_at == PROMISED


def test_waiting_when_overdue_names_a_new_working_day_each_day() -> None:
    friday = ACCEPTED + timedelta(days=4)

    found = waiting(accepted_at=ACCEPTED, promised_at=PROMISED, now=friday)
    next_day = waiting(accepted_at=ACCEPTED, promised_at=PROMISED, now=friday + timedelta(days=3))

    assert found.expected_at == datetime(2026, 12, 1, 23, 59, 59, tzinfo=SHANGHAI)
    assert next_day.expected_at == datetime(2026, 12, 2, 23, 59, 59, tzinfo=SHANGHAI)
