"""A draft: its form, what it changes against the rules in force, and what may be done with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.access import Scope
from desk.policy_draft import form as forms
from desk.policy_draft.form import Form, Values
from desk.policy_proof.page import ExposureRow, FindingRow, exposure_rows, finding_rows, store_names
from merchants.models import PolicyDraft, PolicyRevision, PolicyVersion, Staff
from merchants.policies import drafting, versions
from merchants.policies.drafting import Written
from refunds.rules import in_words
from refunds.rules.in_words import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraftPage:
    """``can`` of those who look: publish (has not written it, or is alone), ask. ``meanwhile``: what a colleague saved while
    this person was writing; their text stands in the form, under the new revision. ``moved``: published since it was begun.
    """

    draft: PolicyDraft
    current: PolicyVersion
    form: Form
    changes: Sequence[Change]
    authors: Sequence[str]
    revisions: Sequence[PolicyRevision]
    colleagues: Sequence[Staff]
    scheduled: Sequence[PolicyVersion]
    moved: Sequence[Change]
    latest: PolicyVersion | None
    meanwhile: Sequence[Change]
    meanwhile_by: str
    is_mine: bool
    is_alone: bool
    can_publish: bool
    can_ask: bool
    nobody_left: bool
    error: str
    act_error: str
    act: Mapping[str, str]
    findings: Sequence[FindingRow]
    exposure: Sequence[ExposureRow]
    version_number: int


def policy_draft_page(
    *,
    scope: Scope,
    draft: PolicyDraft,
    at: datetime,
    values: Values | None = None,
    errors: Mapping[str, str] | None = None,
    error: str = "",
    act_error: str = "",
    act: Mapping[str, str] | None = None,
    meanwhile: Sequence[Change] = (),
) -> PolicyDraftPage:
    """``values`` are a form as typed, by default as it was saved; ``act`` what was typed into the acts beside it."""
    current = versions.in_force(merchant_id=draft.merchant_id, at=at)
    stored = written_of(draft)
    others = drafting.eligible(draft, besides=scope.staff.pk)
    alone = drafting.publishes_alone(draft, by=scope.by)
    changes = in_words.changes(current.rules, draft.rules, old_guides=current.guides, new_guides=draft.guides)
    latest = versions.of_merchant(merchant_id=draft.merchant_id)[0]
    is_mine = scope.staff.pk in draft.author_ids
    seen = versions.version_numbered(merchant_id=draft.merchant_id, number=draft.latest_number)
    moved = in_words.changes(seen.rules, latest.rules) if latest.pk != seen.pk else []
    is_ready = draft.is_open and bool(changes or draft.name != current.name)
    names = dict(Staff.objects.filter(pk__in=draft.author_ids).values_list("pk", "name"))
    stores = store_names(draft.merchant_id)
    return PolicyDraftPage(
        draft=draft,
        current=current,
        form=forms.form_of(
            forms.values_of(stored) if values is None else values,
            errors=errors or {},
            old=forms.values_of(Written(name=current.name, rules=current.rules, guides=current.guides)),
        ),
        changes=changes,
        authors=[names[pk] for pk in draft.author_ids],
        revisions=list(draft.revisions.select_related("saved_by").order_by("-number")[:20]),
        colleagues=others,
        scheduled=versions.scheduled(merchant_id=draft.merchant_id, at=at),
        moved=moved,
        latest=latest if latest.pk != seen.pk else None,
        meanwhile=meanwhile,
        meanwhile_by=draft.saved_by.name,
        is_mine=is_mine,
        is_alone=alone,
        can_publish=is_ready and (alone or (not is_mine and draft.state == "asked")),
        can_ask=is_ready and bool(others),
        nobody_left=is_ready and not others and is_mine and not alone,
        error=error,
        act_error=act_error,
        findings=finding_rows(draft.rules, stores=stores),
        exposure=exposure_rows(current.rules, draft.rules, stores=stores),
        version_number=current.number,
        act={"reason": "", "when": "", "effective_at": "", "colleague": ""} | (dict(act) if act else {}),
    )


def written_of(draft: PolicyDraft | PolicyRevision) -> Written:
    return Written(name=draft.name, rules=draft.rules, guides=draft.guides)
