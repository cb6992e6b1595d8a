"""When the customer can expect the money, by what the sale was paid from.

Working days follow the statutory calendar with its make-up workdays. The calendar knows no year beyond its release; for
later years weekends alone count, and the basis says so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol

from core.calendar import SHANGHAI, is_working_day
from payment_channels.profile import Days, Profile

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


#: Funding whose money is there at once, or never was: no history of days is kept of it.
AT_ONCE = frozenset(funding for funding, (_, last) in _DEFAULT.items() if last == 0)


class PaidFrom(Protocol):
    """What an arrival is reckoned from, however the payment was read."""

    @property
    def funding(self) -> str: ...
    @property
    def profile(self) -> Profile: ...


#: What a channel says of the account that it paid to begins with the bank's name: ``招商银行信用卡0403``.
BANK = r"^[^0-9*\s]{2,30}?(?:银行|信用社|农商行)"


def paid_through(funding: str, account: str) -> str:
    """The funding with the bank that a channel named, ``debit_card@招商银行``: banks differ in how long they take."""
    bank = re.match(BANK, account)
    return funding if bank is None or funding in AT_ONCE else f"{funding}@{bank[0]}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """``basis`` is a code: ``at_once``, ``own_history`` (what this account's refunds took), ``working_days`` (what is usual) or
    ``weekends_only`` (the statutory calendar is not known yet).
    """

    earliest_at: datetime
    latest_at: datetime
    basis: str


def expected_arrival(*, funding: str, profile: Profile, at: datetime, route: str = "original") -> Arrival:
    """The estimate for a refund that the channel, or a person on another ``route``, pays at this instant. ``funding`` may name
    the bank, as ``paid_through`` does.
    """
    first, last, is_seen = working_days(funding=funding, profile=profile, route=route, at=at)
    if last == 0 and not is_seen:
        return Arrival(at, at + timedelta(minutes=10), "at_once")
    earliest, certain_from = _after_working_days(at, first)
    latest, certain_to = (_end_of(at.astimezone(SHANGHAI).date()), True) if last == 0 else _after_working_days(at, last)
    basis = "own_history" if is_seen else "working_days"
    return Arrival(earliest, latest, basis if certain_from and certain_to else "weekends_only")


def working_days(*, funding: str, profile: Profile, route: str, at: datetime) -> tuple[int, int, bool]:
    """From a payout at this instant to its arrival, first and last; whether own refunds showed it."""
    weekday = at.astimezone(SHANGHAI).isoweekday()
    names = [route] if route in _BY_ROUTE else [funding, funding.partition("@")[0]]
    for name in names if profile.arrival_seen else ():
        if found := profile.arrival_seen.get(f"{name}/{weekday}") or profile.arrival_seen.get(name):
            return (*found, True)
    return (*usual_days(funding=funding, profile=profile, route=route), False)


def usual_days(*, funding: str, profile: Profile, route: str = "original") -> Days:
    """The same, whatever own refunds took."""
    paid_from = funding.partition("@")[0]
    paid_to = route if route in _BY_ROUTE else paid_from
    return profile.arrival.get(paid_to) or _BY_ROUTE.get(route) or _DEFAULT.get(paid_from, (0, 3))


def working_days_between(since: datetime, until: datetime) -> int:
    """After how many working days it is the other instant's day, or past it."""
    day, last, days, working = since.astimezone(SHANGHAI).date(), until.astimezone(SHANGHAI).date(), 0, True
    while day < last:
        day += timedelta(days=1)
        working = is_working_day(day)[0]
        days += working
    return days + (not working)


def _after_working_days(at: datetime, days: int) -> tuple[datetime, bool]:
    return (at, True) if days == 0 else _end_of_working_days(at.astimezone(SHANGHAI).date(), days)


# The same for every refund of a day.
@lru_cache(maxsize=256)
def _end_of_working_days(day: date, days: int) -> tuple[datetime, bool]:
    certain = True
    while days:
        day += timedelta(days=1)
        working, known = is_working_day(day)
        certain = certain and known
        days -= working
    return _end_of(day), certain


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), SHANGHAI)
