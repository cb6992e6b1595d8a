"""What must be true of every verdict, whatever the facts and the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from merchants.policies.fields import Extent
from merchants.policies.rules import ReasonRule, RouteRule, Rules, SpecialRule, Tier
from refunds.rules import explanations, floor
from refunds.rules.facts import Facts, LineClaim
from refunds.rules.policy import Ruling, Verdict, judge
from refunds.rules.standing import Standing
from refunds.states import BY_HAND, Reason, Route

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
_FEN = st.integers(1, 10**9)

_reason_rules = st.builds(
    ReasonRule,
    extent=st.sampled_from([one.value for one in Extent]),
    max_share_percent=st.integers(1, 100),
    window_days=st.integers(1, 400),
    instant=st.booleans(),
    min_share_percent=st.sampled_from([0, 0, 10]),
    auto_approve_limit_fen=st.none() | st.integers(0, 10**8),
    goods_required=st.sampled_from([False, False, True]),
    evidence_required=st.sampled_from([(), (), ("photo",)]),
)
_names = st.none() | st.frozensets(st.sampled_from(["S001", "fresh", "quality"]), min_size=1)
_special_rules = st.builds(
    SpecialRule,
    stores=_names,
    groups=_names,
    reasons=st.just(frozenset({"quality"})),
    says=st.dictionaries(st.just("window_days"), st.integers(1, 400))
    | st.dictionaries(st.just("extent"), st.sampled_from([one.value for one in Extent])),
)
_rules = st.builds(
    Rules,
    auto_approve_limit_fen=st.integers(0, 10**8),
    handling_minutes=st.integers(1, 1000),
    complex_handling_hours=st.integers(1, 700),
    tiers=st.builds(
        lambda limit: (Tier("low", limit, frozenset({"reviewer"})), Tier("high", None, frozenset({"owner"}))), _FEN
    ),
    reasons=st.dictionaries(st.sampled_from(Reason.values), _reason_rules),
    routes=st.sampled_from([("original",), ("original", "cash"), ("bank_transfer",), tuple(Route)]),
    exceptions=st.lists(_special_rules, max_size=2).map(tuple),
    four_eyes_above_fen=st.none() | _FEN,
    auto_customer_30_days_fen=st.none() | _FEN,
    auto_cashier_day_fen=st.none() | _FEN,
    auto_store_day_fen=st.none() | _FEN,
    near_limit_count=st.none() | st.integers(1, 5),
    same_destination_count=st.none() | st.integers(1, 5),
    soon_after_sale_minutes=st.none() | st.integers(1, 60),
    watch_opening_hours=st.booleans(),
    route_rules=st.dictionaries(
        st.sampled_from(sorted(BY_HAND)),
        st.builds(
            RouteRule, fundings=st.sampled_from([None, frozenset({"cash", "credit_card"})]), limit_fen=st.none() | _FEN
        ),
    ),
)
_claims = st.lists(
    st.builds(LineClaim, sku=st.just("A"), quantity=st.integers(1, 9), returnable=st.integers(0, 9), value_fen=_FEN),
    max_size=2,
)


_some = st.none() | st.integers(0, 10**7)
_standing = st.builds(
    Standing,
    order_fen=st.integers(0, 10**7),
    customer_day_fen=_some,
    customer_30_days_fen=_some,
    customer_orders=st.none() | st.integers(0, 5),
    cashier_day_fen=_some,
    store_day_fen=_some,
    near_limit_count=st.none() | st.integers(0, 5),
    tier_fen=st.integers(0, 10**9),
    together_fen=st.integers(0, 10**9),
)


@st.composite
def _facts(draw: st.DrawFn) -> Facts:
    paid_fen = draw(_FEN)
    return Facts(
        at=NOW,
        amount_fen=draw(st.one_of(st.integers(1, paid_fen), st.just(paid_fen), _FEN)),
        reason=draw(st.sampled_from(Reason.values)),
        route=draw(st.sampled_from(Route.values)),
        consent=draw(st.sampled_from([None, True, False])),
        paid_fen=paid_fen,
        refundable_fen=draw(st.integers(0, paid_fen)),
        paid=draw(st.booleans()),
        paid_at=NOW - timedelta(days=draw(st.integers(0, 800)), seconds=draw(st.integers(0, 86_399))),
        funding=draw(st.sampled_from(["balance", "cash", "credit_card", "consumer_credit"])),
        original_failed=draw(st.booleans()),
        has_channel=draw(st.booleans()),
        channel_window_days=draw(st.integers(1, 400)),
        channel_max_refunds=draw(st.integers(1, 60)),
        refunds_so_far=draw(st.integers(0, 60)),
        terminal_enabled=draw(st.booleans()),
        claims=draw(_claims),
        store=draw(st.sampled_from(["", "S001"])),
        groups=draw(st.sampled_from([(), ("fresh",), ("", "fresh")])),
        remote=draw(st.booleans()),
        store_open=draw(st.sampled_from([None, True, False])),
        evidence=draw(st.sampled_from([(), ("photo",)])),
        sums=draw(st.just(Standing()) | _standing),
    )


def _verdict(facts: Facts, rules: Rules) -> Verdict:
    return judge(facts=facts, rules=rules, policy_version=1)


#: Sound facts under generous rules, so that approvals are not too rare to be looked at.
_sound = st.builds(
    lambda paid_fen, share, days, claims: Facts(
        at=NOW,
        amount_fen=max(1, paid_fen * share // 100),
        reason="quality",
        route="original",
        consent=True,
        paid_fen=paid_fen,
        refundable_fen=paid_fen,
        paid=True,
        paid_at=NOW - timedelta(days=days),
        funding="balance",
        has_channel=True,
        channel_window_days=365,
        channel_max_refunds=50,
        refunds_so_far=0,
        terminal_enabled=True,
        claims=claims,
    ),
    st.integers(1, 100_000),
    st.integers(1, 100),
    st.integers(0, 10),
    st.just(()),
)
_EITHER = st.one_of(_facts(), _sound)
any_facts, any_rules = _EITHER, _rules


@given(_EITHER, _rules)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_nothing_above_a_limit_is_ever_approved(facts: Facts, rules: Rules) -> None:
    verdict = _verdict(facts, rules)
    if verdict.decision is not Ruling.APPROVE:
        return
    rule, law = rules.rule_for(facts.reason, store=facts.store, groups=facts.groups), floor.statute(facts, rules)
    assert rule is not None
    if law is not None:
        rule = floor.over(rule, law)
    assert facts.amount_fen <= min(verdict.auto_limit_fen, facts.refundable_fen, facts.paid_fen)
    assert facts.amount_fen * 100 <= facts.paid_fen * rule.max_share_percent
    assert (NOW - facts.paid_at).days <= rule.window_days
    assert facts.paid
    assert facts.terminal_enabled
    assert facts.consent is not False
    assert rule.instant
    assert facts.route in rules.routes
    assert facts.route not in BY_HAND
    if facts.claims:
        assert facts.amount_fen <= sum(claim.value_fen for claim in facts.claims)


@given(_facts(), _rules)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_credit_never_leaves_as_cash_and_as_a_transfer_only_when_its_own_route_is_closed(
    facts: Facts, rules: Rules
) -> None:
    if _verdict(facts, rules).decision is Ruling.REFUSE or facts.funding not in {"credit_card", "consumer_credit"}:
        return
    assert facts.route != Route.CASH
    if facts.route == Route.BANK_TRANSFER:
        assert not facts.original_is_open


@given(_EITHER, _rules, st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_asking_for_less_never_makes_it_worse(facts: Facts, rules: Rules, data: st.DataObject) -> None:
    """Except where a reason wants the whole sale or none of it, or a least share."""
    rule = rules.rule_for(facts.reason, store=facts.store, groups=facts.groups)
    if rule is not None and (rule.extent == Extent.FULL or rule.min_share_percent):
        return
    less = replace(facts, amount_fen=data.draw(st.integers(1, facts.amount_fen)))
    order = [Ruling.APPROVE, Ruling.REVIEW, Ruling.REFUSE]
    assert order.index(_verdict(less, rules).decision) <= order.index(_verdict(facts, rules).decision)


@given(_facts(), _rules)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_refused_means_a_hard_limit_and_review_means_a_soft_one(facts: Facts, rules: Rules) -> None:
    verdict = _verdict(facts, rules)
    failed = [rule for rule in verdict.rules if not rule.passed]
    hard = any(rule.hard for rule in failed)
    assert (verdict.decision is Ruling.REFUSE) == hard
    assert (verdict.decision is Ruling.REVIEW) == (bool(failed) and not hard)
    assert 0 <= verdict.max_amount_fen <= facts.refundable_fen
    assert verdict.due_at > facts.at


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@given(facts=_EITHER, rules=_rules)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_every_line_is_explained_in_words(language: str, facts: Facts, rules: Rules) -> None:
    with translation.override(language):
        for line in _verdict(facts, rules).as_json()["rules"]:
            sentence, label = explanations.explain(line), explanations.label(line["code"])
            assert line["code"] not in {sentence, label}
            assert not any(mark in sentence for mark in ("%(", "%%", "None"))
            assert explanations.shown(line)


_SEVERITY = [Ruling.APPROVE, Ruling.REVIEW, Ruling.REFUSE]


@given(_EITHER, _rules)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_floor_is_never_lowered(facts: Facts, rules: Rules) -> None:
    if floor.statute(facts, rules) is None:
        return
    verdict = _verdict(facts, rules)
    below = {"filing_window", "reason_share", "reason_extent", "reason_least"}
    assert not below & {line.code for line in verdict.rules if not line.passed}
    if facts.route not in BY_HAND:
        assert verdict.max_amount_fen == min(facts.refundable_fen, facts.paid_fen)


@given(_EITHER, _rules, st.integers(0, 10**9), st.integers(0, 10**9))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_more_money_or_more_of_it_before_never_means_a_lower_tier(
    facts: Facts, rules: Rules, more_fen: int, before_fen: int
) -> None:
    more = replace(
        facts,
        amount_fen=facts.amount_fen + more_fen,
        sums=replace(facts.sums, tier_fen=facts.sums.tier_fen + before_fen),
    )
    order = [tier.name for tier in rules.tiers]
    first, second = _verdict(facts, rules), _verdict(more, rules)
    assert order.index(first.tier) <= order.index(second.tier)
    if Ruling.APPROVE not in (first.decision, second.decision):
        assert first.approvers <= second.approvers


@given(_facts(), _rules)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_more_risk_never_makes_it_better(facts: Facts, rules: Rules) -> None:
    sums = facts.sums
    riskier = replace(
        facts,
        store_open=False,
        sums=replace(
            sums,
            near_limit_count=(sums.near_limit_count or 0) + 9,
            customer_orders=(sums.customer_orders or 0) + 9,
            order_rejected=True,
            store_day_fen=(sums.store_day_fen or 0) + 10**7,
            together_fen=sums.together_fen + 10**9,
        ),
    )
    first, second = _verdict(facts, rules), _verdict(riskier, rules)
    assert _SEVERITY.index(first.decision) <= _SEVERITY.index(second.decision)
    assert first.tier == second.tier


@given(_EITHER, _rules, _special_rules)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_another_rule_never_turns_a_refusal_into_an_approval(facts: Facts, rules: Rules, one_more: SpecialRule) -> None:
    changed = replace(rules, exceptions=(one_more, *rules.exceptions))
    if _verdict(facts, rules).decision is Ruling.REFUSE:
        assert _verdict(facts, changed).decision is Ruling.REFUSE
