"""When a statement's day ends and its file is there, by a channel account's profile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.calendar import SHANGHAI
from payment_channels.profile import Profile


@dataclass(frozen=True, slots=True)
class Habits:
    """The days of one account's statements."""

    profile: Profile

    def end_of(self, day: date) -> datetime:
        """The instant at which the bill day is over; a cut-off of 00:00 is midnight at the day's end."""
        cutoff = self.profile.bill_cutoff
        last = day if cutoff != time(0) else day + timedelta(days=1)
        return datetime.combine(last, cutoff, SHANGHAI)

    def start_of(self, day: date) -> datetime:
        return self.end_of(day - timedelta(days=1))

    def day_of(self, instant: datetime) -> date:
        """The bill day on which an instant falls."""
        today = instant.astimezone(SHANGHAI).date()
        if instant < self.start_of(today):
            return today - timedelta(days=1)
        return today if instant < self.end_of(today) else today + timedelta(days=1)

    def may_stand_on(self, day: date, instant: datetime, *, near: timedelta = timedelta()) -> bool:
        """Whether a row of this instant can stand on the day's bill, by either clock. Clearing days that end before midnight are
        the acquirer's, and a row may be cleared the day after.
        """
        found = {self.day_of(instant - self.grace), self.day_of(instant + self.grace)}
        if self.profile.bill_cutoff != time(0):
            near = max(near, timedelta(days=1))
        return any(abs(one - day) <= near for one in found)

    def bill_at(self, day: date) -> datetime:
        """When the day's bill can first be fetched: the next morning."""
        return datetime.combine(day + timedelta(days=1), self.profile.bill_ready_at, SHANGHAI)

    @property
    def grace(self) -> timedelta:
        """How far our clock and the channel's may disagree."""
        return timedelta(seconds=self.profile.bill_grace_s)
