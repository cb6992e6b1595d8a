"""What the page of opening hours shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from core import calendar
from core.plain_text import listed
from desk.access import Scope
from desk.filters import Choice
from desk.hours.form import EVERY, WEEK, as_typed
from merchants.hours import read_hours
from merchants.models import CalendarDay, Grace, Store
from merchants.rights import Act

_DAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: Promise | str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHours:
    """A store's form; ``error`` says what was wrong with what was typed."""

    store: Store
    fields: Sequence[Field]
    days: str
    shown: str
    known: bool
    error: str


@dataclass(frozen=True, slots=True)
class GraceRow:
    """``stores`` in words; ``state`` is ``to_come``, ``now`` or ``over``."""

    grace: Grace
    stores: str
    state: str
    may_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was typed of a day or a disaster, or what its form begins with."""

    date: str
    starts_at: str
    ends_at: str
    hours: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursPage:
    """``known_until`` is the last year whose holidays are known; ``whole`` whether this person speaks for all stores."""

    stores: Sequence[StoreHours]
    stores_url: str
    days: Sequence[CalendarDay]
    kinds: Sequence[Choice]
    known_until: int
    graces: Sequence[GraceRow]
    choices: Sequence[Choice]
    whole: bool
    day_error: str
    grace_error: str
    typed: Typed


def hours_page(
    *,
    scope: Scope,
    at: datetime,
    store_code: str = "",
    error: str = "",
    day_error: str = "",
    grace_error: str = "",
    typed: Mapping[str, str] | None = None,
) -> HoursPage:
    """``error`` is about the form of the store with this code, of which ``typed`` is what was sent."""
    stores = list(scope.stores())
    names = {store.pk: store.name for store in stores}
    typed = typed or {}
    merchant_id = scope.staff.merchant_id
    graces = Grace.objects.filter(merchant_id=merchant_id).order_by("-starts_at", "-pk")[:_SHOWN]
    return HoursPage(
        stores=[
            _store(store, typed=typed if error and store.code == store_code else None, error=error) for store in stores
        ],
        stores_url=reverse("desk:stores") if scope.may(Act.MANAGE_STORES) else "",
        days=list(CalendarDay.objects.filter(merchant_id=merchant_id).order_by("-date")[:_SHOWN]),
        kinds=[
            *(Choice(value, str(label)) for value, label in CalendarDay.KINDS),
            Choice("", gettext("As the calendar says")),
        ],
        known_until=calendar.known_until(),
        graces=[
            _grace(one, names, whole=scope.store_ids is None, at=at)
            for one in graces
            if one.store_ids is None or set(one.store_ids) & names.keys()
        ],
        choices=[Choice(store.code, store.name) for store in stores],
        whole=scope.store_ids is None,
        day_error=day_error,
        grace_error=grace_error,
        typed=Typed(
            date=typed.get("date", ""),
            starts_at=typed.get("starts_at", ""),
            ends_at=typed.get("ends_at", ""),
            hours=typed.get("hours", "72"),
            reason=typed.get("reason", ""),
        ),
    )


def _store(store: Store, *, typed: Mapping[str, str] | None, error: str) -> StoreHours:
    values = as_typed(read_hours(store.hours)) if typed is None else typed
    fields = [Field(EVERY, gettext("Every day"), values.get(EVERY, ""))]
    fields += [Field(name, label, values.get(name, "")) for name, label in zip(WEEK, _DAYS, strict=True)]
    fields.append(Field("holiday", gettext("Public holidays"), values.get("holiday", "")))
    fields.append(Field("workday", gettext("Make-up workdays"), values.get("workday", "")))
    return StoreHours(
        store=store,
        fields=fields,
        days=values.get("days", ""),
        shown=store.opening_hours if typed is None else typed.get("shown", ""),
        known=bool(store.hours),
        error=error if typed is not None else "",
    )


def _grace(grace: Grace, names: Mapping[int, str], *, whole: bool, at: datetime) -> GraceRow:
    ids = grace.store_ids
    state = grace.state(at)
    theirs = whole or (ids is not None and set(ids) <= names.keys())
    stores = gettext("All stores") if ids is None else listed(names[pk] for pk in ids if pk in names)
    return GraceRow(grace, stores, state, theirs and state != "over")
