"""Drafts of the policy, for staff in their session: begun, written, handed to a colleague, published."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Flag, Instant, StrictSerializer, Text, WholeNumber
from api.policy import version_json
from api.schemas_policy import PolicyChangeOut, PolicyDraftOut, PolicyDraftsOut, PolicyVersionDetailOut
from api.views import ActOnOne, Creating, Endpoint
from core.errors import Invalid
from merchants.models import PolicyDraft, Staff
from merchants.policies import drafting, versions
from merchants.policies.drafting import DraftChanged, Written
from merchants.principals import Principal
from merchants.rights import Act
from refunds.rules import in_words


class JsonObject(serializers.JSONField):
    """A JSON object as it is."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("invalid")
        return super().to_internal_value(data)


class NewDraftSerializer(StrictSerializer):
    from_version = WholeNumber(
        min_value=1, required=False, allow_null=True, default=None, help_text="left out: the rules in force"
    )


class DraftRevisionSerializer(StrictSerializer):
    """``revision`` is the one the caller saw."""

    revision = WholeNumber(min_value=1)


class DraftChangeSerializer(DraftRevisionSerializer):
    name = Text(max_length=80, required=False)
    rules = JsonObject(required=False, help_text="all of them, as the draft gives them")
    guides = JsonObject(required=False, help_text="by kind of refund, each in `zh` and `en`")


class AskSerializer(DraftRevisionSerializer):
    reason = Text(max_length=500, multiline=True, required=False, allow_blank=True, default="")
    colleague = Text(
        max_length=60, required=False, allow_null=True, default=None, help_text="a user name; null: anybody"
    )
    effective_at = Instant(required=False, allow_null=True, default=None, help_text="null: as soon as it is published")


class PublishSerializer(DraftRevisionSerializer):
    alone = Flag(
        required=False, default=False, help_text="where nobody else may publish: without a second pair of eyes"
    )
    reason = Text(max_length=500, multiline=True, required=False, allow_null=True, default=None, help_text="alone only")
    effective_at = Instant(required=False, allow_null=True, default=None, help_text="alone only")


class PolicyDrafts(Creating):
    acts = {"GET": Act.DRAFT_POLICY, "POST": Act.DRAFT_POLICY}

    @schemas.operation("list_policy_drafts", PolicyDraftsOut)
    def get(self, request: Request) -> Response:
        """Drafts that are being written or wait for a colleague, the last saved first."""
        found = drafting.open_drafts(merchant_id=self.caller.merchant_id)[:200]
        return Response({"results": [draft_json(draft) for draft in found]})

    @schemas.operation("start_policy_draft", PolicyDraftOut, takes=NewDraftSerializer, once=True)
    def post(self, request: Request) -> Response:
        """Begin a draft with the rules in force, or with an old version's to roll back."""
        data = self.read(NewDraftSerializer)
        return self.answer_once(
            request,
            lambda: draft_json(drafting.start(by=self.caller.by, at=timezone.now(), from_number=data["from_version"])),
        )


class PolicyDraftDetail(Endpoint):
    acts = {"GET": Act.DRAFT_POLICY, "PATCH": Act.DRAFT_POLICY}

    @schemas.operation("get_policy_draft", PolicyDraftOut)
    def get(self, request: Request, draft_id: int) -> Response:
        """A draft, and in words what it changes."""
        return Response(draft_json(drafting.draft_of(draft_id=draft_id, by=self.caller.by)))

    @schemas.operation("change_policy_draft", PolicyDraftOut, takes=DraftChangeSerializer)
    def patch(self, request: Request, draft_id: int) -> Response:
        """Save what was written upon `revision`. Upon another's save it is 409 `draft_changed` with `changes`, what was saved
        since, and nothing is stored.
        """
        data = self.read(DraftChangeSerializer)
        draft = drafting.draft_of(draft_id=draft_id, by=self.caller.by)
        in_words.check_names(data.get("rules", draft.rules))
        try:
            drafting.write(
                draft_id=draft_id,
                revision=data["revision"],
                written=Written(
                    name=data.get("name", draft.name),
                    rules=data.get("rules", draft.rules),
                    guides=data.get("guides", draft.guides),
                ),
                by=self.caller.by,
                at=timezone.now(),
            )
        except DraftChanged as error:
            error.facts["changes"] = self._since(draft_id, data["revision"])
            raise
        return Response(draft_json(drafting.draft_of(draft_id=draft_id, by=self.caller.by)))

    def _since(self, draft_id: int, revision: int) -> list[dict[str, Any]]:
        """In words, what was saved since a revision; empty where there was no such revision."""
        draft = drafting.draft_of(draft_id=draft_id, by=self.caller.by)
        seen = draft.revisions.filter(number=revision).first()
        if seen is None:
            return []
        changes = in_words.changes(seen.rules, draft.rules, old_guides=seen.guides, new_guides=draft.guides)
        return PolicyChangeOut.all_of(changes)


class ActOnDraft(ActOnOne):
    acts = {"POST": Act.DRAFT_POLICY}
    body = DraftRevisionSerializer
    gives = PolicyDraftOut

    def load(self, draft_id: int) -> PolicyDraft:
        return drafting.draft_of(draft_id=draft_id, by=self.caller.by)

    def shown(self, found: PolicyDraft) -> dict[str, Any]:
        return draft_json(found)


class AskToPublish(ActOnDraft):
    """Ask a colleague who has not written it to publish it."""

    operation, body = "ask_to_publish_policy_draft", AskSerializer

    def act(self, draft_id: int, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        colleague_id = None
        if data["colleague"] is not None:
            found = Staff.objects.filter(merchant_id=by.acting_for, username=data["colleague"]).first()
            if found is None:
                raise Invalid("nobody has this user name", code="no_such_publisher")
            colleague_id = found.pk
        drafting.ask(
            draft_id=draft_id,
            revision=data["revision"],
            reason=data["reason"],
            colleague_id=colleague_id,
            effective_at=data["effective_at"],
            by=by,
            at=at,
        )


class DiscardDraft(ActOnDraft):
    """Put a draft away for good."""

    operation, does = "discard_policy_draft", drafting.discard


class CatchUp(ActOnDraft):
    """Say that the versions published since the draft was begun are known; its rules stay as they are."""

    operation, does = "catch_up_policy_draft", drafting.catch_up


class PublishDraft(Endpoint):
    acts = {"POST": Act.PUBLISH_POLICY}

    @schemas.operation("publish_policy_draft", PolicyVersionDetailOut, takes=PublishSerializer)
    def post(self, request: Request, draft_id: int) -> Response:
        """Put a draft in force that somebody else wrote and handed over; the answer is the version."""
        data = self.read(PublishSerializer)
        version = drafting.publish(
            draft_id=draft_id,
            revision=data["revision"],
            says_alone=data["alone"],
            reason=data["reason"],
            effective_at=data["effective_at"],
            by=self.caller.by,
            at=timezone.now(),
        )
        return Response(version_json(version))


def draft_json(draft: PolicyDraft) -> dict[str, Any]:
    """A draft with the names of its authors and what it changes against the rules in force."""
    current = versions.in_force(merchant_id=draft.merchant_id, at=timezone.now())
    names = dict(Staff.objects.filter(pk__in=draft.author_ids).values_list("pk", "name"))
    changes = in_words.changes(current.rules, draft.rules, old_guides=current.guides, new_guides=draft.guides)
    return PolicyDraftOut.of(
        draft, authors=[names[pk] for pk in draft.author_ids], changes=PolicyChangeOut.all_of(changes)
    )
