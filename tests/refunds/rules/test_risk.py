"""What looks odd asks for a person, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from merchants.policies.rules import read_rules
from refunds.rules import explanations, risk
from refunds.rules.policy import Ruling, judge
from refunds.rules.standing import Standing
from samples.demo import rules as sample
from tests.refunds.rules.test_policy import FACTS, NOW

_WATCHED = read_rules(
    {
        **sample.RETAIL,
        "near_limit_count": 3,
        "soon_after_sale_minutes": 5,
        "same_destination_count": 3,
        "watch_opening_hours": True,
    }
)
_UNWATCHED = read_rules({**sample.RETAIL, "near_limit_count": None, "same_destination_count": None})
_SIGNALS = {"near_limit", "soon_after_sale", "opening_hours", "same_destination"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_fen": 9_000, "sums": Standing(near_limit_count=2)}, "near_limit"),
        ({"paid_at": NOW - timedelta(minutes=5)}, "soon_after_sale"),
        ({"store_open": False}, "opening_hours"),
        ({"sums": Standing(customer_orders=2)}, "same_destination"),
        ({"sums": Standing(customer_orders=3, order_fen=100)}, "same_destination"),
    ],
)
def test_signal_sends_a_small_simple_refund_to_a_person(changes: dict[str, Any], code: str) -> None:
    verdict = judge(facts=replace(FACTS, **changes), rules=_WATCHED, policy_version=1)
    (line,) = [rule for rule in verdict.rules if not rule.passed]
    assert (verdict.decision, line.code) == (Ruling.REVIEW, code)
    assert explanations.explain(verdict.as_json()["rules"][[r.code for r in verdict.rules].index(code)])
    unwatched = judge(facts=replace(FACTS, **changes), rules=_UNWATCHED, policy_version=1)
    assert unwatched.decision is Ruling.APPROVE


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_fen": 8_999, "sums": Standing(near_limit_count=9)},
        {"amount_fen": 9_000, "sums": Standing(near_limit_count=1)},
        {"paid_at": NOW - timedelta(minutes=5, seconds=1)},
        {"store_open": True},
        {"store_open": None},
        {"sums": Standing(customer_orders=2, order_fen=100)},
    ],
)
def test_what_is_not_odd_is_approved(changes: dict[str, Any]) -> None:
    verdict = judge(facts=replace(FACTS, **changes), rules=_WATCHED, policy_version=1)
    assert verdict.decision is Ruling.APPROVE


def test_what_is_not_watched_has_no_line() -> None:
    verdict = judge(facts=FACTS, rules=read_rules(sample.RETAIL), policy_version=1)
    assert not _SIGNALS & {rule.code for rule in verdict.rules}


@pytest.mark.parametrize(("amount_fen", "is_near"), [(89, False), (90, True), (100, True), (101, False)])
def test_near_is_from_ninety_percent_to_the_limit(amount_fen: int, is_near: bool) -> None:
    assert risk.is_near(amount_fen, 100) is is_near
