"""Drafts of the policy: begun, written by several, handed to a colleague, published with a second pair of eyes, rolled back.

A draft has no effect. Its ``revision`` is the lock between two writers: who saves upon another's save is told and changes
nothing. Every act is audited.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from core.audit.record import record_of
from core.errors import Conflict, FieldError, Invalid, existing
from merchants.models import DraftState, Merchant, PolicyDraft, PolicyRevision, PolicyVersion, Role, Staff, Store
from merchants.policies import fields, versions
from merchants.policies import guides as guide_texts
from merchants.policies.rules import PolicyInvalid, read_rules
from merchants.principals import Principal
from merchants.rights import Act, check_may


class DraftChanged(Conflict, code="draft_changed"):
    """Somebody else saved it since; ``facts`` has the revision it is at."""


class DraftClosed(Conflict, code="draft_closed"):
    """It was published or discarded."""


class PolicyMoved(Conflict, code="policy_moved"):
    """Another version was published since this draft was begun; ``facts`` has its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a writer saves. Why the policy changes is said when the draft is handed on."""

    name: str
    rules: Mapping[str, Any]
    guides: Mapping[str, Any]


def open_drafts(*, merchant_id: int) -> QuerySet[PolicyDraft]:
    """Those that are being written or wait for a colleague, the last saved first."""
    rows = PolicyDraft.objects.filter(merchant_id=merchant_id, state__in=(DraftState.OPEN, DraftState.ASKED))
    return rows.select_related("saved_by", "asked_by", "asked_of", "based_on").order_by("-saved_at", "-pk")


def waiting_for(by: Principal) -> QuerySet[PolicyDraft]:
    """Drafts that this person is asked to publish: by name, or as any of those who may and have not written it."""
    asked = Q(asked_of=by.staff_id) | (Q(asked_of=None) & ~Q(author_ids__contains=[by.staff_id or 0]))
    return open_drafts(merchant_id=by.acting_for).filter(asked, state=DraftState.ASKED)


def draft_of(*, draft_id: int, by: Principal) -> PolicyDraft:
    """A draft of their merchant's, for who writes or publishes. Raises ``NotFound`` or ``Forbidden``."""
    check_may(Act.DRAFT_POLICY, by=by)
    return _found(PolicyDraft.objects.select_related("saved_by", "asked_by", "asked_of", "based_on"), draft_id, by)


@transaction.atomic
def start(*, by: Principal, at: datetime, from_number: int | None = None) -> PolicyDraft:
    """A draft with the rules in force, or with those of an old version, which is how one rolls back: its rules are new again,
    and whoever brings them back is their author. Raises ``NotFound`` for a version that is not there.
    """
    check_may(Act.DRAFT_POLICY, by=by)
    staff_id = by.acting_staff
    current = versions.in_force(merchant_id=by.acting_for, at=at)
    base = current
    if from_number is not None:
        base = versions.version_numbered(merchant_id=by.acting_for, number=from_number)
    draft = PolicyDraft.objects.create(
        merchant_id=by.acting_for,
        name=base.name,
        rules=base.rules,
        guides=base.guides,
        based_on=base,
        latest_number=_latest_number(by.acting_for),
        rolled_back_to=base.number if base.pk != current.pk else None,
        author_ids=[staff_id] if base.pk != current.pk else [],
        started_by_id=staff_id,
        started_at=at,
        saved_by_id=staff_id,
        saved_at=at,
    )
    _keep_revision(draft)
    _record(draft, "policy.draft", by, at, based_on=base.number)
    return draft


