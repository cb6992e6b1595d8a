"""The replay says what a look at everything that came before says, for any draft, in both ways of reading the past."""

from __future__ import annotations

import os
import random

import pytest

from analytics.trials.replay import replayed
from refunds.rules.policy import Ruling
from tests.analytics.trials import oracle

#: ``make trial-oracle`` asks for more of both.
FIRST = int(os.environ.get("ORACLE_SEED", "0"))
DRAFTS = int(os.environ.get("ORACLE_DRAFTS", "12"))
REQUESTS = int(os.environ.get("ORACLE_REQUESTS", "120"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + DRAFTS))
def test_replayed_when_draft_is_any_agrees_with_brute_force(seed: int) -> None:
    dice = random.Random(seed)
    pasts, rules = oracle.random_pasts(dice, REQUESTS), oracle.random_rules(dice)

    tried = [(one.plain, one.fed) for one in replayed(pasts=pasts, rules=rules)]

    # Whole verdicts: what it comes to, who decides and every line, with the sums that it shows.
    assert tried == oracle.verdicts(pasts, rules)


def test_dice_when_thrown_often_reach_every_change_and_feedback() -> None:
    """The comparison above would prove little if nothing ever changed."""
    dice = random.Random(7)
    seen = [
        one
        for _ in range(10)
        for one in replayed(pasts=oracle.random_pasts(dice, 100), rules=oracle.random_rules(dice))
    ]
    assert {one.fed.decision for one in seen if one.plain.decision is not one.fed.decision} >= {
        Ruling.APPROVE,
        Ruling.REVIEW,
    }
    assert {(one.past.was, one.fed.decision) for one in seen} >= {
        (was, now) for was in (Ruling.APPROVE, Ruling.REVIEW) for now in Ruling
    }
