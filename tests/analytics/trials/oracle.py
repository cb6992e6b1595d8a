"""What a trial must say, worked out the long way: for every request all that came before it of its order, its customers,
cashiers, store and keys is looked at once more. Nothing is carried from one request to the next but the rulings.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from analytics.trials.replay import Past
from merchants.policies.rules import Rules, read_rules
from refunds.rules.facts import Facts
from refunds.rules.policy import Ruling, Verdict, judge
from refunds.rules.standing import Standing
from refunds.states import Reason, Route
from samples.demo import rules as sample

_START = datetime(2026, 3, 1, tzinfo=UTC)
#: (kind, name) -> what was ruled of its requests so far, the newest at the end.
Decided = dict[tuple[str, str], list[tuple[Past, Ruling]]]


def verdicts(pasts: Sequence[Past], rules: Rules) -> list[tuple[Verdict, Verdict]]:
    """(as it was, with feedback) of each."""
    found: list[tuple[Verdict, Verdict]] = []
    was: Decided = defaultdict(list)
    fed: Decided = defaultdict(list)
    for past in pasts:
        plain = judge(facts=past.facts, rules=rules, policy_version=0)
        with_feedback = judge(facts=_facts(past, was, fed), rules=rules, policy_version=0)
        found.append((plain, with_feedback))
        for kind in ("order", "customers", "cashiers", "store", "api_keys"):
            for name in _of(past, kind):
                was[kind, name].append((past, past.was))
                fed[kind, name].append((past, with_feedback.decision))
    return found


def _facts(past: Past, was: Decided, fed: Decided) -> Facts:
    facts, sums = past.facts, past.facts.sums

    def moved(stored: Any, sum_of: Callable[[Decided], int]) -> Any:
        return None if stored is None else max(0, stored - sum_of(was)) + sum_of(fed)

    def approved(kind: str, days: int, value: Callable[[Past], int]) -> Callable[[Decided], int]:
        return lambda course: max(
            (
                sum(value(one) for one, ruling in _recent(course[kind, name], past, days) if ruling is Ruling.APPROVE)
                for name in _of(past, kind)
            ),
            default=0,
        )

    def asked(days: int) -> Callable[[Decided], int]:
        return lambda course: max(
            [
                _held(past, course)[0],
                *(
                    sum(
                        _fen(one)
                        for one, ruling in _recent(course["customers", name], past, days)
                        if ruling is not Ruling.REFUSE
                    )
                    for name in past.customers
                ),
            ]
        )

    def of_order(course: Decided) -> list[Past]:
        return [one for one, ruling in course["order", past.order] if ruling is Ruling.APPROVE]

    return replace(
        facts,
        refundable_fen=max(0, facts.refundable_fen + _held(past, was)[0] - _held(past, fed)[0]),
        refunds_so_far=max(0, facts.refunds_so_far - _held(past, was)[1] + _held(past, fed)[1]),
        on_this_route_fen=max(0, facts.on_this_route_fen - _held(past, was)[2] + _held(past, fed)[2]),
        sums=replace(
            sums,
            order_fen=moved(
                sums.order_fen, lambda course: max(_held(past, course)[0], sum(map(_fen, of_order(course))))
            ),
            order_count=moved(sums.order_count, lambda course: len(of_order(course))),
            order_rejected=_rejected(past, fed) or (sums.order_rejected and not _rejected(past, was)),
            customer_day_fen=moved(sums.customer_day_fen, approved("customers", 1, _fen)),
            customer_30_days_fen=moved(sums.customer_30_days_fen, approved("customers", 30, _fen)),
            customer_30_days_count=moved(sums.customer_30_days_count, approved("customers", 30, lambda _: 1)),
            customer_orders=moved(sums.customer_orders, lambda course: _orders(past, course)),
            cashier_day_count=moved(sums.cashier_day_count, approved("cashiers", 1, lambda _: 1)),
            cashier_day_fen=moved(sums.cashier_day_fen, approved("cashiers", 1, _fen)),
            store_day_fen=moved(sums.store_day_fen, approved("store", 1, _fen)),
            key_day_count=moved(sums.key_day_count, approved("api_keys", 1, lambda _: 1)),
            key_day_fen=moved(sums.key_day_fen, approved("api_keys", 1, _fen)),
            tier_fen=moved(sums.tier_fen, asked(1)),
            together_fen=moved(sums.together_fen, asked(2)),
        ),
    )


def _fen(past: Past) -> int:
    return past.facts.amount_fen


def _day(past: Past) -> int:
    return _day_of(past.facts.at)


@cache
def _day_of(at: datetime) -> int:
    return at.astimezone(ZoneInfo("Asia/Shanghai")).date().toordinal()


def _recent(decided: list[tuple[Past, Ruling]], past: Past, days: int) -> Iterator[tuple[Past, Ruling]]:
    """Those of so many days, this one and the days before it."""
    return takewhile(lambda one: _day(past) - _day(one[0]) < days, reversed(decided))


def _of(past: Past, kind: str) -> Sequence[str]:
    match kind:
        case "order":
            return [past.order]
        case "store":
            return [past.facts.store]
        case "customers":
            return past.customers
        case "cashiers":
            return past.cashiers
    return past.api_keys


def _gone(one: Past, ruling: Ruling, at: datetime) -> bool:
    ends = one.released_at is not None and one.released_at <= at
    return ends and not (one.was_rejected and ruling is Ruling.APPROVE)


def _held(past: Past, course: Decided) -> tuple[int, int, int]:
    """(fen, refunds, fen on the same route paid by hand) that its order holds."""
    live = [
        one
        for one, ruling in course["order", past.order]
        if ruling is not Ruling.REFUSE and not _gone(one, ruling, past.facts.at)
    ]
    by_hand = [one for one in live if one.facts.route == past.facts.route != Route.ORIGINAL]
    return sum(map(_fen, live)), len(live), sum(map(_fen, by_hand))


def _rejected(past: Past, course: Decided) -> bool:
    return any(
        one.was_rejected and ruling is not Ruling.REFUSE and _gone(one, ruling, past.facts.at)
        for one, ruling in course["order", past.order]
    )


def _orders(past: Past, course: Decided) -> int:
    """Orders that any of its customers asked for refunds of in 30 days, each on the day on which it was new."""

    def of(name: str) -> int:
        counted: list[tuple[str, int]] = []
        for one, ruling in course["customers", name]:
            new = all(order != one.order or _day(one) - day >= 30 for order, day in counted)
            if ruling is not Ruling.REFUSE and new:
                counted.append((one.order, _day(one)))
        return sum(_day(past) - day < 30 for _, day in counted)

    return max(map(of, past.customers), default=0)


# --- dice -----------------------------------------------------------------------------------------------------------------


def random_rules(dice: random.Random) -> Rules:
    """A draft: the retail policy with other limits, reasons and exceptions."""
    change: dict[str, Any] = {
        "auto_approve_limit_fen": dice.choice([0, 3_000, 10_000, 40_000]),
        "auto_order_limit_fen": dice.choice([5_000, 10_000, 60_000]),
        "auto_customer_day_limit_fen": dice.choice([4_000, 20_000, 80_000]),
        "auto_cashier_day_count": dice.choice([1, 3, 10]),
        "watch_splitting": dice.random() < 0.5,
    }
    for name, values in (
        ("auto_customer_30_days_fen", [20_000, 90_000]),
        ("auto_customer_30_days_count", [2, 5]),
        ("auto_cashier_day_fen", [20_000, 60_000]),
        ("auto_store_day_fen", [50_000, 200_000]),
        ("auto_key_day_count", [5, 20]),
        ("auto_key_day_fen", [40_000, 100_000]),
        ("same_destination_count", [2, 4]),
        ("near_limit_count", [1, 3]),
    ):
        if dice.random() < 0.4:
            change[name] = dice.choice(values)
    reasons = {code: dict(rule) for code, rule in sample.RETAIL["reasons"].items()}
    for rule in reasons.values():
        rule["instant"] = dice.random() < 0.8
        rule["window_days"] = dice.choice([3, 7, 30])
    change["reasons"] = {code: rule for code, rule in reasons.items() if dice.random() < 0.9}
    if dice.random() < 0.5:
        change["exceptions"] = [{"stores": ["S1"], "reasons": ["quality"], "auto_approve_limit_fen": 20_000}]
    if dice.random() < 0.3:
        change["routes"] = ["original", "cash"]
    return read_rules({**sample.RETAIL, **change})


def random_pasts(dice: random.Random, count: int) -> list[Past]:
    """Requests of six weeks, of few orders, customers, cashiers and keys, so that they meet."""
    at, made = _START, []
    people = max(3, count // 20)
    for number in range(count):
        at += timedelta(minutes=dice.randrange(1, max(2, 2 * 60_000 // count)))
        order = f"o{dice.randrange(max(2, count // 3))}"
        by_hand = dice.random() < 0.1
        amount = dice.choice([500, 3_000, 4_500, 9_900, 12_000, 45_000])
        had_order, some = dice.choice([0, 0, 0, 5_000]), dice.random()
        customers = dice.sample([f"c{one}" for one in range(people)], k=dice.choice([0, 1, 1, 1, 2]))
        ends = dice.random() < 0.25
        made.append(
            Past(
                request_id=UUID(int=number),
                facts=Facts(
                    at=at,
                    amount_fen=amount,
                    reason=dice.choice([Reason.QUALITY, Reason.NO_REASON, Reason.GOODWILL, Reason.PRICE_ADJUSTMENT]),
                    route=dice.choice([Route.CASH, Route.STORE_CREDIT]) if by_hand else Route.ORIGINAL,
                    consent=True,
                    paid_fen=60_000,
                    refundable_fen=dice.choice([60_000, 20_000, 9_900]),
                    paid=True,
                    paid_at=at - timedelta(days=dice.choice([0, 2, 9, 60])),
                    funding="cash" if by_hand else "balance",
                    has_channel=not by_hand,
                    channel_window_days=365,
                    channel_max_refunds=dice.choice([3, 50]),
                    refunds_so_far=dice.choice([0, 0, 1, 2]),
                    terminal_enabled=True,
                    store=dice.choice(["S1", "S2"]),
                    sums=Standing(
                        order_fen=had_order,
                        order_count=bool(had_order),
                        order_rejected=some < 0.05,
                        customer_day_fen=dice.choice([0, 3_000]) if customers else None,
                        customer_30_days_fen=dice.choice([0, 30_000]) if customers else None,
                        customer_30_days_count=dice.choice([0, 1]) if customers else None,
                        customer_orders=dice.choice([0, 1]) if customers else None,
                        cashier_day_count=dice.choice([0, 1, 2]),
                        cashier_day_fen=dice.choice([0, 9_000]),
                        near_limit_count=dice.choice([0, 1]),
                        store_day_fen=0,
                        key_day_count=dice.choice([0, 3]),
                        key_day_fen=dice.choice([0, 8_000]),
                        tier_fen=dice.choice([0, 90_000]),
                        together_fen=dice.choice([0, 95_000]),
                    ),
                ),
                was=dice.choice([Ruling.APPROVE, Ruling.REVIEW]),
                order=order,
                customers=customers,
                cashiers=[f"k{dice.randrange(people)}"],
                api_keys=[f"a{dice.randrange(2)}"],
                released_at=at + timedelta(hours=dice.randrange(1, 200)) if ends else None,
                was_rejected=ends and dice.random() < 0.5,
            )
        )
    return made
