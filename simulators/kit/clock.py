"""The simulator's own idea of now, which a test may move."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock:
    """Real time plus an offset in seconds. Instants are kept as Unix seconds.

    The offset moves days, windows and bills. Signatures have a clock of their own, wrong by ``skew_s``, so that a test
    can let days pass for a merchant whose clock stands still.
    """

    def __init__(self, *, offset_s: float = 0.0, skew_s: float = 0.0) -> None:
        self.offset_s = offset_s
        self.skew_s = skew_s

    def wire_timestamp(self) -> float:
        """Now, as signatures have it, in Unix seconds."""
        return time.time() + self.skew_s

    def timestamp(self) -> float:
        """Now, in Unix seconds."""
        return time.time() + self.offset_s

    def now(self) -> datetime:
        """Now, in the channel's time zone."""
        return china(self.timestamp())


def china(timestamp: float) -> datetime:
    """Unix seconds as an aware instant in Asia/Shanghai."""
    return datetime.fromtimestamp(timestamp, CHINA)


def day_start(day: date) -> float:
    """The first instant of a day in Asia/Shanghai, in Unix seconds."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp()


def rfc3339(timestamp: float) -> str:
    """``2026-11-22T20:30:00+08:00``."""
    return china(timestamp).isoformat(timespec="seconds")


def parse_instant(text: str) -> float:
    """An ISO 8601 instant as Unix seconds; without an offset it is taken as Asia/Shanghai. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=CHINA)
    return instant.astimezone(UTC).timestamp()
