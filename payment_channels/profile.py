"""What differs between two contracts with the same channel: a channel account's profile, typed.

Stored as JSON with the channel account. Keys that are not listed here belong to others and are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Self

from payment_channels.contract import ProfileInvalid, Retry

#: Channel -> seconds after a send before which it wants no query, where the account's profile has no ``query_after_s``.
#: Source for Alipay: https://opendocs.alipay.com/open/02ekfl (退款查询, 10 秒以上).
QUERY_AFTER_S: Mapping[str, float] = {"alipay": 10.0}
#: Calls a second.
_SLOWEST_PACE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Limits, habits and endpoints of one channel account.

    ``query_lag_s`` is how long a query may deny a refund that the channel has accepted.
    ``closed_number`` says what a refund needs that the channel closed: a new number or the same.
    ``max_per_second`` is how many calls this process makes in a second at the most, evenly; 0: as many as come (WeChat Pay
    takes 150 a second of a merchant's, and 6 erroneous ones).
    ``void_cutoff`` is the end of the clearing day, Beijing time.
    """

    timeout_s: float = 8.0
    connect_timeout_s: float = 3.0
    pool_size: int = 64
    max_per_second: int = 0
    window_days: int = 365
    max_partials: int = 50
    partial_spacing_s: int = 60
    query_lag_s: int = 60
    closed_number: Retry = Retry.NEW_NUMBER
    void_cutoff: time = time(23, 0)
    opens_at: time = time(0, 0)
    closes_at: time = time(0, 0)
    fee_returned: bool = True
    funding: str = ""
    biz_type: str = ""
    channel_type: str = ""
    file_url: str = ""

    @classmethod
    def parse(cls, stored: Mapping[str, object]) -> Self:
        """Read a stored profile over the defaults. Raises ``ProfileInvalid``."""
        default = cls()
        return cls(
            timeout_s=_seconds(stored, "timeout_s", default.timeout_s),
            connect_timeout_s=_seconds(stored, "connect_timeout_s", default.connect_timeout_s),
            pool_size=_count(stored, "pool_size", default.pool_size, least=1),
            max_per_second=_pace(stored, "max_per_second", default.max_per_second),
            window_days=_count(stored, "window_days", default.window_days),
            max_partials=_count(stored, "max_partials", default.max_partials),
            partial_spacing_s=_count(stored, "partial_spacing_s", default.partial_spacing_s),
            query_lag_s=_count(stored, "query_lag_s", default.query_lag_s),
            closed_number=_number_rule(stored, "closed_number", default.closed_number),
            void_cutoff=_hour(stored, "void_cutoff", default.void_cutoff),
            opens_at=_hour(stored, "opens_at", default.opens_at),
            closes_at=_hour(stored, "closes_at", default.closes_at),
            fee_returned=_flag(stored, "fee_returned", default=default.fee_returned),
            funding=_text(stored, "funding"),
            biz_type=_text(stored, "biz_type"),
            channel_type=_text(stored, "channel_type"),
            file_url=_text(stored, "file_url"),
        )


def _invalid(name: str, wanted: str) -> ProfileInvalid:
    return ProfileInvalid(f"{name} must be {wanted}")


def _seconds(stored: Mapping[str, object], name: str, default: float) -> float:
    value = stored.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 600:
        raise _invalid(name, "a number of seconds above 0, at most 600")
    return float(value)


def _count(stored: Mapping[str, object], name: str, default: int, *, least: int = 0) -> int:
    value = stored.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _invalid(name, f"a whole number of at least {least}")
    return value


def _pace(stored: Mapping[str, object], name: str, default: int) -> int:
    """Slower than this a batch would outlast its lease."""
    value = _count(stored, name, default)
    if 0 < value < _SLOWEST_PACE:
        raise _invalid(name, f"0 for no limit, or at least {_SLOWEST_PACE}")
    return value


def _text(stored: Mapping[str, object], name: str) -> str:
    value = stored.get(name, "")
    if not isinstance(value, str):
        raise _invalid(name, "a text")
    return value


def _flag(stored: Mapping[str, object], name: str, *, default: bool) -> bool:
    value = stored.get(name, default)
    if not isinstance(value, bool):
        raise _invalid(name, "true or false")
    return value


def _hour(stored: Mapping[str, object], name: str, default: time) -> time:
    value = stored.get(name)
    if value is None:
        return default
    try:
        return time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _invalid(name, "a time such as 23:00") from error


def _number_rule(stored: Mapping[str, object], name: str, default: Retry) -> Retry:
    value = stored.get(name, default.value)
    if value not in (Retry.NEW_NUMBER.value, Retry.SAME_NUMBER.value):
        raise _invalid(name, "new_number or same_number")
    return Retry(str(value))
