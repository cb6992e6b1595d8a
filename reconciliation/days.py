"""The days of reconciliation: made, found, locked."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet, Sum

from core.calendar import SHANGHAI
from core.errors import Conflict, existing
from merchants import channels
from merchants.models import ChannelAccount
from payment_channels.profile import Profile
from reconciliation.models import ReconciliationDay
from reconciliation.models.bill import DayState


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

    def span_of(self, day: date, *, near: timedelta = timedelta()) -> tuple[datetime, datetime]:
        """From when until before when a row's instant can stand on the day's bill, or on one of the days ``near`` it, by either
        clock. Clearing days that end before midnight are the acquirer's, and a row may be cleared the day after.
        """
        if self.profile.bill_cutoff != time(0):
            near = max(near, timedelta(days=1))
        return self.start_of(day - near) - self.grace, self.end_of(day + near) + self.grace

    def may_stand_on(self, day: date, instant: datetime) -> bool:
        first, end = self.span_of(day)
        return first <= instant < end

    def bill_at(self, day: date) -> datetime:
        """When the day's bill can first be fetched: the next morning."""
        return datetime.combine(day + timedelta(days=1), self.profile.bill_ready_at, SHANGHAI)

    @property
    def grace(self) -> timedelta:
        """How far our clock and the channel's may disagree."""
        return timedelta(seconds=self.profile.bill_grace_s)


class DayClosed(Conflict, code="day_closed"):
    """The day is closed: nothing in it changes until somebody reopens it with a note."""


def accounts_of(*, merchant_id: int) -> QuerySet[ChannelAccount]:
    """The merchant's accounts at channels with statements. Credentials stay sealed."""
    found = ChannelAccount.objects.filter(merchant_id=merchant_id, channel__in=channels.with_statements())
    return found.defer("sealed_credentials").order_by("channel", "code")


def days_of(*, merchant_id: int) -> QuerySet[ReconciliationDay]:
    """The merchant's days, with account, bill and whoever closed them."""
    found = ReconciliationDay.objects.filter(merchant_id=merchant_id)
    return found.select_related("channel_account", "bill", "closed_by").defer(
        "channel_account__sealed_credentials", "bill__set_aside"
    )


def open_differences(*, merchant_id: int) -> int:
    """How many differences of the merchant nobody has resolved, as last compared."""
    found = ReconciliationDay.objects.filter(merchant_id=merchant_id, open_differences__gt=0)
    return int(found.aggregate(open=Sum("open_differences"))["open"] or 0)


def day_for(*, merchant_id: int, account_code: str, day: date) -> ReconciliationDay:
    """One day. Raises ``NotFound``, also for another merchant's."""
    return existing(
        days_of(merchant_id=merchant_id).filter(channel_account__code=account_code, date=day).first(),
        "day of reconciliation",
    )


def day_made(*, account: ChannelAccount, day: date, **fields: Any) -> ReconciliationDay:
    """The account's day, made if it is not there."""
    found, _ = ReconciliationDay.objects.get_or_create(
        channel_account=account, date=day, defaults={"merchant_id": account.merchant_id, **fields}
    )
    return found


def locked(day_id: int) -> ReconciliationDay:
    """The day under its account's lock: two days of one account are never compared at once. Raises ``DayClosed``."""
    account_id = ReconciliationDay.objects.values_list("channel_account_id", flat=True).get(pk=day_id)
    account = ChannelAccount.objects.select_for_update(no_key=True).defer("sealed_credentials").get(pk=account_id)
    day = ReconciliationDay.objects.select_for_update().get(pk=day_id)
    day.channel_account = account
    if day.state == DayState.CLOSED:
        raise DayClosed("this day is closed; reopen it first")
    return day


def habits_for(day: ReconciliationDay) -> Habits:
    """The statement habits of the day's account."""
    return Habits(day.channel_account.usable_profile)
