"""Planted defects are found, each by its kind and with a repair that mends it; the sample policies have none."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from merchants.policies.rules import Rules, SpecialRule, Tier, read_rules
from refunds.rules.cases import Cases, rule_of
from refunds.rules.finding import Defect, Severity, repaired
from refunds.rules.policy import NEEDS_FINDING
from refunds.rules.proof import findings
from refunds.states import Reason
from samples.demo import rules as sample

DESK, AREA, HEAD = ["reviewer", "manager", "owner"], ["manager", "owner"], ["owner"]
SAMPLES = {"restaurant": sample.RESTAURANT, "retail": sample.RETAIL}


def _tier(name: str, limit_fen: int | None, roles: list[str], **more: Any) -> dict[str, Any]:
    return {"name": name, "limit_fen": limit_fen, "roles": roles, **more}


def _tiers(*tiers: dict[str, Any]) -> dict[str, Any]:
    return {"tiers": list(tiers)}


def _roles(low: list[str], middle: list[str], high: list[str]) -> dict[str, Any]:
    return _tiers(_tier("a", 50_000, low), _tier("b", 300_000, middle), _tier("c", None, high))


def _special(*special: dict[str, Any]) -> dict[str, Any]:
    return {"exceptions": list(special)}


def _reason(code: str, **says: Any) -> dict[str, Any]:
    reasons = deepcopy(sample.RETAIL["reasons"])
    reasons[code] = {**reasons[code], **says}
    return {"reasons": reasons}


_STORE_TIERS = [_tier("a", 50_000, DESK), _tier("b", 300_000, AREA), _tier("c", None, HEAD)]

#: What is changed of the retail policy, and the kind of defect that this is.
PLANTED: list[tuple[Defect, dict[str, Any]]] = [
    # amounts that nobody may decide
    (Defect.HOLE, _roles(["cashier"], AREA, HEAD)),
    (Defect.HOLE, _roles(DESK, ["finance"], HEAD)),
    (Defect.HOLE, _roles(DESK, AREA, [])),
    (Defect.HOLE, _roles(DESK, [], HEAD)),
    (Defect.HOLE, _roles(["cashier", "finance"], AREA, HEAD)),
    (Defect.HOLE, _roles(DESK, AREA, ["finance"])),
    (Defect.HOLE, _tiers(_tier("only", None, ["cashier"]))),
    (Defect.HOLE, _tiers(*_STORE_TIERS, _tier("b", 200_000, ["finance"], stores=["S1"]))),
    (Defect.HOLE, _tiers(*_STORE_TIERS, _tier("c", None, [], stores=["S1", "S2"]))),
    (Defect.HOLE, _roles(DESK, ["area_manager"], HEAD)),
    # two exceptions for one case
    (Defect.CONFLICT, _special({"reasons": ["quality"], "instant": False}, {"reasons": ["quality"], "instant": True})),
    (
        Defect.CONFLICT,
        _special(
            {"stores": ["S1"], "reasons": ["quality"], "window_days": 9},
            {"stores": ["S1", "S2"], "reasons": ["quality"], "window_days": 20},
        ),
    ),
    (
        Defect.CONFLICT,
        _special({"groups": ["fresh"], "window_days": 8}, {"groups": ["fresh", "drinks"], "window_days": 9}),
    ),
    (
        Defect.CONFLICT,
        _special(
            {"stores": ["S1"], "auto_approve_limit_fen": 5_000}, {"stores": ["S1"], "auto_approve_limit_fen": 2_000}
        ),
    ),
    (
        Defect.CONFLICT,
        _special(
            {"stores": ["S1"], "groups": ["wine"], "goods_required": True},
            {"stores": ["S1"], "groups": ["wine"], "goods_required": False, "window_days": 8},
        ),
    ),
    (
        Defect.CONFLICT,
        _special(
            {"groups": ["wine"], "reasons": ["no_reason", "goodwill"], "max_share_percent": 50},
            {"groups": ["wine"], "reasons": ["no_reason"], "max_share_percent": 80},
        ),
    ),
    (
        Defect.CONFLICT,
        _special(
            {"reasons": ["price_adjustment"], "evidence_required": ["receipt"]},
            {"reasons": ["price_adjustment", "wrong_amount"], "evidence_required": ["photo"]},
        ),
    ),
    (Defect.CONFLICT, {"four_eyes_above_fen": 5_000}),
    (Defect.CONFLICT, {"four_eyes_above_fen": 9_999}),
    (
        Defect.CONFLICT,
        _special(
            {"stores": ["S2", "S3"], "groups": ["shoes", "hats"], "reasons": ["no_reason"], "extent": "full"},
            {"stores": ["S3"], "groups": ["hats"], "reasons": ["no_reason"], "extent": "partial"},
        ),
    ),
    # what can never fire
    (
        Defect.NEVER_FIRES,
        _special(
            {"stores": ["S1"], "window_days": 20}, {"stores": ["S1"], "reasons": ["no_reason"], "window_days": 20}
        ),
    ),
    (
        Defect.NEVER_FIRES,
        _special(
            {"stores": ["S1"], "groups": ["wine"], "window_days": 9},
            {"groups": ["wine"], "reasons": ["quality"], "window_days": 12},
            {"stores": ["S1"], "groups": ["wine"], "reasons": ["quality"], "window_days": 9},
        ),
    ),
    (Defect.NEVER_FIRES, _special({"reasons": ["qualty"], "window_days": 20})),
    (Defect.NEVER_FIRES, _special({"stores": [], "window_days": 20})),
    (Defect.NEVER_FIRES, _special({"reasons": ["quality"], "window_days": 7})),
    (Defect.NEVER_FIRES, _reason("no_reason", extent="full", max_share_percent=80)),
    (Defect.NEVER_FIRES, _reason("no_reason", min_share_percent=60, max_share_percent=50)),
    (Defect.NEVER_FIRES, _reason("no_reason", auto_approve_limit_fen=30_000)),
    (Defect.NEVER_FIRES, {"routes": ["original"], "route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 100}}}),
    (Defect.NEVER_FIRES, {"auto_cashier_day_count": 5, "auto_cashier_day_fen": 80_000}),
    # more money, less scrutiny
    (Defect.NOT_MONOTONE, _roles(AREA, DESK, HEAD)),
    (Defect.NOT_MONOTONE, _roles(HEAD, AREA, HEAD)),
    (Defect.NOT_MONOTONE, _roles(AREA, HEAD, DESK)),
    (Defect.NOT_MONOTONE, _roles(["reviewer"], AREA, HEAD)),
    (Defect.NOT_MONOTONE, _roles(DESK, HEAD, AREA)),
    (Defect.NOT_MONOTONE, _roles(["manager"], AREA, HEAD)),
    (
        Defect.NOT_MONOTONE,
        _tiers(*_STORE_TIERS, _tier("b", 200_000, DESK, stores=["S1"]), _tier("a", 40_000, AREA, stores=["S1"])),
    ),
    (Defect.NOT_MONOTONE, _tiers(*_STORE_TIERS, _tier("a", 50_000, HEAD, stores=["S1"]))),
    (Defect.NOT_MONOTONE, _tiers(*_STORE_TIERS, _tier("c", None, DESK, stores=["S2", "S9"]))),
    (Defect.NOT_MONOTONE, _tiers(_tier("a", 50_000, HEAD), _tier("b", None, DESK))),
    # what lies further apart, or is said elsewhere
    (Defect.HOLE, {"routes": ["cash", "bank_transfer", "store_credit"]}),
    (
        Defect.CONFLICT,
        _special(
            {"groups": ["wine", "beer"], "reasons": ["no_reason"], "window_days": 3},
            {"groups": ["beer"], "reasons": ["no_reason", "quality"], "window_days": 8, "goods_required": True},
        ),
    ),
    (Defect.NEVER_FIRES, _reason("goodwill", auto_approve_limit_fen=2_000)),
    (Defect.NEVER_FIRES, _reason("goodwill", extent="full", max_share_percent=80)),
    (Defect.NEVER_FIRES, _reason("deposit", min_share_percent=90, max_share_percent=80)),
    (Defect.NEVER_FIRES, {"auto_store_day_fen": 6_000}),
    (Defect.NEVER_FIRES, {"auto_store_day_fen": 0}),
    (Defect.NEVER_FIRES, {"auto_cashier_day_fen": 0}),
    (Defect.NEVER_FIRES, {"auto_cashier_day_fen": 6_000}),
    (Defect.NEVER_FIRES, {"route_rules": {"original": {"fundings": None, "limit_fen": 5_000}}}),
    (Defect.NEVER_FIRES, {"routes": ["original", "cheque"], "route_rules": {}}),
    (Defect.NOT_MONOTONE, _roles(HEAD, ["finance"], ["reviewer", "owner"])),
    (Defect.BELOW_STATUTE, _special({"groups": ["fresh"], "reasons": ["quality"], "extent": "none"})),
]


#: What is sound, however odd it looks.
SOUND: dict[str, dict[str, Any]] = {
    **SAMPLES,
    "faults early, and not right after the sale": {**sample.RETAIL, "fault_hours": 4, "soon_after_sale_minutes": 180},
    "what is fresh does not come back, all else at once": {
        **sample.RETAIL,
        **_special({"groups": ["fresh"], "reasons": ["no_reason"], "extent": "none"}),
    },
    "nothing comes back without a reason but wine": {
        **sample.RETAIL,
        **_reason("no_reason", extent="none"),
        **_special({"groups": ["wine"], "reasons": ["no_reason"], "extent": "any"}),
    },
    "a cashier of two stores": {**sample.RETAIL, "auto_cashier_day_fen": 50_000, "auto_store_day_fen": 30_000},
    "one exact share": {**sample.RETAIL, **_reason("service_failure", max_share_percent=33, min_share_percent=33)},
}


@pytest.mark.parametrize("name", SOUND)
def test_findings_when_policy_is_sound_finds_nothing(name: str) -> None:
    assert [one for one in findings(read_rules(SOUND[name])) if one.severity is not Severity.NOTE] == []


def test_findings_when_faults_come_too_late_for_the_watch_names_no_other_reason() -> None:
    (found,) = findings(read_rules({**sample.RETAIL, "fault_hours": 2, "soon_after_sale_minutes": 180}))
    assert {path[1] for path in (change.path for change in found.repair)} == NEEDS_FINDING


def test_findings_when_two_exceptions_disagree_repair_leaves_every_case_as_it_was() -> None:
    for kind, change in PLANTED:
        if kind is not Defect.CONFLICT or "exceptions" not in change:
            continue
        data = {**sample.RETAIL, **change}
        rules = read_rules(data)
        found = next(one for one in findings(rules) if one.defect is kind)
        cases = Cases(rules)
        after = read_rules(repaired(data, found))
        assert {case: rule_of(after, case) for case in cases.all} == cases.rule_of


@pytest.mark.parametrize(("kind", "change"), PLANTED, ids=lambda one: str(one)[:60])
def test_findings_when_a_defect_is_planted_names_it_and_its_repair_mends_it(
    kind: Defect, change: dict[str, Any]
) -> None:
    data = {**sample.RETAIL, **change}

    found = [one for one in findings(read_rules(data)) if one.defect is kind]

    assert found
    assert {one.defect for one in findings(read_rules(_mended(data)))} <= {Defect.NO_RULE}


def _mended(data: dict[str, Any]) -> dict[str, Any]:
    """One repair after the other, each on what is left."""
    for _ in range(12):
        left = [one for one in findings(read_rules(data)) if one.defect is not Defect.NO_RULE]
        if not left:
            return data
        data = repaired(data, left[0])
    raise AssertionError(f"not mended: {left}")


def test_findings_of_forty_policies_take_a_second_at_most() -> None:
    policies = [read_rules({**sample.RETAIL, **change}) for _, change in PLANTED]
    began = time.process_time()
    for rules in policies:
        findings(rules)
    assert time.process_time() - began < len(policies)


def test_findings_when_many_stores_and_groups_are_named_stays_within_a_second() -> None:
    stores, groups = [f"S{number}" for number in range(200)], [f"G{number}" for number in range(40)]
    special = [
        {"stores": stores[number : number + 20], "groups": groups[number : number + 4], "window_days": 8 + number}
        for number in range(12)
    ]
    rules = read_rules({**sample.RETAIL, "exceptions": special})
    began = time.process_time()
    assert findings(rules)
    assert time.process_time() - began < 1.0


def test_findings_when_a_reason_has_no_rule_says_so_as_a_note() -> None:
    reasons = {code: rule for code, rule in sample.RETAIL["reasons"].items() if code != Reason.NO_REASON}
    (found,) = findings(read_rules({**sample.RETAIL, "reasons": reasons}))

    assert (found.code, found.severity, found.example.reason) == ("reason_without_rule", "note", Reason.NO_REASON)


@pytest.mark.parametrize(
    ("says", "field"),
    [
        ({"window_days": 3}, "window_days"),
        ({"max_share_percent": 50}, "max_share_percent"),
        ({"extent": "partial"}, "extent"),
    ],
)
def test_findings_when_the_law_goes_further_than_a_rule_says_where(says: dict[str, Any], field: str) -> None:
    data = {**sample.RETAIL, **_reason("quality", **says)}

    found = next(one for one in findings(read_rules(data)) if one.defect is Defect.BELOW_STATUTE)

    assert found.path == f"reasons.quality.{field}"
    assert findings(read_rules(repaired(data, found))) == ()


@pytest.mark.parametrize(
    ("says", "field"),
    [
        ({"window_days": 6}, "window_days"),
        ({"max_share_percent": 90}, "max_share_percent"),
        ({"extent": "full"}, "extent"),
        ({"min_share_percent": 10}, "min_share_percent"),
    ],
)
def test_findings_when_less_than_seven_days_without_a_reason_are_given_warns_of_sales_at_a_distance(
    says: dict[str, Any], field: str
) -> None:
    """In the store a merchant is free; what is sent out comes back within seven days whatever the rule says."""
    data = {**sample.RETAIL, **_reason("no_reason", **says)}

    (found,) = (one for one in findings(read_rules(data)) if one.defect is Defect.BELOW_STATUTE)

    assert (found.path, found.severity) == (f"reasons.no_reason.{field}", Severity.WARNING)
    assert found.example.remote
    assert findings(read_rules(repaired(data, found))) == ()


def test_findings_of_sales_at_a_distance_leave_out_what_the_law_leaves_out() -> None:
    short = {"groups": ["fresh", "made"], "reasons": ["no_reason"], "window_days": 1}
    rules = {**sample.RETAIL, **_special(short), "excluded_groups": ["fresh"]}
    (found,) = findings(read_rules(rules))
    assert (found.path, found.example.group) == ("exceptions.0.window_days", "made")
    assert findings(read_rules({**rules, "excluded_groups": ["fresh", "made"]})) == ()
    # A person decides on each: nobody is told no.
    assert findings(read_rules({**sample.RETAIL, **_reason("no_reason", extent="none", instant=False)})) == ()


def test_findings_when_two_places_say_the_same_name_both() -> None:
    """What is wrong in each of two exceptions is not found only once the first is mended."""
    days = [{"stores": [store], "reasons": ["quality"], "window_days": 3} for store in ("S1", "S2")]
    found = findings(read_rules({**sample.RETAIL, **_special(*days)}))
    assert [one.path for one in found] == ["exceptions.0.window_days", "exceptions.1.window_days"]
    full = [{"groups": [name], "reasons": ["goodwill"], "extent": "full", "max_share_percent": 80} for name in "ab"]
    found = findings(read_rules({**sample.RETAIL, **_special(*full)}))
    assert [one.path for one in found] == ["exceptions.0.extent", "exceptions.1.extent"]


def test_findings_of_30_days_count_thirty() -> None:
    """Of so many days the limit of a day comes to thirty times as much, and what lies above it is never reached."""
    rules = {**sample.RETAIL, "auto_customer_day_limit_fen": 10_000, "auto_customer_30_days_fen": 300_000}
    assert findings(read_rules(rules)) == ()
    (found,) = findings(read_rules({**rules, "auto_customer_30_days_fen": 300_001}))
    assert (found.code, found.values["at_fen"]) == ("limit_never_fires", 300_000)


def test_findings_when_the_rules_were_never_read_knows_holes_and_falling_tiers_as_well() -> None:
    """The reader refuses these; whoever makes typed rules by hand gets them named all the same."""
    rules = read_rules(sample.RETAIL)
    low, middle, high = rules.tiers
    assert _defects(replace(rules, tiers=(low, middle))) == {Defect.HOLE}
    assert Defect.NOT_MONOTONE in _defects(replace(rules, tiers=(middle, low, high)))
    assert Defect.NEVER_FIRES in _defects(replace(rules, tiers=(low, Tier("again", low.limit_fen, middle.roles), high)))
    unknown = replace(rules.reasons["quality"])
    assert _defects(replace(rules, reasons={**rules.reasons, "qualty": unknown})) == {Defect.NEVER_FIRES}
    empty = SpecialRule(stores=frozenset({"S1"}), groups=None, reasons=None, says={})
    assert _defects(replace(rules, exceptions=(empty,))) == {Defect.NEVER_FIRES}


def _defects(rules: Rules) -> set[Defect]:
    return {one.defect for one in findings(rules)}
