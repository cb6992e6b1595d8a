"""What a trial comes to, counted by hand."""

from __future__ import annotations

import random
from dataclasses import replace

from analytics.trials.past import Origin
from analytics.trials.replay import Tried
from analytics.trials.tally import Line, Tally
from refunds.rules.policy import Ruling, Verdict, judge
from tests.analytics.trials import oracle

_DICE = random.Random(1)
_PAST = oracle.random_pasts(_DICE, 1)[0]
_ORIGIN = Origin(store="S1", reason="quality", cashier="", month="2026-03", version_id=1)


def _verdict(decision: Ruling) -> Verdict:
    verdict = judge(facts=_PAST.facts, rules=oracle.random_rules(random.Random(1)), policy_version=0)
    return replace(verdict, decision=decision)


def test_line_when_counted_knows_what_people_are_spared() -> None:
    line = Line()
    for was, now in ((Ruling.REVIEW, Ruling.APPROVE), (Ruling.APPROVE, Ruling.REVIEW), (Ruling.REVIEW, Ruling.REFUSE)):
        line.count(was, now, 100)
    line.count(Ruling.APPROVE, Ruling.APPROVE, 50)

    assert line.as_json(3.0) == {"requests": 4, "fen": 350, "changed": 3, "changed_fen": 300, "minutes": 3}


def test_tally_when_decisions_change_counts_both_modes_apart() -> None:
    tally, amount = Tally(), _PAST.facts.amount_fen
    past = replace(_PAST, was=Ruling.REVIEW)
    tried = Tried(past, _verdict(Ruling.APPROVE), _verdict(Ruling.REVIEW), past.facts)
    tally.add(tried, _ORIGIN, {"plain": "auto_approve_limit", "fed": ""})

    told = tally.as_json(minutes_each=2.0)

    assert (told["plain"]["changed"], told["plain"]["changed_fen"], told["plain"]["minutes"]) == (1, amount, 2)
    assert told["plain"]["rules"] == {"auto_approve_limit": 1}
    assert list(told["plain"]["matrix"]) == ["review > approve"]
    assert (told["fed"]["changed"], told["fed"]["rules"]) == (0, {})
    assert told["fed"]["cuts"]["store"] == [
        {"name": "S1", "requests": 1, "fen": amount, "changed": 0, "changed_fen": 0, "minutes": 0}
    ]
