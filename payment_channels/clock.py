"""The channels' wall clock. All three speak Beijing time, which has had no summer time since 1991."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "CST")

#: Where an adapter takes the time from; tests hand in their own.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return this instant, aware."""
    return datetime.now(UTC)
