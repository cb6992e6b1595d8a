"""When stores are open, and more time after a disaster; for staff in their session."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Instant, StrictSerializer, Text, WholeNumber
from api.schemas_opening import CalendarDayOut, GraceOut, OpeningOut, StoreHoursOut
from api.views import Creating, Endpoint
from core import calendar
from core.errors import Invalid
from merchants import opening
from merchants.hours import read_hours
from merchants.models import CalendarDay, Grace, Store
from merchants.principals import Principal
from merchants.rights import Act
from merchants.stores import store_by_code
from refunds.review import grace

_SHOWN = 50
_SPANS = "as 10:00-14:00 17:00-22:00; empty: shut all day; what ends at or before its beginning ends on the next day"


class HoursSerializer(StrictSerializer):
    week = serializers.ListField(
        child=Text(max_length=100, allow_blank=True), min_length=7, max_length=7, help_text=f"from Monday on, {_SPANS}"
    )
    holiday = Text(
        max_length=100, allow_blank=True, allow_null=True, required=False, help_text="null: as on that weekday"
    )
    workday = Text(
        max_length=100,
        allow_blank=True,
        allow_null=True,
        required=False,
        help_text="of make-up workdays; null: the same",
    )
    days = serializers.DictField(
        child=Text(max_length=100, allow_blank=True), required=False, help_text="by date, before all else"
    )


class StoreHoursSerializer(StrictSerializer):
    hours = HoursSerializer(allow_null=True, help_text="null: not known")
    shown = Text(max_length=40, allow_blank=True, required=False, default="", help_text="as customers read it")


class CalendarDaySerializer(StrictSerializer):
    kind = serializers.ChoiceField(CalendarDay.KINDS, allow_null=True, help_text="null: as the calendar says")


class GraceSerializer(StrictSerializer):
    stores = serializers.ListField(
        child=Text(max_length=20), allow_null=True, default=None, help_text="their codes; null: all of the merchant"
    )
    starts_at = Instant()
    ends_at = Instant()
    hours = WholeNumber(min_value=1, max_value=grace.MOST_HOURS)
    reason = Text(max_length=200)


class Opening(Endpoint):
    acts = {"GET": Act.SET_HOURS}

    @schemas.operation("get_opening_hours", OpeningOut)
    def get(self, request: Request) -> Response:
        """Hours of one's stores, days otherwise than the calendar has them, disasters."""
        by, now = self.caller.by, timezone.now()
        stores = list(_stores(by))
        graces = Grace.objects.filter(merchant_id=by.acting_for).order_by("-starts_at", "-pk")
        if by.stores is not None:
            graces = graces.filter(Q(store_ids=None) | Q(store_ids__overlap=sorted(by.stores)))
        return Response(
            {
                "stores": StoreHoursOut.all_of(stores),
                "calendar_days": CalendarDayOut.all_of(
                    CalendarDay.objects.filter(merchant_id=by.acting_for).order_by("-date")[:_SHOWN]
                ),
                "calendar_known_until": calendar.known_until(),
                "graces": [_grace_json(one, stores, at=now) for one in graces[:_SHOWN]],
            }
        )


class StoreOpening(Endpoint):
    acts = {"GET": Act.SET_HOURS, "PUT": Act.SET_HOURS}

    @schemas.operation("get_store_hours", StoreHoursOut)
    def get(self, request: Request, code: str) -> Response:
        """When a store is open."""
        return Response(StoreHoursOut.of(store_by_code(code, by=self.caller.by)))

    @schemas.operation("set_store_hours", StoreHoursOut, takes=StoreHoursSerializer)
    def put(self, request: Request, code: str) -> Response:
        """Say when a store is open. It counts for what is asked for from then on."""
        data, by = self.read(StoreHoursSerializer), self.caller.by
        said = {name: value for name, value in (data["hours"] or {}).items() if value is not None}
        store = opening.set_hours(
            store_id=store_by_code(code, by=by).pk,
            hours=read_hours(said),
            shown=data["shown"],
            by=by,
            at=timezone.now(),
        )
        return Response(StoreHoursOut.of(store))


class CalendarDayDetail(Endpoint):
    acts = {"PUT": Act.SET_HOURS}

    @schemas.operation("set_calendar_day", CalendarDayOut, takes=CalendarDaySerializer)
    def put(self, request: Request, day: str) -> Response:
        """Say what a day is, otherwise than the calendar or where it does not know yet. Of the whole merchant."""
        try:
            date = parse_date(day)
        except ValueError:
            date = None
        if date is None:
            raise Invalid("not a day", code="day_invalid")
        kind = self.read(CalendarDaySerializer)["kind"]
        opening.set_day(day=date, kind=kind or "", by=self.caller.by, at=timezone.now())
        return Response({"date": date.isoformat(), "kind": kind})


class Graces(Creating):
    acts = {"POST": Act.GIVE_GRACE}

    @schemas.operation("declare_grace", GraceOut, takes=GraceSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Give stores more time after a disaster: to who asks, and to who decides. What lies on the desk has it at once."""
        data, by, now = self.read(GraceSerializer), self.caller.by, timezone.now()
        codes = data.pop("stores")
        stores = None if codes is None else [store_by_code(code, by=by) for code in codes]

        def declared() -> dict[str, Any]:
            ids = None if stores is None else [store.pk for store in stores]
            given = grace.declare(store_ids=ids, by=by, at=now, **data)
            return _grace_json(given, stores or (), at=now)

        return self.answer_once(request, declared)


class EndGrace(Endpoint):
    acts = {"POST": Act.GIVE_GRACE}

    @schemas.operation("end_grace", GraceOut)
    def post(self, request: Request, grace_id: int) -> Response:
        """No more from now on; what has more time keeps it."""
        by, now = self.caller.by, timezone.now()
        return Response(_grace_json(grace.end(grace_id=grace_id, by=by, at=now), list(_stores(by)), at=now))


def _stores(by: Principal) -> QuerySet[Store]:
    return by.in_stores(Store.objects.filter(merchant_id=by.acting_for).order_by("code"), field="pk")


def _grace_json(given: Grace, stores: Sequence[Store], *, at: datetime) -> dict[str, Any]:
    """``stores`` are those that the caller may know of."""
    codes = {store.pk: store.code for store in stores}
    ids = given.store_ids
    return GraceOut.of(
        given,
        stores=None if ids is None else [codes[pk] for pk in ids if pk in codes],
        state=given.state(at),
    )
