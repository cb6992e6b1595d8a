"""A draft's proof, its trials on the past, and its ride beside what comes in; for staff in their session."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.models import Shadow, Trial
from analytics.trials import running, shadow
from analytics.trials.shadow import Agreement
from api import schemas
from api.fields import Instant, StrictSerializer, WholeNumber
from api.schemas_trials import ProofOut, ShadowOut, ShadowsOut, TrialOut, TrialsOut
from api.views import Creating, Endpoint
from merchants.policies import drafting
from merchants.policies.rules import read_rules
from merchants.rights import Act
from refunds.rules.exposure import Exposure, exposures
from refunds.rules.finding import Finding
from refunds.rules.proof import findings

_SHOWN = 50


class NewTrialSerializer(StrictSerializer):
    since = Instant()
    until = Instant(help_text="not part of it; the future is left out")


class NewShadowSerializer(StrictSerializer):
    days = WholeNumber(min_value=1, max_value=shadow.MOST_DAYS)


@dataclass(frozen=True, slots=True)
class _Proof:
    findings: tuple[Finding, ...]
    exposure: tuple[Exposure, ...]


@dataclass(frozen=True, slots=True)
class _Shadow:
    shadow: Shadow
    agreement: Agreement


class PolicyDraftProof(Endpoint):
    acts = {"GET": Act.DRAFT_POLICY}

    @schemas.operation("prove_policy_draft", ProofOut)
    def get(self, request: Request, draft_id: int) -> Response:
        """What is wrong with the draft's rules, and its exposure.

        Exposure: the most that could be paid out in a day without another person looking.
        """
        rules = read_rules(drafting.draft_of(draft_id=draft_id, by=self.caller.by).rules)
        return Response(ProofOut.of(_Proof(findings(rules), exposures(rules))))


class PolicyTrials(Creating):
    acts = {"GET": Act.DRAFT_POLICY, "POST": Act.DRAFT_POLICY}

    @schemas.operation("list_policy_trials", TrialsOut)
    def get(self, request: Request, draft_id: int) -> Response:
        """The draft's trials, the last one first."""
        draft = drafting.draft_of(draft_id=draft_id, by=self.caller.by)
        return Response({"results": [trial_json(one) for one in running.trials_of(draft)[:_SHOWN]]})

    @schemas.operation("start_policy_trial", TrialOut, takes=NewTrialSerializer, once=True)
    def post(self, request: Request, draft_id: int) -> Response:
        """Try the draft as it is now on a period; read it until its `state` is `done`. One of a merchant at a time."""
        data = self.read(NewTrialSerializer)
        return self.answer_once(
            request,
            lambda: trial_json(running.start(draft_id=draft_id, by=self.caller.by, at=timezone.now(), **data)),
        )


class PolicyTrialDetail(Endpoint):
    acts = {"GET": Act.DRAFT_POLICY}

    @schemas.operation("get_policy_trial", TrialOut)
    def get(self, request: Request, trial_id: int) -> Response:
        """How far it is, and its results once it is done."""
        return Response(trial_json(running.trial_of(trial_id=trial_id, by=self.caller.by)))


class CancelPolicyTrial(Endpoint):
    acts = {"POST": Act.DRAFT_POLICY}

    @schemas.operation("cancel_policy_trial", TrialOut)
    def post(self, request: Request, trial_id: int) -> Response:
        """Nobody wants its results any more."""
        return Response(trial_json(running.cancel(trial_id=trial_id, by=self.caller.by, at=timezone.now())))


class PolicyShadows(Creating):
    acts = {"GET": Act.DRAFT_POLICY, "POST": Act.DRAFT_POLICY}

    @schemas.operation("list_policy_shadows", ShadowsOut)
    def get(self, request: Request, draft_id: int) -> Response:
        """How the draft agreed with what was in force, the last time first."""
        draft = drafting.draft_of(draft_id=draft_id, by=self.caller.by)
        return Response({"results": [_shadow_json(one) for one in shadow.shadows_of(draft)[:_SHOWN]]})

    @schemas.operation("start_policy_shadow", ShadowOut, takes=NewShadowSerializer, once=True)
    def post(self, request: Request, draft_id: int) -> Response:
        """Let the draft judge beside what is in force for up to 14 days, without effect. One of a merchant at a time."""
        data = self.read(NewShadowSerializer)
        return self.answer_once(
            request,
            lambda: _shadow_json(shadow.start(draft_id=draft_id, by=self.caller.by, at=timezone.now(), **data)),
        )


class StopPolicyShadow(Endpoint):
    acts = {"POST": Act.DRAFT_POLICY}

    @schemas.operation("stop_policy_shadow", ShadowOut)
    def post(self, request: Request, shadow_id: int) -> Response:
        """End it before its time; what it said is kept."""
        return Response(_shadow_json(shadow.stop(shadow_id=shadow_id, by=self.caller.by, at=timezone.now())))


def trial_json(trial: Trial) -> dict[str, Any]:
    is_running = trial.running_since is not None and trial.ended_at is None
    return TrialOut.of(trial, seconds_left=running.left_s(trial, at=timezone.now()) if is_running else None)


def _shadow_json(found: Shadow) -> dict[str, Any]:
    return ShadowOut.of(_Shadow(found, shadow.agreement(found)))
