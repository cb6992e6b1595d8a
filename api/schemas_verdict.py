"""What the API answers about the policy's verdict on a refund."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers as s

from api.shapes import OneField, Shape, read
from refunds.rules import explanations


class RuleOut(Shape):
    code = s.CharField()
    passed = s.BooleanField()
    actual = s.CharField()
    limit = s.CharField()
    explanation = s.CharField()


def _said(field: OneField, name: str, usual: Any) -> OneField:
    """What verdicts of earlier days did not say has its usual value."""
    return read(field, lambda verdict: verdict.get(name, usual))


def _instant(name: str, help_text: str) -> s.DateTimeField:
    def instant(verdict: Mapping[str, Any]) -> datetime | None:
        return datetime.fromisoformat(verdict[name]) if verdict.get(name) else None

    return read(s.DateTimeField(allow_null=True, help_text=help_text), instant)


class VerdictOut(Shape):
    decision = s.ChoiceField(["approve", "review", "refuse"])
    max_amount_fen = s.IntegerField()
    routes = _said(s.ListField(child=s.CharField(), help_text="open to this refund"), "routes", ())
    evidence = _said(s.ListField(child=s.CharField(), help_text="asked for by the policy"), "evidence", ())
    goods_required = _said(s.BooleanField(help_text="the goods come back first"), "goods_required", usual=False)
    tier = s.CharField()
    approvers = _said(s.IntegerField(help_text="how many people approve; 0: nobody needs to"), "approvers", 0)
    policy_version = s.IntegerField()
    due_at = _instant("due_at", "when an answer is owed, as judged")
    file_by = _instant("file_by", "until when the customer may ask; null: the policy does not say")
    fee_fen = _said(s.IntegerField(help_text="what the channel keeps"), "fee_fen", 0)
    rules = read(RuleOut(many=True), lambda verdict: explanations.explained_to_programs(verdict["rules"]))
