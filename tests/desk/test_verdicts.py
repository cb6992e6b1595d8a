"""A verdict in the reader's words."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from desk import verdicts
from tests.factories import make_merchant, make_request, make_sale


def _rule(code: str, *, passed: bool, hard: bool = False) -> dict[str, Any]:
    return {"code": code, "passed": passed, "hard": hard, "actual": "1", "limit": "2"}


RULES = [
    _rule("refundable_balance", passed=True),
    _rule("auto_approve_limit", passed=False),
    _rule("terminal_enabled", passed=False, hard=True),
]


def test_lines_when_some_did_not_pass_have_those_first_and_hard_ones_failed() -> None:
    assert [line.outcome for line in verdicts.lines(RULES)] == ["flag", "fail", "pass"]


def test_summary_and_why_when_some_did_not_pass_name_the_first_and_count_the_rest() -> None:
    with translation.override("en"):
        assert verdicts.summary(RULES).startswith("2 of 3 rules did not pass.")
        assert verdicts.why(RULES).endswith("and 1 more")
        assert verdicts.summary(RULES[:1]) == "All 1 rules passed."
    assert verdicts.why(RULES[:1]) == ""


def test_tone_and_title_when_the_decision_is_of_another_day_are_still_said() -> None:
    assert [verdicts.tone(one) for one in ("approve", "review", "refuse", "later")] == ["ok", "warn", "bad", "warn"]
    assert verdicts.title("later") == "later"


@pytest.mark.django_db
def test_card_when_it_is_decided_is_quiet_and_while_it_waits_is_not() -> None:
    merchant = make_merchant()
    waiting = verdicts.shown(make_request(make_sale(merchant, 40_000), 30_000))
    decided = verdicts.shown(make_request(make_sale(merchant), 1_200))
    assert (waiting.tone, waiting.icon) == ("warn", "user-search")
    assert decided.tone == "mute"
    assert {line.outcome for line in decided.rules.rest} <= {"pass"}
    assert any(line.outcome != "pass" for line in waiting.rules.brief)
