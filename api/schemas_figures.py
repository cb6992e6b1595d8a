"""What the figures and the days of reconciliation look like, for the description. Tests hold both together."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers as s

from reconciliation.models.bill import DayState
from reconciliation.models.difference import Resolution


class CountOut(s.Serializer[object]):
    n = s.IntegerField()
    amount_fen = s.IntegerField()


class BasedCountOut(CountOut):
    basis = s.CharField(help_text="the instant that places a refund in the period")


class ShareOut(s.Serializer[object]):
    value = s.FloatField(allow_null=True, min_value=0, help_text="a ratio; null where there is nothing to share")
    n = s.IntegerField()
    basis = s.CharField()


class SpreadOut(s.Serializer[object]):
    """Seconds."""

    median = s.FloatField(allow_null=True)
    p90 = s.FloatField(allow_null=True)
    mean = s.FloatField(allow_null=True)
    n = s.IntegerField()
    basis = s.CharField()


class SubmittedOut(s.Serializer[object]):
    n = s.IntegerField()
    approved_by_rule = s.IntegerField()
    approved_by_person = s.IntegerField()
    refunded = s.IntegerField()
    rejected = s.IntegerField()
    cancelled = s.IntegerField()
    open = s.IntegerField()
    basis = s.CharField()


class SatisfactionOut(s.Serializer[object]):
    satisfied = ShareOut()
    answered = ShareOut()
    mean_score = s.FloatField(allow_null=True)
    scores = s.DictField(child=s.IntegerField(), help_text="answers by score, 1 to 5")


class SideOut(s.Serializer[object]):
    refunded = BasedCountOut()
    sales = BasedCountOut()
    refund_rate = ShareOut()
    cohort_rate = ShareOut()
    void_rate = ShareOut()
    instant = ShareOut()
    submitted = SubmittedOut()
    approved_by_rule = ShareOut()
    rejected = ShareOut()
    on_time = ShareOut()
    first_pass = ShareOut()
    handling_s = SpreadOut()
    arrival_s = SpreadOut()
    cycle_s = SpreadOut()
    satisfaction = SatisfactionOut()


class ReasonFigureOut(CountOut):
    reason = s.CharField()


class FailureFigureOut(CountOut):
    code = s.CharField()
    message = s.CharField()


class StoreFigureOut(CountOut):
    store = s.CharField()
    refund_rate = ShareOut()
    approved_by_rule = ShareOut()
    handling_s = SpreadOut()


class ChannelFigureOut(s.Serializer[object]):
    channel = s.CharField()
    success = ShareOut()
    arrival_s = SpreadOut()


class SummaryOut(s.Serializer[object]):
    to = s.DateField()
    previous_from = s.DateField()
    previous_until_at = s.DateTimeField()
    as_of_at = s.DateTimeField()
    store = s.CharField(allow_null=True)
    channel = s.CharField(allow_null=True)
    current = SideOut()
    previous = SideOut()
    reasons = ReasonFigureOut(many=True)
    failures = FailureFigureOut(many=True)
    stores = StoreFigureOut(many=True)
    channels = ChannelFigureOut(many=True)

    def get_fields(self) -> dict[str, Any]:
        """``from`` is no name that a class body could hold."""
        return {"from": s.DateField(), **super().get_fields()}


class StatementOut(CountOut):
    fees_returned_fen = s.IntegerField()
    version = s.IntegerField()
    sha256 = s.CharField()
    imported_at = s.DateTimeField()


class DifferenceOut(s.Serializer[object]):
    kind = s.CharField()
    refund_no = s.CharField()
    channel_refund_no = s.CharField()
    refund_request = s.CharField(allow_null=True, help_text="its number")
    ours_fen = s.IntegerField(allow_null=True)
    statement_fen = s.IntegerField(allow_null=True)
    opened_at = s.DateTimeField()
    owner = s.CharField(allow_null=True)
    resolution = s.ChoiceField(Resolution.choices, allow_null=True)
    note = s.CharField()
    resolved_at = s.DateTimeField(allow_null=True)


class ReconciliationOut(s.Serializer[object]):
    date = s.DateField()
    channel = s.CharField()
    account = s.CharField()
    state = s.ChoiceField(DayState.choices)
    closed_at = s.DateTimeField(allow_null=True)
    compared_at = s.DateTimeField(allow_null=True)
    ours = CountOut()
    statement = StatementOut(allow_null=True)
    gap_fen = s.IntegerField(allow_null=True)
    counts = s.DictField(child=s.IntegerField(), help_text="rows by outcome")
    open_differences = s.IntegerField()
    differences = DifferenceOut(many=True)


@extend_schema_serializer(many=False)
class ReconciliationsOut(s.Serializer[object]):
    results = ReconciliationOut(many=True)
