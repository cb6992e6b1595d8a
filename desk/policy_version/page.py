"""One version in words, against the one before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import existing
from desk.access import Scope
from desk.policy.page import VersionRow, history_of
from merchants.rights import Act
from refunds.rules import in_words
from refunds.rules.in_words import Change, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionPage:
    """``before`` is the version that ``changes`` are against; None for the first."""

    row: VersionRow
    before: VersionRow | None
    changes: Sequence[Change]
    sections: Sequence[Section]
    may_draft: bool


def policy_version_page(*, scope: Scope, number: int, at: datetime) -> PolicyVersionPage:
    """Raises ``NotFound``."""
    history = history_of(merchant_id=scope.staff.merchant_id, at=at)
    row = existing(next((one for one in history if one.version.number == number), None), "version")
    before = next((one for one in history if one.version.number < number), None)
    return PolicyVersionPage(
        row=row,
        before=before,
        changes=in_words.changes(
            before.version.rules,
            row.version.rules,
            old_guides=before.version.guides,
            new_guides=row.version.guides,
        )
        if before
        else (),
        sections=in_words.sections(row.version.rules),
        may_draft=scope.may(Act.DRAFT_POLICY),
    )
