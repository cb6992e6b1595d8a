"""When a merchant's stores are open, and more time after a disaster: said by people, audited.

What is said here counts for what is asked for from then on; due times that stand are changed by nobody, except that a disaster
gives more time to what lies on the desk (``refunds.review.grace``).
"""

from datetime import date, datetime

from django.db import transaction

from core.audit.record import record, record_of
from core.calendar import DayKind
from core.errors import Invalid, NotFound
from merchants import rights
from merchants.hours import Hours
from merchants.models import CalendarDay, Store
from merchants.principals import Principal
from merchants.rights import Act, Subject


@transaction.atomic
def set_hours(*, store_id: int, hours: Hours | None, shown: str, by: Principal, at: datetime) -> Store:
    """Say when a store is open (None: not known), and how customers read it. Raises ``Forbidden`` or ``NotFound``."""
    rights.check_may(Act.SET_HOURS, by=by)
    store = Store.objects.select_for_update().filter(pk=store_id, merchant_id=by.acting_for).first()
    rights.check_may(Act.SET_HOURS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=store_id))
    if store is None:
        raise NotFound("there is no such store")
    before = {"hours": store.hours, "shown": store.opening_hours}
    store.hours, store.opening_hours = {} if hours is None else hours.as_json(), shown.strip()[:40]
    store.save(update_fields=["hours", "opening_hours"])
    record_of(
        store,
        by=by.actor,
        action="store.hours",
        at=at,
        data={"before": before, "after": {"hours": store.hours, "shown": store.opening_hours}},
    )
    return store


@transaction.atomic
def set_day(*, day: date, kind: str, by: Principal, at: datetime) -> None:
    """Say what a day is, otherwise than the calendar; "": what the calendar says. Raises ``Forbidden`` or ``Invalid``."""
    rights.check_may(Act.SET_HOURS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    if kind and kind not in set(DayKind):
        raise Invalid("a day is a holiday, a make-up workday or an ordinary one", code="unknown_day_kind")
    rows = CalendarDay.objects.filter(merchant_id=by.acting_for, date=day)
    before = rows.values_list("kind", flat=True).first() or ""
    if kind:
        CalendarDay.objects.update_or_create(merchant_id=by.acting_for, date=day, defaults={"kind": kind})
    else:
        rows.delete()
    record(
        merchant_id=by.acting_for,
        by=by.actor,
        action="calendar.day",
        object_type="calendar_day",
        object_id=day,
        at=at,
        data={"before": before, "after": kind},
    )
