"""A policy tells finitely many kinds of requests apart, whatever it names."""

from __future__ import annotations

from merchants.policies.rules import read_rules
from refunds.rules.cases import Case, Cases, judged
from refunds.rules.policy import Ruling
from refunds.states import Reason
from samples.demo import rules as sample

RULES = read_rules(
    {
        **sample.RETAIL,
        "exceptions": [
            {"stores": ["S1", "S2", "S3"], "window_days": 9},
            {"stores": ["S3"], "groups": ["wine", "beer"], "window_days": 12},
        ],
    }
)


def test_cases_when_stores_are_named_by_the_same_rules_know_one_of_them() -> None:
    cases = Cases(RULES)
    assert len(cases.stores) == 3
    assert cases.groups[0] == ""
    assert len(cases.groups) == 2
    assert len(cases.all) == 3 * 2 * len(Reason.values)
    assert cases.stands_for("S1") == cases.stands_for("S2") != cases.stands_for("S3")
    assert cases.stands_for("anything else") == ""


def test_judged_when_nothing_speaks_against_it_is_approved_up_to_the_limit() -> None:
    cases, case = Cases(RULES), Case("", "", Reason.PRICE_ADJUSTMENT)
    rule = cases.rule_of[case]
    assert rule is not None
    for more, ruling in ((0, Ruling.APPROVE), (1, Ruling.REVIEW)):
        example = cases.example(RULES.auto_approve_limit_fen + more, case, rule)
        assert judged(RULES, rule, example).decision is ruling
