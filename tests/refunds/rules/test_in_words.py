"""A policy in words, and what one version changes against another."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from core.errors import Invalid
from merchants.policies import fields
from merchants.policies.rules import read_rules
from refunds.rules import in_words
from refunds.rules.policy import KIND_OF_REASON
from refunds.states import Reason
from samples.demo import rules as sample
from tests.factories import RULES


def _told(changes: list[in_words.Change]) -> list[tuple[str, str, str, str]]:
    return [(one.where, one.label, one.before, one.after) for one in changes]


@pytest.fixture(autouse=True)
def _english() -> Any:
    with translation.override("en"):
        yield


def test_every_field_of_the_policy_is_shown_in_a_group() -> None:
    grouped = {name for _, _, names in in_words.GROUPS for name in names}
    assert grouped == {one.name for one in fields.POLICY}
    assert set(KIND_OF_REASON.values()) <= set(in_words.KINDS)


@pytest.mark.parametrize("rules", [RULES, sample.RESTAURANT, sample.RETAIL])
def test_sections_say_every_reason_and_tier(rules: dict[str, Any]) -> None:
    sections = {section.name: section for section in in_words.sections(rules)}
    assert [line.label for line in sections["reasons"].lines] == [str(reason.label) for reason in Reason]
    assert len(sections["tiers"].lines) == len(rules["tiers"]) + 2
    assert all(line.words for section in sections.values() for line in section.lines)
    # What the policy does not use is told apart.
    assert "no limit" in {line.words for line in sections["limits"].left_open}


def test_what_the_law_gives_beyond_a_rule_is_said_with_it() -> None:
    short = {code: {**sample.RETAIL["reasons"][code], "window_days": 3} for code in (Reason.NO_REASON, Reason.QUALITY)}

    def words(rules: dict[str, Any], reason: Reason) -> str:
        sections = {section.name: section for section in in_words.sections(rules)}
        return next(line.words for line in sections["reasons"].lines if line.label == str(reason.label))

    told = {**sample.RETAIL, "reasons": {**sample.RETAIL["reasons"], **short}}
    assert words(told, Reason.NO_REASON).endswith("within 3 days; sold at a distance, by law: within 7 days")
    assert words(told, Reason.QUALITY).endswith("within 3 days; by law all of it, within 7 days")
    assert "law" not in words(sample.RETAIL, Reason.NO_REASON) + words(sample.RETAIL, Reason.QUALITY)


def test_a_raised_limit_is_one_change_in_yuan() -> None:
    new = {**RULES, "auto_approve_limit_fen": 15_000}
    assert _told(in_words.changes(RULES, new)) == [("", "Approved without a person up to", "¥200.00", "¥150.00")]


def test_what_is_left_out_and_its_default_are_the_same() -> None:
    written = {**RULES, "auto_cashier_day_count": 10, "watch_splitting": True, "exceptions": [], "tranche_fen": None}
    assert in_words.changes(RULES, written) == []
    assert in_words.changes({**RULES, "routes": ["original", "cash"]}, {**RULES, "routes": ["cash", "original"]}) == []


def test_changes_name_the_reason_tier_exception_and_route() -> None:
    quality = {**RULES["reasons"]["quality"], "window_days": 30}
    new = {
        **RULES,
        "reasons": {"quality": quality, "no_reason": {**quality, "instant": False}},
        "exceptions": [{"stores": ["S001"], "reasons": ["quality"], "instant": False}],
        "tiers": [{**RULES["tiers"][0], "limit_fen": 50_000}, RULES["tiers"][1]],
        "route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 20_000}},
    }
    told = _told(in_words.changes(RULES, new))
    assert ("Quality problem", "Asked for within", "7 days", "30 days") in told
    no_rule = "no rule: a person decides"
    assert (
        "Changed their mind",
        "Rule",
        no_rule,
        "all or part of the amount, within 30 days, a person decides",
    ) in told
    assert ("Goodwill", "Rule") in [one[:2] for one in told if one[3] == no_rule]
    assert ("S001 · Quality problem", "Rule", "no exception", "Simple: needs no person: no") in told
    assert ("Store tier", "Decides up to", "¥1,000.00", "¥500.00") in told
    assert ("Route", "Cash", "paid with: Cash; up to ¥1,000.00", "paid with: Cash; up to ¥200.00") in told
    back = _told(in_words.changes(new, RULES))
    assert len(back) == len(told)


def test_guides_that_differ_are_told_by_kind_and_language() -> None:
    (change,) = in_words.changes(RULES, RULES, old_guides={}, new_guides={"deposit": {"zh": "核对条款"}})
    assert (change.where, change.label, change.after) == ("Guide: Deposit", "Chinese", "核对条款")


def test_reason_in_words_says_evidence_goods_and_its_own_limit() -> None:
    data = {
        **RULES["reasons"]["service_failure"],
        "auto_approve_limit_fen": 3_000,
        "goods_required": True,
        "evidence_required": ["photo", "receipt"],
        "min_share_percent": 10,
    }
    rule = read_rules({**RULES, "reasons": {"service_failure": data}}).reasons["service_failure"]
    assert in_words.reason_words(rule) == (
        "part of the amount, from 10%, up to 50%, within 7 days, without a person up to ¥30.00, "
        "the goods come back first, evidence: photo, receipt"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"reasons": {"whim": RULES["reasons"]["quality"]}},
        {"routes": ["pigeon"]},
        {"route_rules": {"cash": {"fundings": ["gold"], "limit_fen": None}}},
        {"exceptions": [{"reasons": ["whim"], "instant": False}]},
    ],
)
def test_names_that_nobody_knows_are_refused(wrong: dict[str, Any]) -> None:
    in_words.check_names(sample.RETAIL)
    with pytest.raises(Invalid) as refusal:
        in_words.check_names({**RULES, **wrong})
    assert refusal.value.code == "policy_invalid"
