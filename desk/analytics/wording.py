"""How the analytics page writes figures, changes and findings."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from analytics.anomalies import Finding
from core.money import yuan_grouped
from desk.templatetags.desk_format import NOTHING, seconds, stopwatch
from refunds.states import Reason

#: Reasons that a till or its line can be the cause of.
_TECHNICAL = frozenset({Reason.DUPLICATE_CHARGE, Reason.SYSTEM_FAULT, Reason.NETWORK_FAULT})


@dataclass(frozen=True, slots=True)
class Change:
    """``direction`` is up, down or flat; ``tone`` is good, worse or "" where neither can be said."""

    text: str
    direction: str
    tone: str


def percent(value: float | None, digits: int = 1) -> str:
    """A ratio as per cent: ``0.624`` -> ``62.4%``."""
    return NOTHING if value is None else f"{value * 100:.{digits}f}%"


def yuan(fen: int) -> str:
    return f"¥{yuan_grouped(fen)}"


def duration(value_s: float | None) -> str:
    """A clock up to an hour, words beyond."""
    return stopwatch(value_s) if value_s is None or value_s < 3600 else seconds(value_s)


def whole(count: int) -> str:
    return f"{count:,}"


def change(
    now: float | None, before: float | None, *, more_is_better: bool, floor: float, words: Callable[[float], str]
) -> Change:
    """How a figure moved, by ``words`` of the size of it. Below ``floor`` nothing moved that would show."""
    if now is None or before is None:
        return Change(NOTHING, "flat", "")
    moved = now - before
    if abs(moved) < floor:
        return Change(gettext("unchanged"), "flat", "")
    good = (moved > 0) == more_is_better
    return Change(words(abs(moved)), "up" if moved > 0 else "down", "good" if good else "worse")


def points(digits: int) -> Callable[[float], str]:
    """Words for a change of a ratio, in percentage points."""
    return lambda moved: gettext("%(points)s pts") % {"points": f"{moved * 100:.{digits}f}"}


def finding_sentences(finding: Finding, *, store_name: str) -> tuple[str, str, str]:
    """The finding itself, what lies behind it, and the words of the link."""
    reason = str(Reason(finding.reason).label) if finding.reason else ""
    facts = {
        "store": store_name,
        "reason": reason,
        "rate": percent(finding.rate, 2),
        "baseline": percent(finding.baseline, 2),
        "share": percent(finding.reason_share, 0),
        "till": finding.terminal,
    }
    if finding.reason_share is not None or not finding.reason:
        strong = gettext("%(store)s refunds %(rate)s of its sales; all stores together %(baseline)s.") % facts
        behind = _behind_store(finding) % facts
    else:
        strong = (
            gettext('"%(reason)s" makes %(rate)s of all sales come back; in the period before it was %(baseline)s.')
            % facts
        )
        behind = _behind_reason(finding) % facts
    if finding.reason in _TECHNICAL and finding.terminal:
        check = gettext("Check that till and its network.")
        behind = f"{behind} {check}"
    link = ngettext("Show %(count)s refund", "Show %(count)s refunds", finding.count) % {"count": finding.count}
    return strong, behind, link


def _behind_store(finding: Finding) -> str:
    if finding.reason and finding.terminal:
        return gettext('%(share)s of them are for "%(reason)s", most of those at till %(till)s.')
    if finding.reason:
        return gettext('%(share)s of them are for "%(reason)s".')
    return gettext("Most of them come from till %(till)s.") if finding.terminal else ""


def _behind_reason(finding: Finding) -> str:
    if finding.store_id is not None and finding.terminal:
        return gettext("Most of them come from %(store)s, till %(till)s.")
    if finding.store_id is not None:
        return gettext("Most of them come from %(store)s.")
    return gettext("Most of them come from till %(till)s.") if finding.terminal else ""
