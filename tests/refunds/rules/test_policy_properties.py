"""What must be true of every verdict, whatever the facts and the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from merchants.policies.fields import Extent
from merchants.policies.rules import ReasonRule, RouteRule, Rules, Tier
from refunds.rules import explanations, floor
from refunds.rules.facts import Facts, LineClaim
from refunds.rules.policy import Ruling, Verdict, judge
from refunds.states import BY_HAND, Reason, Route

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
_FEN = st.integers(1, 10**9)

_reason_rules = st.builds(
    ReasonRule,
    extent=st.sampled_from(Extent),
    max_share_percent=st.integers(1, 100),
    window_days=st.integers(1, 400),
    instant=st.booleans(),
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


@given(_EITHER, _rules)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_nothing_above_a_limit_is_ever_approved(facts: Facts, rules: Rules) -> None:
    verdict = _verdict(facts, rules)
    if verdict.decision is not Ruling.APPROVE:
        return
    rule, law = rules.reasons[facts.reason], floor.statute(facts, rules)
    if law is not None:
        rule = floor.over(rule, law)
    assert facts.amount_fen <= min(rules.auto_approve_limit_fen, facts.refundable_fen, facts.paid_fen)
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
    """Except where a reason wants the whole sale or none of it."""
    rule = rules.reasons.get(facts.reason)
    if rule is not None and rule.extent == Extent.FULL:
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
