"""Whose day an instant is, and when its statement is there."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone

from core.calendar import SHANGHAI
from core.errors import NotFound
from merchants.principals import of_staff
from payment_channels.profile import Profile
from reconciliation import closing, days
from reconciliation.days import Habits
from tests.factories import make_account, make_merchant
from tests.reconciliation.world import World

DAY = date(2026, 11, 22)
MIDNIGHT = Habits(Profile())
LATE = Habits(Profile(bill_cutoff=time(23, 0), bill_grace_s=60))


def _at(hour: int, minute: int = 0, *, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def test_day_when_the_cut_off_is_midnight_is_the_calendars() -> None:
    assert MIDNIGHT.day_of(_at(0)) == MIDNIGHT.day_of(_at(23, 59)) == DAY
    assert MIDNIGHT.end_of(DAY) == MIDNIGHT.start_of(DAY + timedelta(days=1)) == _at(0, day=DAY + timedelta(days=1))
    assert MIDNIGHT.day_of(datetime(2026, 11, 21, 16, 0, tzinfo=UTC)) == DAY


def test_day_when_the_cut_off_is_before_midnight_begins_the_evening_before() -> None:
    assert LATE.day_of(_at(22, 59)) == DAY
    assert LATE.day_of(_at(23, 0)) == DAY + timedelta(days=1)
    assert LATE.start_of(DAY) == _at(23, day=DAY - timedelta(days=1))


def test_row_when_clocks_disagree_by_less_than_the_grace_may_stand_on_either_day() -> None:
    habits = Habits(Profile(bill_grace_s=60))
    late = _at(23, 59)
    assert habits.may_stand_on(DAY, late)
    assert habits.may_stand_on(DAY + timedelta(days=1), late + timedelta(seconds=30))
    assert not habits.may_stand_on(DAY + timedelta(days=1), _at(12))
    assert LATE.may_stand_on(DAY + timedelta(days=1), _at(12)), "cleared the day after"


def test_bill_is_there_the_next_morning() -> None:
    assert MIDNIGHT.bill_at(DAY).astimezone(SHANGHAI).date() == DAY + timedelta(days=1)


@pytest.mark.django_db
def test_day_when_it_is_made_twice_is_one_and_of_its_merchant_alone() -> None:
    merchant = make_merchant()
    account = make_account(merchant)
    first = days.day_made(account=account, day=DAY)
    assert days.day_made(account=account, day=DAY).pk == first.pk
    assert days.day_for(merchant_id=merchant.pk, account_code=account.code, day=DAY).pk == first.pk
    with pytest.raises(NotFound):
        days.day_for(merchant_id=make_merchant().pk, account_code=account.code, day=DAY)


@pytest.mark.django_db
def test_day_when_it_is_closed_cannot_be_locked() -> None:
    world = World()
    day = world.imported(world.row(world.paid()))
    assert days.locked(day.pk).pk == day.pk
    closing.close(day_id=day.pk, by=of_staff(world.finance), at=timezone.now())
    with pytest.raises(days.DayClosed):
        days.locked(day.pk)
