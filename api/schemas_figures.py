"""What the API answers about figures and days of reconciliation: each shape once, for the description and for the answer."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers as s

from api.shapes import Shape, read
from reconciliation.models import Difference
from reconciliation.models.bill import DayState, MatchOutcome
from reconciliation.models.difference import Resolution
from reconciliation.refusals import why_set_aside


class CountOut(Shape):
    n = s.IntegerField(source="count")
    amount_fen = s.IntegerField()


class BasedCountOut(CountOut):
    basis = s.CharField(help_text="the instant that places a refund in the period")


class ShareOut(Shape):
    value = read(
        s.FloatField(allow_null=True, min_value=0, help_text="a ratio; null where there is nothing to share"),
        lambda share: _rounded(share.value, 6),
    )
    n = s.IntegerField(source="whole")
    basis = s.CharField()


class SpreadOut(Shape):
    """Seconds."""

    median = read(s.FloatField(allow_null=True), lambda spread: _rounded(spread.median_s, 3))
    p90 = read(s.FloatField(allow_null=True), lambda spread: _rounded(spread.p90_s, 3))
    mean = read(s.FloatField(allow_null=True), lambda spread: _rounded(spread.mean_s, 3))
    n = s.IntegerField()
    basis = s.CharField()


class SubmittedOut(Shape):
    n = s.IntegerField(source="count")
    approved_by_rule = s.IntegerField(source="by_rule")
    approved_by_person = s.IntegerField(source="by_person")
    refunded = s.IntegerField()
    rejected = s.IntegerField()
    cancelled = s.IntegerField()
    open = s.IntegerField()
    basis = s.CharField()


class SatisfactionOut(Shape):
    satisfied = ShareOut()
    answered = ShareOut()
    mean_score = read(s.FloatField(allow_null=True), lambda answers: _rounded(answers.mean, 3))
    scores = read(
        s.DictField(child=s.IntegerField(), help_text="answers by score, 1 to 5"),
        lambda answers: {str(score): answers.scores.get(score, 0) for score in range(1, 6)},
    )


class SideOut(Shape):
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
    repeat_customers = ShareOut()
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


class ChannelFigureOut(Shape):
    channel = s.CharField()
    success = ShareOut()
    arrival_s = SpreadOut()


class SummaryOut(Shape):
    to = s.DateField(source="last_date")
    previous_from = s.DateField(source="previous_first_date")
    previous_until_at = s.DateTimeField(source="previous_end_at")
    as_of_at = s.DateTimeField(source="now")
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
        return {"from": s.DateField(source="first_date"), **super().get_fields()}


class SetAsideOut(Shape):
    """A row of a statement that could not be used."""

    line = s.IntegerField()
    code = s.CharField(source="why")
    message = read(s.CharField(), why_set_aside)
    text = s.CharField()
    amount_fen = s.IntegerField(allow_null=True)


class StatementOut(Shape):
    n = s.IntegerField(source="bill_count")
    amount_fen = s.IntegerField(source="bill_fen")
    fees_returned_fen = read(
        s.IntegerField(allow_null=True, help_text="null where the statement says nothing of fees"),
        lambda day: None if day.bill.fees_fen is None else -day.bill.fees_fen,
    )
    total_gap_fen = s.IntegerField(
        source="bill.gap_fen", help_text="what the statement's own total of refunds says beyond its rows"
    )
    set_aside_n = s.IntegerField(source="bill.set_aside_count", help_text="rows that could not be used")
    set_aside = SetAsideOut(many=True, source="bill.set_aside")
    version = s.IntegerField(source="bill.version")
    sha256 = s.CharField(source="bill.sha256")
    imported_at = s.DateTimeField(source="bill.imported_at")


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _shown(difference: Difference, name: str, otherwise: str) -> str:
    """A number as the statement has it, else our payout."""
    known = difference.line or difference.execution
    return str(getattr(known, name)) if known else otherwise


class DifferenceOut(Shape):
    id = s.IntegerField(source="pk", help_text="names the difference in a call about it")
    kind = s.CharField()
    refund_no = read(s.CharField(), lambda difference: _shown(difference, "refund_no", difference.number))
    channel_refund_no = read(s.CharField(), lambda difference: _shown(difference, "channel_refund_no", ""))
    refund_request = s.CharField(allow_null=True, source="execution.request.number", help_text="its number")
    ours_fen = s.IntegerField(allow_null=True)
    statement_fen = s.IntegerField(allow_null=True, source="bill_fen")
    opened_at = s.DateTimeField()
    owner = s.CharField(allow_null=True, source="owner.name")
    resolution = s.ChoiceField(Resolution.choices, allow_null=True)
    note = s.CharField()
    resolved_at = s.DateTimeField(allow_null=True)


class ReconciliationOut(Shape):
    date = s.DateField()
    channel = s.CharField(source="channel_account.channel")
    account = s.CharField(source="channel_account.code")
    state = s.ChoiceField(DayState.choices)
    closed_at = s.DateTimeField(allow_null=True)
    compared_at = s.DateTimeField(allow_null=True)
    ours = read(CountOut(), lambda day: {"count": day.ours_count, "amount_fen": day.ours_fen})
    statement = read(StatementOut(allow_null=True), lambda day: day if day.bill else None)
    gap_fen = read(s.IntegerField(allow_null=True), lambda day: day.gap_fen if day.bill else None)
    counts = read(
        s.DictField(child=s.IntegerField(), help_text="rows by outcome"),
        lambda day: {kind.value: getattr(day, kind.value) for kind in MatchOutcome},
    )
    open_differences = s.IntegerField()
    differences = DifferenceOut(many=True)


@extend_schema_serializer(many=False)
class ReconciliationsOut(Shape):
    results = ReconciliationOut(many=True)
