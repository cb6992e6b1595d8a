"""Shifts at a till: opened, looked at, closed."""

from typing import Any

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Number, StrictSerializer, Text, WholeNumber
from api.shapes import Shape
from api.views import Creating, Endpoint
from core import clock
from core.money import MAX_FEN
from merchants.rights import Act
from refunds.payouts import shifts
from refunds.payouts.shifts import Standing


class OpenShiftSerializer(StrictSerializer):
    terminal = Number(max_length=20)
    store = Number(required=False, default="", help_text="its code, where several stores have a till of that code")
    float_fen = WholeNumber(min_value=0, max_value=MAX_FEN, help_text="the cash that is in the drawer")


class CloseShiftSerializer(StrictSerializer):
    counted_fen = WholeNumber(min_value=0, max_value=MAX_FEN, help_text="the cash that was counted")
    handed_to = Text(
        max_length=60,
        required=False,
        allow_blank=True,
        default="",
        help_text="who looks after the refunds in `unknown`, where there are any",
    )
    note = Text(
        max_length=200, required=False, allow_blank=True, default="", help_text="why the count is not `expected_fen`"
    )


class FigureOut(Shape):
    tender = s.CharField(help_text="a channel, or a route by hand")
    state = s.CharField(help_text="of the refunds; `paid` of payouts in the ledger")
    count = s.IntegerField()
    amount_fen = s.IntegerField()


class ShiftOut(Shape):
    id = s.IntegerField(source="shift.pk")
    store = s.CharField(source="shift.terminal.store.code")
    terminal = s.CharField(source="shift.terminal.code")
    opened_at = s.DateTimeField(source="shift.opened_at")
    opened_by = s.CharField(source="shift.opened_by")
    closed_at = s.DateTimeField(allow_null=True, source="shift.closed_at")
    closed_by = s.CharField(source="shift.closed_by")
    float_fen = s.IntegerField(source="shift.float_fen")
    cash_sales_fen = s.IntegerField()
    cash_refunds_fen = s.IntegerField()
    expected_fen = s.IntegerField(help_text="`float_fen` + `cash_sales_fen` - `cash_refunds_fen`")
    counted_fen = s.IntegerField(allow_null=True, source="shift.counted_fen")
    note = s.CharField(source="shift.note")
    asked = FigureOut(many=True, help_text="refunds asked for at this till in this time, by tender and state")
    paid = FigureOut(many=True, help_text="refunds that left this till's books in this shift: each in one shift only")
    open_cash = s.ListField(child=s.CharField(), help_text="numbers of cash refunds that block the closing")
    unknown = s.ListField(child=s.CharField(), help_text="numbers of refunds of which the channel says nothing")
    handed_to = s.CharField(source="shift.handed_to")


def _told(found: Standing) -> dict[str, Any]:
    return ShiftOut.of(found, asked=FigureOut.all_of(found.asked), paid=FigureOut.all_of(found.paid))


class Shifts(Creating):
    acts = {"POST": Act.RUN_SHIFT}

    @schemas.operation("open_shift", ShiftOut, takes=OpenShiftSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Open a shift at a till; there is one at a time."""

        def opened() -> dict[str, Any]:
            shift = shifts.begin(**self.read(OpenShiftSerializer), by=self.caller.by, at=clock.now())
            return _told(shifts.standing(shift_id=shift.pk, by=self.caller.by))

        return self.answer_once(request, opened)


class ShiftDetail(Endpoint):
    acts = {"GET": Act.RUN_SHIFT}

    @schemas.operation("get_shift", ShiftOut)
    def get(self, request: Request, shift_id: int) -> Response:
        """A shift as it stands, or as it was closed."""
        return Response(_told(shifts.standing(shift_id=shift_id, by=self.caller.by)))


class CloseShift(Endpoint):
    acts = {"POST": Act.RUN_SHIFT}

    @schemas.operation("close_shift", ShiftOut, takes=CloseShiftSerializer)
    def post(self, request: Request, shift_id: int) -> Response:
        """Close it with the cash that was counted. Open cash refunds block it (409 `cash_refunds_open`); refunds in `unknown` are
        handed to somebody by name; a count that differs needs a note. No `Idempotency-Key`: a shift is closed once.
        """
        data = self.read(CloseShiftSerializer)
        return Response(_told(shifts.close(shift_id=shift_id, by=self.caller.by, at=clock.now(), **data)))
