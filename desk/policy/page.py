"""The policy in force and all that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language

from core.errors import NotFound
from desk.access import Scope
from desk.filters import Choice
from merchants import channel_rules, channels
from merchants.models import ChannelRuleChange, PolicyDraft, PolicyVersion, Staff
from merchants.policies import drafting, guides, reviewing, versions
from merchants.policies.reviewing import Standing
from merchants.rights import Act
from refunds.rules import in_words
from refunds.rules.in_words import Section

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class VersionRow:
    """``stand`` is in_force, scheduled, past, or never (another took its place before its time came)."""

    version: PolicyVersion
    stand: str
    authors: Sequence[str]


@dataclass(frozen=True, slots=True)
class GuideCard:
    kind: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A change at a channel; ``seen`` by the one who looks."""

    row: ChannelRuleChange
    channel_label: str
    seen: bool
    readers: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPage:
    """Without a ``version`` there is no policy yet. ``waiting`` are the drafts that this person is asked to publish."""

    version: PolicyVersion | None
    sections: Sequence[Section]
    authors: Sequence[str]
    scheduled: Sequence[PolicyVersion]
    history: Sequence[VersionRow]
    drafts: Sequence[PolicyDraft]
    waiting: frozenset[int]
    review: Standing | None
    guides: Sequence[GuideCard]
    changes: Sequence[RuleChange]
    channels: Sequence[Choice]
    may_draft: bool
    may_review: bool
    may_add: bool
    form_error: str
    typed: dict[str, str]


def policy_page(*, scope: Scope, at: datetime, form_error: str = "", typed: dict[str, str] | None = None) -> PolicyPage:
    merchant_id = scope.staff.merchant_id
    try:
        version = versions.in_force(merchant_id=merchant_id, at=at)
    except NotFound:
        version = None
    may_draft = scope.may(Act.DRAFT_POLICY)
    history = history_of(merchant_id=merchant_id, at=at) if version else []
    return PolicyPage(
        version=version,
        sections=in_words.sections(version.rules) if version else (),
        authors=next((row.authors for row in history if version and row.version.pk == version.pk), ()),
        scheduled=versions.scheduled(merchant_id=merchant_id, at=at),
        history=history[:_SHOWN],
        drafts=list(drafting.open_drafts(merchant_id=merchant_id)) if may_draft else (),
        waiting=frozenset(drafting.waiting_for(scope.by).values_list("pk", flat=True)) if may_draft else frozenset(),
        review=reviewing.standing(merchant_id=merchant_id, at=at) if version else None,
        guides=_guides(version) if version else (),
        changes=_changes(scope),
        channels=[Choice(code, channels.label(code)) for code in sorted(channels.known())],
        may_draft=may_draft,
        may_review=scope.may(Act.REVIEW_POLICY),
        may_add=scope.may(Act.ADD_CHANNEL_RULE),
        form_error=form_error,
        typed={"channel": "", "effective_date": "", "text": "", "source": ""} | (typed or {}),
    )


def history_of(*, merchant_id: int, at: datetime) -> list[VersionRow]:
    """Every version, the newest first, with the names of those who wrote it."""
    rows = list(versions.of_merchant(merchant_id=merchant_id))
    ids = {pk for row in rows for pk in row.author_ids}
    names = dict(Staff.objects.filter(merchant_id=merchant_id, pk__in=ids).values_list("pk", "name"))
    now = max((row for row in rows if row.effective_from <= at), key=_place, default=None)
    return [
        VersionRow(row, _stand(row, now, rows, at), [names[pk] for pk in row.author_ids if pk in names]) for row in rows
    ]


def _place(version: PolicyVersion) -> tuple[datetime, int]:
    return version.effective_from, version.number


def _stand(row: PolicyVersion, now: PolicyVersion | None, rows: Sequence[PolicyVersion], at: datetime) -> str:
    if now is not None and row.pk == now.pk:
        return "in_force"
    replaced = any(one.effective_from == row.effective_from and one.number > row.number for one in rows)
    if replaced:
        return "never"
    return "scheduled" if row.effective_from > at else "past"


def _guides(version: PolicyVersion) -> list[GuideCard]:
    language = get_language() or ""
    told = [
        GuideCard(kind, str(label), guides.text_of(version.guides, kind, language=language))
        for kind, label in in_words.KINDS.items()
    ]
    return [card for card in told if card.text]


def _changes(scope: Scope) -> list[RuleChange]:
    found = []
    for row in channel_rules.changes_of(merchant_id=scope.staff.merchant_id)[:_SHOWN]:
        readings = list(row.readings.all())
        found.append(
            RuleChange(
                row,
                channels.label(row.channel),
                any(one.staff_id == scope.staff.pk for one in readings),
                sorted(one.staff.name for one in readings),
            )
        )
    return found
