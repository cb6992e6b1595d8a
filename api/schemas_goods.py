"""What the API answers about goods that come back, and what is offered instead."""

from rest_framework import serializers as s

from api.shapes import Shape, read
from core.quantities import quantity_number
from refunds.models.goods_return import OfferAnswer, OfferKind, ReturnState, ReturnWay
from refunds.rules.goods import Condition, Disposition


class ReturnLineOut(Shape):
    sku = read(s.CharField(allow_null=True), lambda one: one.line.sku if one.line else None)
    name = read(s.CharField(allow_null=True), lambda one: one.line.name if one.line else None)
    quantity = read(s.FloatField(), lambda one: quantity_number(one.quantity))
    condition = s.ChoiceField(Condition.choices, allow_null=True, help_text="null until somebody has looked")
    disposition = s.ChoiceField(Disposition.choices, allow_null=True)


class GoodsReturnOut(Shape):
    state = s.ChoiceField(ReturnState.choices)
    way = s.ChoiceField(ReturnWay.choices, allow_null=True)
    store = read(s.CharField(help_text="where they go, or are"), lambda row: row.store.code)
    by_policy = s.BooleanField(help_text="the policy asked for them, not a person")
    asked_at = s.DateTimeField()
    due_at = s.DateTimeField(allow_null=True, help_text="null where they came without having been asked for")
    carrier = s.CharField(allow_null=True)
    parcel_no = s.CharField(allow_null=True)
    sent_at = s.DateTimeField(allow_null=True)
    received_at = s.DateTimeField(allow_null=True)
    received_by = s.CharField(allow_null=True)
    inspected_at = s.DateTimeField(allow_null=True)
    inspected_by = s.CharField(allow_null=True)
    proposed_fen = s.IntegerField(allow_null=True, help_text="what who looked at them would pay; `finding` says why")
    finding = s.CharField(allow_null=True)
    lines = read(ReturnLineOut(many=True), lambda row: row.lines.all())


class ExchangeOfferOut(Shape):
    kind = s.ChoiceField(OfferKind.choices)
    message = s.CharField()
    offered_at = s.DateTimeField()
    answer = s.ChoiceField(OfferAnswer.choices, allow_null=True)
    answered_at = s.DateTimeField(allow_null=True)
    new_order_no = s.CharField(allow_null=True, help_text="the order that takes the place of the old one")
