"""Rules as they are read from JSON."""

from __future__ import annotations

import pytest

from merchants.policies.rules import PolicyInvalid, read_rules
from tests.factories import RULES


@pytest.mark.parametrize(
    "broken",
    [
        {"auto_approve_limit_fen": -1},
        {"auto_approve_limit_fen": True},
        {"auto_approve_limit_fen": 1.5},
        {"auto_approve_limit_fen": "100"},
        {"handling_minutes": 0},
        {"tiers": []},
        {"tiers": [{"name": "a", "limit_fen": 1, "roles": []}]},
        {"tiers": [{"name": "a", "limit_fen": None, "roles": []}, {"name": "b", "limit_fen": None, "roles": []}]},
        {
            "tiers": [
                {"name": "a", "limit_fen": 5, "roles": []},
                {"name": "b", "limit_fen": 4, "roles": []},
                {"name": "c", "limit_fen": None, "roles": []},
            ]
        },
        {"reasons": {"quality": {"extent": "some", "max_share_percent": 1, "window_days": 1, "instant": True}}},
        {"reasons": {"quality": {"extent": "any", "max_share_percent": 101, "window_days": 1, "instant": True}}},
        {"reasons": {"quality": {"extent": "any", "max_share_percent": 9, "window_days": 1, "instant": "false"}}},
        {"reasons": {"quality": {}}},
        {"reasons": None},
        {"routes": None},
        {"route_rules": None},
        {"route_rules": {"cash": {}}},
        {"route_rules": {"cash": {"fundings": "cash", "limit_fen": 1}}},
        {"route_rules": {"cash": {"fundings": [1], "limit_fen": 1}}},
        {"route_rules": {"cash": {"fundings": None, "limit_fen": 0}}},
        {"route_rules": {"cash": {"fundings": None, "limit_fen": "100"}}},
    ],
)
def test_rules_that_make_no_sense_are_not_taken(broken: dict[str, object]) -> None:
    with pytest.raises(PolicyInvalid):
        read_rules({**RULES, **broken})


_NONE = {"extent": "none"}


@pytest.mark.parametrize(
    "broken",
    [
        {"exceptions": [_NONE]},
        {"exceptions": [{"stores": "S001", **_NONE}]},
        {"exceptions": [{"stores": ["S001"], "extent": "some"}]},
        {"exceptions": [{"stores": ["S001"], "evidence_required": ["oath"]}]},
        {"four_eyes_above_fen": -1},
        {"watch_splitting": 1},
        {"tiers": [*RULES["tiers"], {"name": "area", "limit_fen": 5, "roles": [], "stores": ["S001"]}]},
        {"tiers": [{"name": "manager", "limit_fen": None, "roles": [], "stores": ["S001"]}, *RULES["tiers"]]},
        {"tiers": [{**RULES["tiers"][0], "stores": ["S001"]}] * 2 + RULES["tiers"]},
        {"tiers": [RULES["tiers"][0], *RULES["tiers"]]},
    ],
)
def test_exceptions_and_tiers_of_stores_that_make_no_sense_are_not_taken(broken: dict[str, object]) -> None:
    with pytest.raises(PolicyInvalid):
        read_rules({**RULES, **broken})


def test_rule_for_when_exceptions_overlap_store_beats_group_beats_reason_field_by_field() -> None:
    rules = read_rules(
        {
            **RULES,
            "exceptions": [
                {"reasons": ["quality"], "window_days": 5, "goods_required": True},
                {"groups": ["fresh"], "window_days": 3, "max_share_percent": 60},
                {"stores": ["S001"], "window_days": 2},
                {"stores": ["S001"], "window_days": 9, "instant": False},
            ],
        }
    )
    rule = rules.rule_for("quality", store="S001", groups=["fresh"])
    assert rule is not None
    assert (rule.window_days, rule.max_share_percent, rule.goods_required, rule.instant) == (2, 60, True, False)
    elsewhere = rules.rule_for("quality", store="S002")
    assert elsewhere is not None
    assert (elsewhere.window_days, elsewhere.max_share_percent) == (5, 100)


def test_rule_for_when_articles_of_two_groups_come_back_the_strictest_holds() -> None:
    rules = read_rules(
        {
            **RULES,
            "exceptions": [
                {"groups": ["fresh"], "window_days": 1, "evidence_required": ["photo"]},
                {"groups": ["gift"], "max_share_percent": 10, "extent": "partial"},
            ],
        }
    )
    rule = rules.rule_for("quality", groups=["fresh", "gift"])
    assert rule is not None
    assert (rule.window_days, rule.max_share_percent, rule.extent) == (1, 10, "partial")
    assert rule.evidence_required == ("photo",)


@pytest.mark.parametrize(
    ("groups", "limit_fen"),
    [(["wine"], 50_000), (["fresh"], None), (["fresh", "wine"], 10_000), (["", "wine"], 10_000), (["", "fresh"], None)],
)
def test_rule_for_when_one_of_two_articles_has_a_limit_of_its_own_the_policys_holds_for_the_other(
    groups: list[str], limit_fen: int | None
) -> None:
    """Something cheap in the basket does not lend its higher limit to the rest."""
    wine = {"groups": ["wine"], "auto_approve_limit_fen": 50_000}
    rules = read_rules({**RULES, "auto_approve_limit_fen": 10_000, "exceptions": [wine]})
    rule = rules.rule_for("quality", groups=groups)
    assert rule is not None
    assert rule.auto_approve_limit_fen == limit_fen


def test_rule_for_when_a_reason_has_no_rule_only_an_exception_says_one_and_a_person_decides() -> None:
    rules = read_rules({**RULES, "exceptions": [{"groups": ["raw"], "reasons": ["no_reason"], "window_days": 3}]})
    assert rules.rule_for("no_reason") is None
    assert rules.rule_for("no_reason", groups=["raw", "cooked"]) is None
    rule = rules.rule_for("no_reason", groups=["raw"])
    assert rule is not None
    assert (rule.window_days, rule.instant) == (3, False)


def test_tier_for_when_a_store_has_its_own_it_takes_the_place_of_the_general_one() -> None:
    own = {"name": "manager", "limit_fen": 150_000, "roles": ["manager"], "stores": ["S001"]}
    rules = read_rules({**RULES, "tiers": [own, *RULES["tiers"]]})
    assert rules.tier_for(120_000, store="S001").name == "manager"
    assert rules.tier_for(120_000, store="S002").name == "head_office"
    assert rules.tier_for(150_001, store="S001").name == "head_office"
