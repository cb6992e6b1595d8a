"""When the customer can expect the money, by what the sale was paid from.

Working days follow the statutory calendar with its make-up workdays. The calendar knows no year beyond its release; for
later years weekends alone count, and the basis says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol

from core.calendar import SHANGHAI, is_working_day
from payment_channels.profile import Profile

#: Working days from success to arrival, by funding; a channel account's profile may say otherwise under ``arrival``.
#: WeChat Pay: balance at once, bank cards 1-3 working days (pay.weixin.qq.com, refund rules).
_DEFAULT: Mapping[str, tuple[int, int]] = {
    "balance": (0, 0),
    "consumer_credit": (0, 0),
    "debit_card": (1, 3),
    "credit_card": (1, 3),
    "cash": (0, 0),
    "unknown": (0, 3),
}
#: The same from the moment a person has paid, by route: a transfer between two banks is there by the next working day.
_BY_ROUTE: Mapping[str, tuple[int, int]] = {"bank_transfer": (0, 1), "cash": (0, 0), "store_credit": (0, 0)}


class PaidFrom(Protocol):
    """What an arrival is reckoned from, however the payment was read."""

    @property
    def funding(self) -> str: ...
    @property
    def profile(self) -> Profile: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """``basis`` is a code: ``at_once``, ``working_days`` or ``weekends_only`` (the statutory calendar is not known yet)."""

    earliest_at: datetime
    latest_at: datetime
    basis: str


def expected_arrival(*, funding: str, profile: Profile, at: datetime, route: str = "original") -> Arrival:
    """The estimate for a refund that the channel, or a person on another ``route``, pays at this instant."""
    first, last = working_days(funding=funding, profile=profile, route=route)
    if last == 0:
        return Arrival(at, at + timedelta(minutes=10), "at_once")
    earliest, certain_from = _after_working_days(at, first)
    latest, certain_to = _after_working_days(at, last)
    return Arrival(earliest, latest, "working_days" if certain_from and certain_to else "weekends_only")


def working_days(*, funding: str, profile: Profile, route: str) -> tuple[int, int]:
    """From payout to arrival, first and last."""
    paid_to = route if route in _BY_ROUTE else funding
    default = _BY_ROUTE.get(route) or _DEFAULT.get(funding, (0, 3))
    return profile.arrival.get(paid_to, default)


def _after_working_days(at: datetime, days: int) -> tuple[datetime, bool]:
    if days == 0:
        return at, True
    day, certain = at.astimezone(SHANGHAI).date(), True
    while days:
        day += timedelta(days=1)
        working, known = is_working_day(day)
        certain = certain and known
        days -= working
    return datetime.combine(day, time(23, 59, 59), SHANGHAI), certain