@transaction.atomic
def write(*, draft_id: int, revision: int, written: Written, by: Principal, at: datetime) -> PolicyDraft:
    """Store what was written upon the ``revision`` that the writer had before them; a request to publish is taken back by it.

    Saving what stands there already changes nothing. Raises ``DraftChanged``, ``DraftClosed`` or ``Invalid``.
    """
    draft = _locked(draft_id, by)
    _check_revision(draft, revision)
    values: dict[str, Any] = {
        "name": written.name.strip()[:80],
        "rules": dict(written.rules),
        "guides": guide_texts.checked(written.guides),
    }
    if not values["name"]:
        raise Invalid("a policy needs a name", code="name_required")
    check_rules(values["rules"], merchant_id=draft.merchant_id)
    # What an old version says and nothing reads any more may stay.
    if misspelt := sorted(fields.unknown(values["rules"]) - fields.unknown(draft.rules)):
        errors = [FieldError(f"rules.{path}", "unknown_field") for path in misspelt]
        raise Invalid(f"there is no rule {misspelt[0]!r}", code="unknown_rule", errors=errors)
    changed = [name for name, value in values.items() if getattr(draft, name) != value]
    if not changed:
        return draft
    for name in changed:
        setattr(draft, name, values[name])
    staff_id = by.acting_staff
    draft.author_ids = sorted({*draft.author_ids, staff_id})
    draft.revision += 1
    draft.saved_by_id, draft.saved_at = staff_id, at
    _take_back(draft)
    draft.save()
    _keep_revision(draft)
    _record(draft, "policy.draft_save", by, at, changed=changed)
    return draft


@transaction.atomic
def catch_up(*, draft_id: int, revision: int, by: Principal, at: datetime) -> PolicyDraft:
    """Whoever writes has seen the versions that were published since; the rules of the draft stay as they are."""
    draft = _locked(draft_id, by)
    _check_revision(draft, revision)
    draft.latest_number = _latest_number(draft.merchant_id)
    _take_back(draft)
    draft.save()
    _record(draft, "policy.draft_catch_up", by, at, latest=draft.latest_number)
    return draft


@transaction.atomic
def ask(
    *,
    draft_id: int,
    revision: int,
    by: Principal,
    at: datetime,
    reason: str,
    colleague_id: int | None = None,
    effective_at: datetime | None = None,
) -> PolicyDraft:
    """Ask a colleague, or any who may and has not written it, to publish; ``effective_at`` None: as soon as they do.

    Raises ``DraftChanged``, ``DraftClosed``, ``PolicyMoved`` or ``Invalid``.
    """
    draft = _locked(draft_id, by)
    _check_revision(draft, revision)
    draft.reason, draft.effective_at = reason.strip()[:500], effective_at
    _check_ready(draft, at)
    others = versions.publishers(merchant_id=draft.merchant_id).exclude(pk__in=[*draft.author_ids, by.acting_staff])
    if (colleague_id is not None and not others.filter(pk=colleague_id).exists()) or not others.exists():
        raise Invalid("nobody of that kind may publish it", code="no_such_publisher")
    draft.state, draft.asked_at = DraftState.ASKED, at
    draft.asked_by_id, draft.asked_of_id = by.acting_staff, colleague_id
    draft.save()
    _record(draft, "policy.draft_ask", by, at, of=colleague_id)
    return draft


@transaction.atomic
def publish(
    *,
    draft_id: int,
    revision: int,
    by: Principal,
    at: datetime,
    says_alone: bool = False,
    reason: str | None = None,
    effective_at: datetime | None = None,
) -> PolicyVersion:
    """Put the draft in force, from the time it was handed over for or from now; who publishes has not written it.

    ``reason`` and ``effective_at`` are given by a person alone, who hands it to nobody. Raises ``DraftChanged``,
    ``DraftClosed``, ``PolicyMoved``, ``Forbidden`` or ``Invalid``.
    """
    check_may(Act.PUBLISH_POLICY, by=by)
    # Of two drafts that are published at once the second sees the first: the merchant comes before their drafts.
    Merchant.objects.select_for_update(no_key=True).get(pk=by.acting_for)
    draft = _locked(draft_id, by)
    _check_revision(draft, revision)
    if draft.state != DraftState.ASKED:
        if not publishes_alone(draft, by=by):
            raise Conflict("whoever wrote it has not handed it over", code="not_asked")
        draft.reason = draft.reason if reason is None else reason.strip()[:500]
        draft.effective_at = effective_at
    elif draft.effective_at is not None and draft.effective_at < at:
        # Nobody got round to it in time: from now on, never for requests that were judged already.
        draft.effective_at = None
    _check_ready(draft, at)
    version = versions.publish(
        merchant=draft.merchant,
        name=draft.name,
        rules=draft.rules,
        guides=draft.guides,
        reason=draft.reason,
        author_ids=draft.author_ids,
        says_alone=says_alone,
        by=by,
        at=at,
        effective_at=draft.effective_at,
        rolled_back_to=draft.rolled_back_to,
    )
    draft.state, draft.published = DraftState.PUBLISHED, version
    draft.save()
    return version


