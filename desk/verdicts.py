"""A stored verdict in the reader's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.utils.translation import get_language, gettext, ngettext

from core.plain_text import sentences
from merchants import policies
from merchants.policies import guides
from refunds.models import RefundRequest
from refunds.rules import explanations
from refunds.states import UNDECIDED

#: Lines that stand open even when they passed: what a reviewer looks at first.
_TELLING = frozenset({"refundable_balance", "filing_window", "reason_share"})
_TONES = {"approve": "ok", "review": "warn", "refuse": "bad"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a verdict: its ``outcome`` is pass, flag or fail; its evidence is at ``url``, where that is a page."""

    label: str
    outcome: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleList:
    """``brief`` has the lines that stand open, ``rest`` those folded away."""

    brief: Sequence[Rule]
    rest: Sequence[Rule]

    @property
    def rest_label(self) -> str:
        n = len(self.rest)
        return ngettext("%(n)s more rule passed", "%(n)s more rules passed", n) % {"n": n}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCard:
    """``guide``: what to do, by the version that judged."""

    title: str
    summary: str
    policy_label: str
    decided_at: datetime
    tone: str
    rules: RuleList
    guide: str

    @property
    def icon(self) -> str:
        return {"ok": "circle-check", "bad": "shield-alert"}.get(self.tone, "user-search")


def tier_level(request: RefundRequest) -> int:
    """1 for the lowest tier of the policy that judged it."""
    tiers = policies.rules_of(request.policy_version_id).tiers_in("")
    return next((level for level, tier in enumerate(tiers, 1) if tier.name == request.tier), 1)


def tone(decision: str) -> str:
    return _TONES.get(decision, "warn")


def title(decision: str) -> str:
    return {
        "approve": gettext("Approved by the policy"),
        "review": gettext("A person must decide"),
        "refuse": gettext("Against a hard limit"),
    }.get(decision, decision)


def summary(rules: Sequence[Mapping[str, Any]]) -> str:
    """How many lines did not pass, and what the first of them says."""
    failed = [rule for rule in rules if not rule["passed"]]
    if not failed:
        return gettext("All %(n)s rules passed.") % {"n": len(rules)}
    counted = ngettext("%(n)s of %(all)s rules did not pass.", "%(n)s of %(all)s rules did not pass.", len(failed))
    return sentences(counted % {"n": len(failed), "all": len(rules)}, explanations.explain(failed[0]))


def gravest(rules: Sequence[Mapping[str, Any]]) -> str:
    """What the rule says that weighs most of those that did not pass, in a sentence; "" where all passed."""
    failed = sorted((rule for rule in rules if not rule["passed"]), key=lambda rule: not rule["hard"])
    return explanations.explain(failed[0]) if failed else ""


def why(rules: Sequence[Mapping[str, Any]]) -> str:
    """What made it wait for a person, in a few words: the first rule that did not pass, and how many more there are."""
    failed = [explanations.label(rule["code"]) for rule in rules if not rule["passed"]]
    if not failed:
        return ""
    more = len(failed) - 1
    return gettext("%(rule)s and %(n)s more") % {"rule": failed[0], "n": more} if more else failed[0]


def lines(rules: Sequence[Mapping[str, Any]], *, urls: Mapping[str, str] = MappingProxyType({})) -> list[Rule]:
    """The verdict line by line, those that did not pass first. ``urls``: where the evidence is, by code."""
    ordered = sorted(rules, key=lambda rule: bool(rule["passed"]))
    return [
        Rule(explanations.label(code := rule["code"]), _outcome(rule), explanations.shown(rule), urls.get(code, ""))
        for rule in ordered
    ]


def folded(rules: Sequence[Mapping[str, Any]], *, urls: Mapping[str, str] = MappingProxyType({})) -> RuleList:
    """The lines with those that tell nothing folded away; ``urls`` as for ``lines``."""
    return RuleList(
        brief=lines([rule for rule in rules if _is_telling(rule)], urls=urls),
        rest=lines([rule for rule in rules if not _is_telling(rule)]),
    )


def shown(request: RefundRequest, *, urls: Mapping[str, str] = MappingProxyType({})) -> VerdictCard:
    """The verdict card, quiet once it is decided. ``request`` comes with its policy version; ``urls`` as for ``lines``."""
    stored, version = request.verdict, request.policy_version
    return VerdictCard(
        title=title(stored["decision"]),
        summary=summary(stored["rules"]),
        policy_label=gettext("%(name)s v%(number)s") % {"name": version.name, "number": version.number},
        decided_at=request.created_at,
        tone=tone(stored["decision"]) if request.state in UNDECIDED else "mute",
        rules=folded(stored["rules"], urls=urls),
        guide=guides.text_of(version.guides, request.kind, language=get_language() or ""),
    )


def _is_telling(rule: Mapping[str, Any]) -> bool:
    return not rule["passed"] or rule["code"] in _TELLING


def _outcome(rule: Mapping[str, Any]) -> str:
    if rule["passed"]:
        return "pass"
    return "fail" if rule["hard"] else "flag"
