"""The channels' wall clock. All three speak Beijing time, which has had no summer time since 1991."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

BEIJING = timezone(timedelta(hours=8), "CST")

#: Where an adapter takes the time from; tests hand in their own.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return this instant, aware."""
    return datetime.now(UTC)


#: Two clocks that differ by more than this make signatures fail: channels allow 5 minutes (WeChat Pay, Alipay).
TOLERATED = timedelta(minutes=2)


def ahead(headers: Mapping[str, str], *, at: datetime) -> timedelta:
    """How far the clock behind an answer's ``Date`` is ahead of ours; nothing where it has none that can be read."""
    try:
        there = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return timedelta()
    return there - at if there.tzinfo is not None else timedelta()


def is_off(gap: timedelta) -> bool:
    """Whether two clocks differ so much that it must be mended."""
    return abs(gap) > TOLERATED
