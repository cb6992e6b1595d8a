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


def test_waiting_when_overdue_names_a_working_day_that_stands_until_it_is_over() -> None:
    """Promised by Thursday: on Friday, and still on Tuesday, it is Tuesday; on Wednesday it is Friday."""
    days = [4, 8, 9]

    found = [waiting(accepted_at=ACCEPTED, promised_at=PROMISED, now=ACCEPTED + timedelta(days=n)) for n in days]

    assert [one.expected_at.day for one in found] == [1, 1, 4]
    assert found[0].expected_at == datetime(2026, 12, 1, 23, 59, 59, tzinfo=SHANGHAI)
