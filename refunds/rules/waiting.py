"""A payout that the channel accepted and has not paid yet: when it is late, when it is alarming, and when it is expected now.

Pure: the promise is what the customer was told (``refunds.rules.arrival``).
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from core.calendar import SHANGHAI, is_working_day

#: Channels close what they could not pay after some two weeks (WeChat Pay tries for 7 days, banks have 15): on this day somebody
#: has to call the channel while it can still be mended.
ALERT_ON_DAY: Final = 12
#: A late payout is expected so many working days after it was promised last; what is said stands until that day is over.
_ANEW: Final = 3


@dataclass(frozen=True, slots=True)
class Waiting:
    """``overdue`` past what was promised, ``alert`` from day 12 on. ``expected_at`` is what may be said now: the promise while it
    holds, then a new day.
    """

    days: int
    overdue: bool
    alert: bool
    expected_at: datetime


def waiting(*, accepted_at: datetime, promised_at: datetime, now: datetime) -> Waiting:
    """How an accepted payout stands at this instant."""
    days = (now - accepted_at).days
    overdue = now > promised_at
    return Waiting(
        days=days,
        overdue=overdue,
        alert=days >= ALERT_ON_DAY,
        expected_at=_next_promise(promised_at, now) if overdue else promised_at,
    )


def _next_promise(promised_at: datetime, now: datetime) -> datetime:
    day = promised_at.astimezone(SHANGHAI).date()
    promise = promised_at
    while promise < now:
        left = _ANEW
        while left:
            day += timedelta(days=1)
            working, _known = is_working_day(day)
            left -= working
        promise = datetime.combine(day, time(23, 59, 59), SHANGHAI)
    return promise
