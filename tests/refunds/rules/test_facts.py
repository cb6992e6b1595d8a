"""Facts as they are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings

from merchants.policies.rules import Rules, read_rules
from refunds.rules import facts
from refunds.rules.facts import Facts, LineClaim
from refunds.rules.policy import judge
from refunds.rules.standing import EqualCharges, Standing
from samples.demo import rules as sample
from tests.refunds.rules.test_policy import FACTS
from tests.refunds.rules.test_policy_properties import any_facts, any_rules

FULL = replace(
    FACTS,
    claims=[LineClaim(sku="A", quantity=Decimal("0.356"), returnable=2, value_fen=900, is_dearer=True)],
    groups=("", "生鲜"),
    evidence=("photo",),
    store_open=False,
    arrival_days=(1, 3),
    sums=Standing(
        order_fen=5,
        customer_day_fen=0,
        charges=EqualCharges(others=1, number="A1", key="1 charge x 2026-11-27", day=date(2026, 11, 27)),
        past={"1 customer x 2026-11-27": (1, 2)},
    ),
)


def test_from_text_when_all_is_said_gives_the_same_facts_but_for_what_is_no_fact() -> None:
    text = facts.as_text(FULL, who={"order": "h"})
    again = facts.from_text(text)
    assert again is not None
    assert facts.as_text(again, who={"order": "h"}) == text
    assert again.sums.charges == EqualCharges(others=1, number="A1")
    assert again.sums.past == {}
    assert (again.claims[0].quantity, again.store_open) == (Decimal("0.356"), False)


def test_as_text_is_sorted_without_blanks_and_leaves_out_what_is_usual() -> None:
    text = facts.as_text(FACTS, who={})
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert set(json.loads(text)) == {"schema", "facts", "who"}
    assert not {"claims", "groups", "sums", "duplicate_of"} & set(json.loads(text)["facts"])


def test_from_text_when_another_schema_kept_it_there_are_none() -> None:
    text = facts.as_text(FACTS, who={})
    assert facts.from_text(text.replace(f'"schema":{facts.SCHEMA}', '"schema":0')) is None


@pytest.mark.parametrize(("groups", "is_known"), [((), True), (("wine",), True), (("", "wine"), False)])
def test_from_text_when_the_first_schema_kept_it_only_what_is_judged_alike_is_known(
    groups: tuple[str, ...], is_known: bool
) -> None:
    """Of several groups the policy's own limit did not count then."""
    known = replace(FACTS, groups=groups)
    text = facts.as_text(known, who={}).replace(f'"schema":{facts.SCHEMA}', '"schema":1')
    assert (facts.from_text(text) is not None) is is_known


@given(any_facts, any_rules)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_kept_facts_give_the_same_verdict_byte_for_byte(known: Facts, rules: Rules) -> None:
    again = facts.from_text(facts.as_text(known, who={}))
    assert again is not None
    first = judge(facts=known, rules=rules, policy_version=3)
    second = judge(facts=again, rules=rules, policy_version=3)
    assert (facts.canonical(first.as_json()), first.digest()) == (facts.canonical(second.as_json()), second.digest())


def test_digest_is_another_one_when_anything_is_said_otherwise() -> None:
    rules = read_rules(sample.RETAIL)
    digests = {
        judge(facts=replace(FULL, amount_fen=amount), rules=rules, policy_version=version).digest()
        for amount in (1, 2)
        for version in (1, 2)
    }
    assert len(digests) == 4