@transaction.atomic
def discard(*, draft_id: int, revision: int, by: Principal, at: datetime) -> None:
    """Put a draft away for good; it stays readable. Raises ``DraftChanged`` or ``DraftClosed``."""
    draft = _locked(draft_id, by)
    _check_revision(draft, revision)
    _take_back(draft)
    draft.state = DraftState.DISCARDED
    draft.save()
    _record(draft, "policy.draft_discard", by, at)


def check_rules(rules: Mapping[str, Any], *, merchant_id: int) -> None:
    """Raise ``Invalid`` for rules that cannot be read, or that name a role or a store that is not there."""
    try:
        read = read_rules(rules)
    except PolicyInvalid as error:
        raise Invalid(str(error), code="policy_invalid") from error
    named = {store for tier in read.tiers for store in tier.stores or ()}
    named |= {store for special in read.exceptions for store in special.stores or ()}
    known = set(Store.objects.filter(merchant_id=merchant_id, code__in=named).values_list("code", flat=True))
    roles = set().union(*(tier.roles for tier in read.tiers))
    if unknown := sorted((named - known) | (roles - set(Role.values))):
        raise Invalid(f"there is no store or role {unknown[0]!r}", code="policy_invalid")


def eligible(draft: PolicyDraft, *, besides: int | None = None) -> list[Staff]:
    """Who could publish it: they may, and have not written it; without the one who asks."""
    found = versions.publishers(merchant_id=draft.merchant_id).exclude(pk__in=draft.author_ids)
    return list(found.exclude(pk=besides) if besides else found)


def publishes_alone(draft: PolicyDraft, *, by: Principal) -> bool:
    """Whether nobody else of the merchant's may publish at all."""
    return not versions.publishers(merchant_id=draft.merchant_id).exclude(pk=by.acting_staff).exists()


def _check_ready(draft: PolicyDraft, at: datetime) -> None:
    if not draft.reason:
        raise Invalid("say why the policy changes", code="change_reason_required")
    if draft.effective_at is not None and draft.effective_at < at:
        raise Invalid("no rules come into force in the past", code="effective_in_past")
    latest = _latest_number(draft.merchant_id)
    if latest != draft.latest_number:
        raise PolicyMoved("another version was published since", latest=latest)
    check_rules(draft.rules, merchant_id=draft.merchant_id)
    current = versions.in_force(merchant_id=draft.merchant_id, at=draft.effective_at or at)
    if (draft.rules, draft.guides, draft.name) == (current.rules, current.guides, current.name):
        raise Invalid("the draft says what is in force", code="nothing_changed")


def _locked(draft_id: int, by: Principal) -> PolicyDraft:
    check_may(Act.DRAFT_POLICY, by=by)
    draft = _found(PolicyDraft.objects.select_for_update(of=("self",)), draft_id, by)
    if not draft.is_open:
        raise DraftClosed("the draft was published or discarded", state=draft.state)
    return draft


def _found(rows: QuerySet[PolicyDraft], draft_id: int, by: Principal) -> PolicyDraft:
    return existing(rows.filter(pk=draft_id, merchant_id=by.acting_for).first() if draft_id < 2**63 else None, "draft")


def _check_revision(draft: PolicyDraft, seen: int) -> None:
    if draft.revision != seen:
        raise DraftChanged("somebody saved the draft meanwhile", revision=draft.revision)


def _take_back(draft: PolicyDraft) -> None:
    draft.state, draft.asked_by, draft.asked_of, draft.asked_at = DraftState.OPEN, None, None, None


def _latest_number(merchant_id: int) -> int:
    return versions.of_merchant(merchant_id=merchant_id).values_list("number", flat=True)[0]


def _keep_revision(draft: PolicyDraft) -> None:
    PolicyRevision.objects.create(
        draft=draft,
        number=draft.revision,
        name=draft.name,
        rules=draft.rules,
        guides=draft.guides,
        saved_by_id=draft.saved_by_id,
        saved_at=draft.saved_at,
    )


def _record(draft: PolicyDraft, action: str, by: Principal, at: datetime, **data: Any) -> None:
    record_of(draft, by=by.actor, action=action, at=at, data={"revision": draft.revision, **data})
