"""What the API answers about opening hours, disasters and deputies."""

from rest_framework import serializers as s

from api.shapes import Shape, read
from merchants.models import CalendarDay

_HOURS = "`week` from Monday on, `holiday`, `workday` where they are another day's, `days` by date; null: not known"


class StoreHoursOut(Shape):
    store = s.CharField(source="code")
    name = s.CharField()
    hours = read(s.JSONField(allow_null=True, help_text=_HOURS), lambda row: row.hours or None)
    shown = s.CharField(source="opening_hours", allow_blank=True, help_text="as customers read it")


class CalendarDayOut(Shape):
    date = s.DateField()
    kind = s.ChoiceField(CalendarDay.KINDS, allow_null=True, help_text="null: as the calendar says")


class GraceOut(Shape):
    id = s.IntegerField(source="pk")
    stores = s.ListField(child=s.CharField(), allow_null=True, help_text="null: all of the merchant")
    starts_at = s.DateTimeField()
    ends_at = s.DateTimeField()
    hours = s.IntegerField()
    reason = s.CharField()
    state = s.ChoiceField(["to_come", "now", "over"])


class OpeningOut(Shape):
    stores = StoreHoursOut(many=True)
    calendar_days = CalendarDayOut(many=True)
    calendar_known_until = s.IntegerField(help_text="the last year whose holidays are known")
    graces = GraceOut(many=True)


class DelegationOut(Shape):
    id = s.IntegerField(source="pk")
    absent = s.CharField(source="absent.username")
    deputy = s.CharField(source="deputy.username")
    starts_at = s.DateTimeField()
    ends_at = s.DateTimeField()
    limit_fen = s.IntegerField(allow_null=True)
    state = s.ChoiceField(
        ["now", "later", "over", "revoked", "void"],
        help_text="`void`: who gave it could not give as much today, and it holds no more",
    )
    made_by = s.CharField(source="made_by.username")
    made_at = s.DateTimeField()
    revoked_at = s.DateTimeField(allow_null=True)


class DelegationsOut(Shape):
    results = DelegationOut(many=True)
