"""What differs between channels' statements: on which day a refund stands, when a day ends, when its bill is there.

Defaults are the vendors' (docs in ``payment_channels/*/bills.py``); an account's profile overrides them: ``bill_basis``
(``accepted`` or ``succeeded``), ``bill_cutoff`` and ``bill_ready_at`` (``HH:MM``, Asia/Shanghai), ``bill_grace_s``.
``bill_shared`` says that the statement also has other merchants' lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from core.calendar import SHANGHAI


class Basis(StrEnum):
    """What puts a refund on a bill's day."""

    ACCEPTED = "accepted"  # the channel took it on; the row never changes afterwards
    SUCCEEDED = "succeeded"  # its money moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """``cutoff`` 00:00 means midnight at the day's end; ``grace`` is how far our clock and the channel's may disagree."""

    basis: Basis
    cutoff: time
    ready_at: time
    grace: timedelta

    def end_of(self, day: date) -> datetime:
        """The instant at which the bill day is over."""
        last = day if self.cutoff != time(0) else day + timedelta(days=1)
        return datetime.combine(last, self.cutoff, SHANGHAI)

    def start_of(self, day: date) -> datetime:
        return self.end_of(day - timedelta(days=1))

    def day_of(self, instant: datetime) -> date:
        """The bill day on which an instant falls."""
        today = instant.astimezone(SHANGHAI).date()
        if instant < self.start_of(today):
            return today - timedelta(days=1)
        return today if instant < self.end_of(today) else today + timedelta(days=1)

    def bill_at(self, day: date) -> datetime:
        """When the day's bill can first be fetched: the next morning."""
        return datetime.combine(day + timedelta(days=1), self.ready_at, SHANGHAI)


_DEFAULTS: Mapping[str, Habits] = {
    "wechat": Habits(basis=Basis.ACCEPTED, cutoff=time(0), ready_at=time(10), grace=timedelta(minutes=5)),
    "alipay": Habits(basis=Basis.SUCCEEDED, cutoff=time(0), ready_at=time(9), grace=timedelta(minutes=5)),
    "unionpay": Habits(basis=Basis.SUCCEEDED, cutoff=time(23), ready_at=time(9), grace=timedelta(minutes=10)),
}

#: Channels whose statements are read.
WITH_BILLS = tuple(_DEFAULTS)


def habits_of(*, channel: str, profile: Mapping[str, Any]) -> Habits:
    """The habits of an account. Raises ``KeyError`` for a channel without statements, ``ValueError`` for a bad profile."""
    default = _DEFAULTS[channel]
    return Habits(
        basis=Basis(profile.get("bill_basis", default.basis)),
        cutoff=_time(profile.get("bill_cutoff"), default.cutoff),
        ready_at=_time(profile.get("bill_ready_at"), default.ready_at),
        grace=timedelta(seconds=int(profile.get("bill_grace_s", default.grace.total_seconds()))),
    )


def _time(stored: object, default: time) -> time:
    return default if stored is None else time.fromisoformat(str(stored))
