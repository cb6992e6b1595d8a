"""What a trial comes to: who is decided otherwise, by how much, by which rule, and what that saves of people's time.

All of it is plain JSON, made once when the trial ends. Decisions are ``approve``, ``review`` and ``refuse``; a cell of the matrix
is "was > is". Minutes are of review: positive ones are saved.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from analytics.trials.past import Origin, judged_then
from analytics.trials.replay import Tried
from refunds.rules.policy import RuleResult, Ruling, Verdict

MODES = ("plain", "fed")
CUTS = ("store", "reason", "cashier", "month")
#: The largest cuts are kept, the rest only counted.
_MOST = 200


@dataclass(slots=True)
class Line:
    """Requests and fen of one cell or cut; ``saved``: a person need not look at them any more, ``added``: now they must."""

    requests: int = 0
    fen: int = 0
    changed: int = 0
    changed_fen: int = 0
    saved: int = 0
    added: int = 0

    def count(self, was: Ruling, now: Ruling, amount_fen: int) -> None:
        self.requests += 1
        self.fen += amount_fen
        if was is now:
            return
        self.changed += 1
        self.changed_fen += amount_fen
        self.saved += was is Ruling.REVIEW
        self.added += now is Ruling.REVIEW

    def as_json(self, minutes_each: float) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "fen": self.fen,
            "changed": self.changed,
            "changed_fen": self.changed_fen,
            "minutes": round((self.saved - self.added) * minutes_each),
        }


@dataclass(slots=True)
class _Mode:
    whole: Line = field(default_factory=Line)
    matrix: dict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    cuts: dict[str, dict[str, Line]] = field(default_factory=lambda: {cut: defaultdict(Line) for cut in CUTS})
    rules: Counter[str] = field(default_factory=Counter)


class Tally:
    """Counts as the replay goes on."""

    def __init__(self) -> None:
        self.not_judgeable = 0
        self._modes = {mode: _Mode() for mode in MODES}

    def add(self, tried: Tried, origin: Origin, changed_by: dict[str, str]) -> None:
        """``changed_by``: by mode, the line that changed it."""
        amount, was = tried.past.facts.amount_fen, tried.past.was
        for mode, verdict in (("plain", tried.plain), ("fed", tried.fed)):
            counted, now = self._modes[mode], verdict.decision
            counted.whole.count(was, now, amount)
            counted.matrix[f"{was.value} > {now.value}"].count(was, now, amount)
            for cut in CUTS:
                counted.cuts[cut][getattr(origin, cut)].count(was, now, amount)
            if now is not was:
                counted.rules[changed_by[mode]] += 1

    def as_json(self, *, minutes_each: float) -> dict[str, Any]:
        return {
            "not_judgeable": self.not_judgeable,
            "minutes_each": round(minutes_each, 1),
            **{mode: self._mode(counted, minutes_each) for mode, counted in self._modes.items()},
        }

    def _mode(self, counted: _Mode, minutes_each: float) -> dict[str, Any]:
        return {
            **counted.whole.as_json(minutes_each),
            "matrix": {cell: line.as_json(minutes_each) for cell, line in sorted(counted.matrix.items())},
            "rules": dict(counted.rules.most_common()),
            "cuts": {
                cut: [
                    {"name": name, **line.as_json(minutes_each)}
                    for name, line in sorted(lines.items(), key=lambda item: (-item[1].changed, -item[1].fen, item[0]))
                ][:_MOST]
                for cut, lines in counted.cuts.items()
            },
        }


def changed_by(tried: Tried, origin: Origin) -> dict[str, str]:
    """By mode, the line that changed the decision; "" where it did not change."""
    if not tried.is_changed:
        return dict.fromkeys(MODES, "")
    then = judged_then(tried.past.facts, origin.version_id)
    return {
        mode: _by(then, verdict) if verdict.decision is not tried.past.was else ""
        for mode, verdict in (("plain", tried.plain), ("fed", tried.fed))
    }


def _by(then: Verdict, now: Verdict) -> str:
    """The first line that stands against it now and did not then, hard ones first; or the one that stood against it then."""
    before, after = _against(then), _against(now)
    new = [line for line in after if line.code not in {one.code for one in before}]
    gone = [line for line in before if line.code not in {one.code for one in after}]
    found = sorted(
        new if list(Ruling).index(now.decision) > list(Ruling).index(then.decision) else gone, key=_hard_first
    )
    return (found or sorted([*new, *gone], key=_hard_first) or after or before)[0].code if before or after else ""


def _against(verdict: Verdict) -> list[RuleResult]:
    return [line for line in verdict.rules if not line.passed]


def _hard_first(line: RuleResult) -> bool:
    return not line.hard
