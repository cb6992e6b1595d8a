"""The policy, rule by rule, without a database: same facts and rules, same verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from merchants.policies.rules import RouteRule, Rules, read_rules
from refunds.rules.facts import Facts, LineClaim
from refunds.rules.policy import Ruling, Verdict, judge
from refunds.states import Reason, Route
from samples.demo import rules as sample

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
RESTAURANT, RETAIL = read_rules(sample.RESTAURANT), read_rules(sample.RETAIL)

FACTS = Facts(
    at=NOW,
    amount_fen=1_200,
    reason=Reason.QUALITY,
    route=Route.ORIGINAL,
    consent=True,
    paid_fen=33_980,
    refundable_fen=33_980,
    paid=True,
    paid_at=NOW - timedelta(hours=1),
    funding="balance",
    has_channel=True,
    channel_window_days=365,
    channel_max_refunds=50,
    refunds_so_far=0,
    terminal_enabled=True,
)


def _judge(rules: Rules = RETAIL, **changes: Any) -> Verdict:
    return judge(facts=replace(FACTS, **changes), rules=rules, policy_version=7)


def _not_passed(verdict: Verdict) -> set[str]:
    return {rule.code for rule in verdict.rules if not rule.passed}


def test_small_refund_for_a_simple_reason_is_approved() -> None:
    verdict = _judge()

    assert verdict.decision is Ruling.APPROVE
    assert not _not_passed(verdict)
    assert verdict.policy_version == 7


def test_verdict_is_the_same_for_the_same_facts() -> None:
    assert _judge() == _judge()


def test_the_last_moment_of_the_channels_window_is_in_it() -> None:
    verdict = _judge(paid_at=NOW - timedelta(days=365))
    (rule,) = [rule for rule in verdict.rules if rule.code == "channel_window"]
    assert (rule.passed, rule.actual, rule.limit) == (True, "365", "365")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"paid": False}, "payment_succeeded"),
        ({"refundable_fen": 1_199}, "refundable_balance"),
        ({"terminal_enabled": False}, "terminal_enabled"),
        ({"has_channel": False}, "original_route"),
        ({"paid_at": NOW - timedelta(days=365, microseconds=1)}, "channel_window"),
        ({"refunds_so_far": 50}, "channel_refund_count"),
        ({"claims": [LineClaim(sku="A", quantity=3, returnable=2, value_fen=9_000)]}, "article_quantity"),
    ],
)
def test_hard_limit_refuses(changes: dict[str, Any], rule: str) -> None:
    verdict = _judge(**changes)

    assert verdict.decision is Ruling.REFUSE
    assert rule in _not_passed(verdict)


@pytest.mark.parametrize("funding", ["credit_card", "consumer_credit"])
def test_credit_never_becomes_cash_whatever_the_merchant_allows(funding: str) -> None:
    generous = replace(RETAIL, routes=("original", "cash"))

    verdict = _judge(generous, route=Route.CASH, funding=funding)

    assert verdict.decision is Ruling.REFUSE
    assert "no_cash_for_credit" in _not_passed(verdict)


_EVERY_ROUTE = replace(RETAIL, routes=tuple(Route), route_rules={Route.CASH: RouteRule(frozenset({"cash"}), 50_000)})
_CASH_SALE = {"funding": "cash", "has_channel": False}


@pytest.mark.parametrize("route", [Route.CASH, Route.BANK_TRANSFER, Route.STORE_CREDIT])
def test_what_a_person_pays_a_person_decides_however_small(route: Route) -> None:
    verdict = _judge(_EVERY_ROUTE, route=route, amount_fen=1, **_CASH_SALE)

    assert verdict.decision is Ruling.REVIEW
    assert _not_passed(verdict) == {"by_hand"}


@pytest.mark.parametrize("route", [Route.CASH, Route.BANK_TRANSFER, Route.STORE_CREDIT])
def test_route_that_the_merchant_does_not_name_is_refused(route: Route) -> None:
    verdict = _judge(replace(_EVERY_ROUTE, routes=("original",)), route=route, **_CASH_SALE)

    assert verdict.decision is Ruling.REFUSE
    assert "route_allowed" in _not_passed(verdict)


@pytest.mark.parametrize("route", [Route.BANK_TRANSFER, Route.STORE_CREDIT])
def test_reviewer_reads_that_the_original_route_is_still_open(route: Route) -> None:
    still_open = _judge(_EVERY_ROUTE, route=route)

    assert still_open.decision is Ruling.REVIEW
    assert "original_first" in _not_passed(still_open)
    for proof in ({"has_channel": False}, {"original_failed": True}, {"paid_at": NOW - timedelta(days=366)}):
        assert "original_first" not in _not_passed(_judge(_EVERY_ROUTE, route=route, **proof))


@pytest.mark.parametrize("funding", ["credit_card", "consumer_credit"])
def test_credit_is_transferred_only_once_its_own_route_is_proven_impossible(funding: str) -> None:
    refused = _judge(_EVERY_ROUTE, route=Route.BANK_TRANSFER, funding=funding)
    assert refused.decision is Ruling.REFUSE
    assert "no_transfer_for_credit" in _not_passed(refused)
    after = _judge(_EVERY_ROUTE, route=Route.BANK_TRANSFER, funding=funding, original_failed=True)
    assert after.decision is Ruling.REVIEW
    assert _judge(_EVERY_ROUTE, route=Route.STORE_CREDIT, funding=funding).decision is Ruling.REVIEW


@pytest.mark.parametrize("consent", [None, False])
def test_another_route_is_nothing_without_the_customers_consent(consent: bool | None) -> None:
    verdict = _judge(_EVERY_ROUTE, route=Route.STORE_CREDIT, consent=consent)

    assert verdict.decision is Ruling.REFUSE
    assert "consent_to_route" in _not_passed(verdict)


def test_route_pays_back_what_its_rule_says_and_no_more() -> None:
    paid_by_wallet = _judge(_EVERY_ROUTE, route=Route.CASH)
    assert paid_by_wallet.decision is Ruling.REFUSE
    assert "route_funding" in _not_passed(paid_by_wallet)

    facts = {"route": Route.CASH, "paid_fen": 60_000, "refundable_fen": 60_000, **_CASH_SALE}
    within, above = _judge(_EVERY_ROUTE, amount_fen=50_000, **facts), _judge(_EVERY_ROUTE, amount_fen=50_001, **facts)
    assert within.decision is Ruling.REVIEW
    assert above.decision is Ruling.REFUSE
    assert "route_limit" in _not_passed(above)
    second = _judge(_EVERY_ROUTE, amount_fen=20_001, on_this_route_fen=30_000, **facts)
    assert "route_limit" in _not_passed(second)
    assert second.max_amount_fen == 20_000
    assert within.max_amount_fen == 50_000


def test_without_a_rule_cash_is_for_cash_and_up_to_a_thousand_yuan() -> None:
    silent = replace(_EVERY_ROUTE, route_rules={})
    facts = {"route": Route.CASH, "paid_fen": 200_000, "refundable_fen": 200_000}

    assert "route_limit" not in _not_passed(_judge(silent, amount_fen=100_000, **facts, **_CASH_SALE))
    assert "route_limit" in _not_passed(_judge(silent, amount_fen=100_001, **facts, **_CASH_SALE))
    assert "route_funding" in _not_passed(_judge(silent, amount_fen=1, **facts))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"amount_fen": 10_001}, "auto_approve_limit"),
        ({"paid_at": NOW - timedelta(days=8)}, "filing_window"),
        ({"reason": Reason.GOODWILL}, "instant_reason"),
        ({"consent": False}, "customer_consent"),
        ({"claims": [LineClaim(sku="A", quantity=1, returnable=2, value_fen=1_199)]}, "articles_cover_amount"),
    ],
)
def test_merchants_rule_that_is_not_met_asks_for_a_person(changes: dict[str, Any], rule: str) -> None:
    verdict = _judge(**changes)

    assert verdict.decision is Ruling.REVIEW
    assert _not_passed(verdict) == {rule}


def test_limits_themselves_are_within() -> None:
    on_the_last_day = NOW - timedelta(days=7, hours=23)

    assert _judge(amount_fen=10_000, paid_at=on_the_last_day).decision is Ruling.APPROVE


def test_nobody_being_asked_for_consent_is_not_a_refusal_to_consent() -> None:
    assert _judge(consent=None).decision is Ruling.APPROVE


def test_service_failure_gives_back_a_part_and_no_more_than_the_share() -> None:
    fits = _judge(RESTAURANT, reason=Reason.SERVICE_FAILURE, amount_fen=2_000, paid_fen=4_000, refundable_fen=4_000)
    # 50.03% is more than half: shares are rounded up.
    too_much = _judge(RESTAURANT, reason=Reason.SERVICE_FAILURE, amount_fen=2_001, paid_fen=4_000, refundable_fen=4_000)
    all_of_it = _judge(
        RESTAURANT, reason=Reason.SERVICE_FAILURE, amount_fen=4_000, paid_fen=4_000, refundable_fen=4_000
    )

    assert fits.decision is Ruling.APPROVE
    assert fits.max_amount_fen == 2_000
    assert _not_passed(too_much) == {"reason_share"}
    assert _not_passed(all_of_it) == {"reason_share", "reason_extent"}


def test_duplicate_charge_goes_back_whole_or_to_a_person() -> None:
    duplicate: dict[str, Any] = {"reason": Reason.DUPLICATE_CHARGE, "paid_fen": 1_200, "refundable_fen": 1_200}

    assert "reason_extent" not in _not_passed(_judge(**duplicate))
    assert "reason_extent" in _not_passed(_judge(**{**duplicate, "amount_fen": 1_199}))


def test_reason_without_a_rule_is_for_a_person_and_never_refused() -> None:
    verdict = _judge(RESTAURANT, reason=Reason.NO_REASON)

    assert verdict.decision is Ruling.REVIEW
    assert "reason_covered" in _not_passed(verdict)


def test_a_hard_limit_counts_more_than_everything_that_would_ask_for_a_person() -> None:
    verdict = _judge(reason=Reason.GOODWILL, consent=False, refundable_fen=0)

    assert verdict.decision is Ruling.REFUSE
    assert verdict.max_amount_fen == 0


@pytest.mark.parametrize(
    ("amount_fen", "tier"),
    [(100_000, "manager"), (100_001, "area"), (1_000_000, "area"), (1_000_001, "head_office")],
)
def test_tier_is_the_lowest_that_covers_the_amount(amount_fen: int, tier: str) -> None:
    verdict = _judge(amount_fen=amount_fen, paid_fen=2_000_000, refundable_fen=2_000_000)

    assert verdict.tier == tier


def test_simple_reasons_are_answered_in_minutes_and_others_in_hours() -> None:
    assert _judge().due_at == NOW + timedelta(minutes=30)
    assert _judge(reason=Reason.GOODWILL).due_at == NOW + timedelta(hours=24)
    assert _judge(RESTAURANT, reason=Reason.NO_REASON).due_at == NOW + timedelta(hours=24)


@pytest.mark.parametrize("rules", [RESTAURANT, RETAIL])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_gets_a_line_for_every_rule_and_never_an_error(rules: Rules, reason: Reason) -> None:
    verdict = _judge(rules, reason=reason)

    codes = [rule.code for rule in verdict.rules]
    assert len(codes) == len(set(codes))
    assert all(rule.actual and rule.limit for rule in verdict.rules)
    assert verdict.decision in (Ruling.APPROVE, Ruling.REVIEW)
