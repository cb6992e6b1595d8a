"""What differs between two contracts with one channel: a channel account's profile, typed.

This is the only schema. Each channel's folder says its defaults (``<channel>/profile.py``); an account stores what its own
contract says otherwise, as JSON, and ``Profile.over`` lays that over the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import time
from enum import StrEnum
from typing import Any, Self

from payment_channels.contract import ProfileInvalid, Retry

#: Calls a second: slower than this a batch would outlast its lease.
_SLOWEST_PACE = 5

#: Working days from success to arrival, first and last.
Days = tuple[int, int]


class BillBasis(StrEnum):
    """What puts a refund on a statement's day."""

    ACCEPTED = "accepted"  # the channel took it on; the row never changes afterwards
    SUCCEEDED = "succeeded"  # its money moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Limits, habits and endpoints of one channel account. Seconds, days, Beijing time.

    Calls: ``max_per_second`` is how many this process makes in a second at the most, evenly; 0: as many as come.
    Limits: ``partial_spacing_s`` is the least time between two refunds of one sale; ``void_cutoff`` ends the clearing day.
    Asking: not before ``query_after_s`` after a send, first after ``first_query_s`` where the channel accepted (None: the usual
    wait); ``query_lag_s`` is how long a query may deny what the channel has accepted.
    ``closed_number`` says what a refund needs that the channel closed: a new number or the same.
    Fees: ``fee_rate_bp`` in hundredths of a per cent (0: none is booked), ``fee_returned`` with a refund or kept.
    ``arrival``: working days by funding or route, over those of ``refunds.rules.arrival``. ``arrival_seen``: what own refunds
    took, over both: by funding, and by ``funding/weekday`` (1: Monday) of the payout.
    Statements: a ``bill_cutoff`` of 00:00 means midnight at the day's end; ``bill_grace_s`` is how far two clocks may disagree;
    ``bill_shared`` says that the file also has other merchants' rows.
    """

    timeout_s: float = 8.0
    connect_timeout_s: float = 3.0
    pool_size: int = 64
    max_per_second: int = 0

    window_days: int = 365
    max_partials: int = 50
    partial_spacing_s: float = 0.0
    voids: bool = False
    void_cutoff: time = time(23, 0)
    closed_number: Retry = Retry.NEW_NUMBER

    query_after_s: float = 0.0
    first_query_s: float | None = None
    query_lag_s: float = 60.0

    fee_rate_bp: int = 0
    fee_returned: bool = True
    arrival: Mapping[str, Days] = field(default_factory=dict)
    arrival_seen: Mapping[str, Days] = field(default_factory=dict)

    bill_basis: BillBasis = BillBasis.SUCCEEDED
    bill_cutoff: time = time(0, 0)
    bill_ready_at: time = time(9, 0)
    bill_grace_s: int = 300
    bill_shared: bool = False

    funding: str = ""
    biz_type: str = ""
    channel_type: str = ""
    file_url: str = ""

    def over(self, stored: Mapping[str, object]) -> Self:
        """These defaults with what an account's own contract says. Raises ``ProfileInvalid`` that names the entry."""
        read: dict[str, Any] = {name: _READ[name](name, value) for name, value in stored.items() if name in _READ}
        return replace(self, **read) if read else self


def _invalid(name: str, wanted: str) -> ProfileInvalid:
    return ProfileInvalid(f"{name} must be {wanted}")


def _seconds(least: float) -> Callable[[str, object], float]:
    def read(name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 10**9:
            raise _invalid(name, f"a number of seconds of at least {least:g}")
        return float(value)

    return read


def _timeout(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 600:
        raise _invalid(name, "a number of seconds above 0, at most 600")
    return float(value)


def _count(least: int) -> Callable[[str, object], int]:
    def read(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise _invalid(name, f"a whole number of at least {least}")
        return value

    return read


def _pace(name: str, value: object) -> int:
    found = _count(0)(name, value)
    if 0 < found < _SLOWEST_PACE:
        raise _invalid(name, f"0 for no limit, or at least {_SLOWEST_PACE}")
    return found


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _invalid(name, "a text")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _invalid(name, "true or false")
    return value


def _hour(name: str, value: object) -> time:
    try:
        return time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _invalid(name, "a time such as 23:00") from error


def _number_rule(name: str, value: object) -> Retry:
    if value not in (Retry.NEW_NUMBER.value, Retry.SAME_NUMBER.value):
        raise _invalid(name, "new_number or same_number")
    return Retry(str(value))


def _basis(name: str, value: object) -> BillBasis:
    if not isinstance(value, str) or value not in list(BillBasis):
        raise _invalid(name, "accepted or succeeded")
    return BillBasis(value)


def _arrival(name: str, value: object) -> Mapping[str, Days]:
    if not isinstance(value, Mapping):
        raise _invalid(name, "working days by funding or route")
    spans = {}
    for paid_to, span in value.items():
        if (
            not isinstance(span, list | tuple)
            or len(span) != 2
            or not all(isinstance(days, int) and not isinstance(days, bool) and days >= 0 for days in span)
        ):
            raise _invalid(f"{name}.{paid_to}", "the first and the last working day")
        spans[str(paid_to)] = (span[0], span[1])
    return spans


_READ: Mapping[str, Callable[[str, object], object]] = {
    "timeout_s": _timeout,
    "connect_timeout_s": _timeout,
    "pool_size": _count(1),
    "max_per_second": _pace,
    "window_days": _count(0),
    "max_partials": _count(0),
    "partial_spacing_s": _seconds(0),
    "voids": _flag,
    "void_cutoff": _hour,
    "closed_number": _number_rule,
    "query_after_s": _seconds(0),
    "first_query_s": _seconds(0),
    "query_lag_s": _seconds(0),
    "fee_rate_bp": _count(0),
    "fee_returned": _flag,
    "arrival": _arrival,
    "arrival_seen": _arrival,
    "bill_basis": _basis,
    "bill_cutoff": _hour,
    "bill_ready_at": _hour,
    "bill_grace_s": _count(0),
    "bill_shared": _flag,
    "funding": _text,
    "biz_type": _text,
    "channel_type": _text,
    "file_url": _text,
}
assert _READ.keys() == {entry.name for entry in fields(Profile)}
