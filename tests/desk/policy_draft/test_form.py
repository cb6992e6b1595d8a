"""A draft as a form: there and back, refusals by field, two people's forms in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from desk.policy_draft import form
from merchants.policies.drafting import Written
from samples.demo import rules as sample
from tests.factories import RULES

_RICH: dict[str, Any] = {
    **RULES,
    "exceptions": [{"stores": ["S001"], "reasons": ["quality"], "instant": False, "extent": "none"}],
    "tiers": [*RULES["tiers"], {"name": "manager", "limit_fen": 80_000, "roles": ["manager"], "stores": ["S001"]}],
    "routes": ["original", "cash"],
    "route_rules": {"cash": {"fundings": None, "limit_fen": 20_000}},
    "four_eyes_above_fen": 100_000,
    "watch_splitting": False,
}


def _values(rules: Mapping[str, Any], **guides: Any) -> dict[str, tuple[str, ...]]:
    return dict(form.values_of(Written(name="标准", rules=rules, guides=guides)))


@pytest.mark.parametrize("rules", [RULES, sample.RESTAURANT, sample.RETAIL, _RICH])
def test_form_sent_untouched_says_the_same_rules(rules: dict[str, Any]) -> None:
    parsed = form.parse(_values(rules, deposit={"zh": "核对条款"}), base=rules)
    assert parsed.errors == {}
    assert parsed.written == Written(name="标准", rules=rules, guides={"deposit": {"zh": "核对条款"}})


def test_form_has_a_field_for_all_that_the_rules_say() -> None:
    values = _values(_RICH, deposit={"zh": "核对条款"})
    shown = form.form_of(values, errors={}, old=values)
    blocks = [*shown.groups, *shown.reasons, *shown.exceptions, *shown.tiers, *shown.routes, *shown.guides]
    switches = {block.switch.name for block in blocks if block.switch}
    assert set(values) <= {one.name for block in blocks for one in block.fields} | switches | {shown.name.name}


def test_money_is_read_as_it_is_typed() -> None:
    parsed = form.parse({**_values(RULES), "p.auto_approve_limit_fen": ("１５０元",)}, base=RULES)
    assert parsed.written.rules == {**RULES, "auto_approve_limit_fen": 15_000}


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("p.auto_approve_limit_fen", ""),
        ("p.auto_approve_limit_fen", "1e3"),
        ("p.auto_approve_limit_fen", "-1"),
        ("p.handling_minutes", "0"),
        ("p.handling_minutes", "half an hour"),
        ("r.quality.max_share_percent", "101"),
        ("r.quality.window_days", ""),
        ("r.quality.extent", "most"),
        ("t.0.limit_fen", "0"),
        ("p.plan_rule", "as it comes"),
    ],
)
def test_field_that_cannot_be_read_has_its_error_and_keeps_what_was_typed(name: str, typed: str) -> None:
    values = {**_values(RULES), name: (typed,)}
    parsed = form.parse(values, base=RULES)
    assert set(parsed.errors) == {name}
    shown = form.form_of(values, errors=parsed.errors, old=_values(RULES))
    blocks = [*shown.groups, *shown.reasons, *shown.tiers]
    (one,) = [one for block in blocks for one in block.fields if one.name == name]
    assert (one.value, bool(one.error), one.changed) == (typed, True, True)


def test_nothing_ticked_where_something_must_be_is_an_error() -> None:
    values = _values(RULES)
    del values["p.routes"]
    assert set(form.parse(values, base=RULES).errors) == {"p.routes"}


def test_rows_are_added_and_taken_out() -> None:
    values = {
        **_values(RULES),
        "t.2.name": ("area",),
        "t.2.limit_fen": ("5000",),
        "t.2.roles": ("owner",),
        "x.0.groups": ("fresh, 冷冻",),
        "x.0.instant": ("0",),
        "r.goodwill.has": (),
    }
    rules = form.parse({name: texts for name, texts in values.items() if texts}, base=RULES).written.rules
    assert [tier["name"] for tier in rules["tiers"]] == ["manager", "area", "head_office"]
    assert rules["exceptions"] == [{"groups": ["fresh", "冷冻"], "instant": False}]
    assert set(rules["reasons"]) == set(RULES["reasons"]) - {"goodwill"}
    parsed = form.parse({**_values(rules), "x.0.remove": ("1",), "t.1.remove": ("1",)}, base=rules)
    assert (parsed.written.rules["exceptions"], parsed.written.rules["tiers"]) == ([], RULES["tiers"])


def test_exception_for_nobody_is_an_error() -> None:
    values = {**_values(RULES), "x.0.instant": ("0",)}
    assert set(form.parse(values, base=RULES).errors) == {"x.0.reasons"}


def test_limit_that_follows_is_left_out_when_its_field_is_emptied() -> None:
    base = {**RULES, "auto_order_limit_fen": 5_000}
    values = {name: texts for name, texts in _values(base).items() if name != "p.auto_order_limit_fen"}
    assert form.parse(values, base=base).written.rules == RULES


def test_two_forms_become_one_and_nothing_typed_is_lost() -> None:
    base = _values(RULES)
    mine = {**base, "p.handling_minutes": ("45",), "p.auto_approve_limit_fen": ("150.00",)}
    theirs = {
        **base,
        "p.complex_handling_hours": ("48",),
        "p.auto_approve_limit_fen": ("120.00",),
        "t.0.limit_fen": ("900",),
    }
    both = form.merged(base=base, mine=mine, theirs=theirs)
    assert both["p.handling_minutes"] == ("45",)
    assert both["p.complex_handling_hours"] == ("48",)
    assert both["p.auto_approve_limit_fen"] == ("150.00",)
    assert both["t.0.limit_fen"] == ("900",)
    assert form.merged(base=base, mine=base, theirs=theirs) == theirs
    assert form.merged(base=base, mine=mine, theirs=base) == mine
