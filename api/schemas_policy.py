"""What the API answers about the policy's versions and drafts."""

from rest_framework import serializers as s

from api.shapes import Shape, read
from merchants.models import DraftState
from refunds.states import Reason, Route


class ReasonRuleOut(Shape):
    reason = s.ChoiceField(Reason.choices)
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    words = s.CharField()


class RouteRuleOut(Shape):
    route = s.ChoiceField(Route.choices)
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    words = s.CharField(help_text="empty where nothing limits it")


class RuleLineOut(Shape):
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    words = s.CharField()


class RuleSectionOut(Shape):
    title = s.CharField()
    lines = RuleLineOut(many=True)


class GuideOut(Shape):
    kind = s.CharField(help_text="of refund, as a request has it")
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    text = s.CharField(help_text="step by step, with line breaks")


class PolicyOut(Shape):
    name = s.CharField()
    version = s.IntegerField(source="number")
    effective_at = s.DateTimeField(source="effective_from")
    auto_approve_limit_fen = s.IntegerField()
    auto_order_limit_fen = s.IntegerField(help_text="fen of one order, in all, approved without a person")
    auto_customer_day_limit_fen = s.IntegerField(help_text="fen of one customer in a day, in all")
    auto_cashier_day_count = s.IntegerField(help_text="refunds of one cashier in a day")
    auto_key_day_count = s.IntegerField(allow_null=True, help_text="refunds through one key in a day; null: any number")
    auto_key_day_fen = s.IntegerField(allow_null=True, help_text="fen through one key in a day; null: any amount")
    plan_rule = s.CharField(help_text="how a refund is shared out over several payments of an order")
    tranche_fen = s.IntegerField(allow_null=True, help_text="above it a refund goes back in parts; null: never")
    confirm_payment_above_fen = s.IntegerField(
        allow_null=True, help_text="above it the channel is asked first whether the sale was paid; null: never"
    )
    summary = s.CharField()
    reasons = ReasonRuleOut(many=True)
    routes = RouteRuleOut(many=True)
    sections = RuleSectionOut(
        many=True, help_text="all the rules in words, for staff; those above are enough for a till"
    )
    guides = GuideOut(many=True)
    review_due_date = s.DateField(help_text="by then somebody has to look the rules through")


class PolicyChangeOut(Shape):
    where = s.CharField(allow_blank=True, help_text="the reason, tier, exception or route; empty for the policy itself")
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    before = s.CharField()
    after = s.CharField()


class PolicyVersionOut(Shape):
    version = s.IntegerField(source="number")
    name = s.CharField()
    reason = s.CharField(allow_blank=True, help_text="why the rules changed")
    effective_at = s.DateTimeField(source="effective_from")
    published_at = s.DateTimeField()
    published_by = read(s.CharField(allow_null=True), lambda row: row.published_by.name if row.published_by else None)
    alone = s.BooleanField(source="sole", help_text="nobody else may publish here, and whoever did had written it")
    rolled_back_to = s.IntegerField(allow_null=True, help_text="the version whose rules these are again")


class PolicyVersionDetailOut(PolicyVersionOut):
    rules = s.JSONField(help_text="as a draft has them")
    guides = s.JSONField()
    sections = RuleSectionOut(many=True)
    changes = PolicyChangeOut(many=True, help_text="against the version before")


class PolicyDraftOut(Shape):
    id = s.IntegerField(source="pk")
    name = s.CharField()
    state = s.ChoiceField(DraftState.choices)
    revision = s.IntegerField(help_text="send it back with every change")
    based_on = s.IntegerField(source="based_on.number")
    authors = s.ListField(child=s.CharField(), help_text="who changed it; none of them publishes it")
    reason = s.CharField(allow_blank=True)
    saved_at = s.DateTimeField()
    saved_by = s.CharField(source="saved_by.name")
    asked_of = s.CharField(source="asked_of.name", allow_null=True)
    asked_at = s.DateTimeField(allow_null=True)
    effective_at = s.DateTimeField(allow_null=True, help_text="null: as soon as it is published")
    published_version = s.IntegerField(source="published.number", allow_null=True)
    rules = s.JSONField()
    guides = s.JSONField()
    changes = PolicyChangeOut(many=True, help_text="against the rules in force")


class PolicyDraftsOut(Shape):
    results = PolicyDraftOut(many=True)
