"""What the API answers about a draft's proof, its trials and its ride beside what comes in."""

from rest_framework import serializers as s

from analytics.models import TrialState
from api.shapes import Shape, read
from refunds.rules.exposure import Who
from refunds.rules.finding import Defect, Severity


class FindingOut(Shape):
    code = s.CharField()
    defect = s.ChoiceField([one.value for one in Defect])
    severity = s.ChoiceField([one.value for one in Severity])
    path = s.CharField(help_text="where in the rules")
    explanation = s.CharField()
    proposal = s.CharField()
    example = read(s.JSONField(help_text="a request that shows it"), lambda row: row.example.as_json())


class StepOut(Shape):
    order = s.IntegerField(help_text="numbers the sales")
    request = read(s.JSONField(), lambda row: row.request.as_json())


class ExposureOut(Shape):
    who = s.ChoiceField([one.value for one in Who])
    store = s.CharField(allow_blank=True, help_text="empty: of every store that no rule names")
    amount_fen = s.IntegerField(allow_null=True, help_text="null: the policy sets no end to the day")
    each_fen = s.IntegerField(allow_null=True, help_text="the largest single refund; null: any amount")
    count = s.IntegerField(allow_null=True)
    steps = StepOut(many=True, help_text="requests that get there; the last one repeats where there are more")


class ProofOut(Shape):
    findings = FindingOut(many=True)
    exposure = ExposureOut(many=True)


class TrialOut(Shape):
    id = s.IntegerField(source="pk")
    draft = s.IntegerField(source="draft_id")
    revision = s.IntegerField()
    since = s.DateTimeField()
    until = s.DateTimeField()
    state = s.ChoiceField(TrialState.choices)
    total = s.IntegerField(help_text="requests of the period")
    done = s.IntegerField()
    seconds_left = s.FloatField(allow_null=True, help_text="at the pace so far")
    results = s.JSONField(
        allow_null=True,
        help_text="by mode (`plain`: as it was, `fed`: with feedback) matrix, rules, cuts by store, reason, cashier, month; "
        "`became`: what became of the requests that change",
    )


class TrialsOut(Shape):
    results = TrialOut(many=True)


class ShadowOut(Shape):
    id = s.IntegerField(source="shadow.pk")
    started_at = s.DateTimeField(source="shadow.started_at")
    ends_at = s.DateTimeField(source="shadow.ends_at")
    stopped_at = s.DateTimeField(source="shadow.stopped_at", allow_null=True)
    requests = s.IntegerField(source="agreement.requests")
    agreed = s.IntegerField(source="agreement.agreed")
    matrix = s.JSONField(source="agreement.matrix", help_text="`was > is`: requests, fen")
    rules = s.JSONField(source="agreement.rules", help_text="by which lines they differ")


class ShadowsOut(Shape):
    results = ShadowOut(many=True)
