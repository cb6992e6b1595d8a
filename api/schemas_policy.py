"""What the API answers about the policy's versions and drafts."""

from rest_framework import serializers as s

from api.schemas import Page, RuleSectionOut
from api.shapes import Shape, read
from merchants.models import DraftState


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


class PolicyVersionPageOut(Page):
    results = PolicyVersionOut(many=True)


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
