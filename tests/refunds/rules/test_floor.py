"""What the law gives, whatever the policy says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from merchants.policies.rules import ReasonRule, Rules, read_rules
from refunds.rules import floor
from refunds.rules.policy import Ruling, Verdict, judge
from refunds.states import Reason
from samples.demo import rules as sample
from tests.refunds.rules.test_policy import FACTS, NOW

_RULES = read_rules(sample.RETAIL)
_MEAN = replace(_RULES, reasons={"quality": ReasonRule("none", 10, 1, instant=True, min_share_percent=5)})


def _judge(rules: Rules, **changes: Any) -> Verdict:
    return judge(facts=replace(FACTS, **changes), rules=rules, policy_version=1)


@pytest.mark.parametrize("days", [0, 7])
def test_defective_goods_within_seven_days_go_back_whole_whatever_the_policy_says(days: int) -> None:
    verdict = _judge(_MEAN, amount_fen=9_000, paid_fen=9_000, refundable_fen=9_000, paid_at=NOW - timedelta(days=days))
    assert verdict.decision is Ruling.APPROVE
    assert verdict.max_amount_fen == 9_000
    assert "floor_defective" in {rule.code for rule in verdict.rules}


def test_defective_goods_on_day_eight_are_the_policys() -> None:
    verdict = _judge(_MEAN, paid_at=NOW - timedelta(days=8))
    assert verdict.max_amount_fen == 0
    failed = {rule.code for rule in verdict.rules if not rule.passed}
    assert {"filing_window", "reason_extent"} <= failed


def test_remote_sale_within_seven_days_needs_no_reason_but_for_excluded_groups() -> None:
    rules = replace(_RULES, reasons={}, excluded_groups=("fresh",))
    without_reason: dict[str, Any] = {"reason": Reason.NO_REASON, "remote": True}
    assert floor.statute(replace(FACTS, **without_reason), rules) is floor.REMOTE
    assert floor.statute(replace(FACTS, **without_reason, groups=("", "fresh")), rules) is None
    assert floor.statute(replace(FACTS, reason=Reason.NO_REASON), rules) is None
    verdict = _judge(rules, **without_reason)
    assert (verdict.decision, verdict.max_amount_fen) == (Ruling.REVIEW, FACTS.refundable_fen)
