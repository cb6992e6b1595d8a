"""A draft judges the past again, in order of time. Pure: the past comes in, what the draft says of it goes out.

Two answers for each request. **As it was**: the draft on exactly the facts that judged the request. **With feedback**: on the
facts as they would have been had the draft decided all that came before in the period. What it approves by rule counts towards
the sums of order, customer, cashier, store and key, and nobody rejects it afterwards; what it refuses was never stored, so it
counts nowhere and holds nothing of its sale. A sum with feedback is the stored one, less what the period's own decisions had
put into it, plus what the draft's would have; where the policy of then counted nothing, what the draft's come to. What people,
customers and channels did stays as it was, and so do signals that depend on the limit of another day.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush
from typing import Any, NamedTuple, Self
from uuid import UUID

from core.calendar import SHANGHAI
from merchants.policies.rules import Rules
from refunds.rules.facts import Facts
from refunds.rules.policy import Ruling, Verdict, judge
from refunds.rules.risk import CUSTOMER_DAYS
from refunds.states import BY_HAND


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A request as it was judged first. ``released_at``: since when it holds nothing of its sale any more; ``was_rejected``: a
    person rejected it then. Parties are the names under which they are counted, whatever the day.
    """

    request_id: UUID
    facts: Facts
    was: Ruling
    order: str
    customers: Sequence[str] = ()
    cashiers: Sequence[str] = ()
    api_keys: Sequence[str] = ()
    released_at: datetime | None = None
    was_rejected: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """The draft's two verdicts on one request; ``fed`` is the same object as ``plain`` where feedback changes nothing. ``facts``
    are those with feedback.
    """

    past: Past
    plain: Verdict
    fed: Verdict
    facts: Facts

    @property
    def is_changed(self) -> bool:
        return self.plain.decision is not self.past.was or self.fed.decision is not self.past.was


def replayed(*, pasts: Iterable[Past], rules: Rules) -> Iterator[Tried]:
    """The draft on each request, in the order given, which is that of time."""
    was, fed = _Course(), _Course()
    #: Names whose sums differ between the two courses; what touches none of them is judged once.
    apart: set[str] = set()
    # What has no limit is not counted: of a store or key the stored sum may be nothing.
    always = (rules.auto_store_day_fen, rules.auto_key_day_count, rules.auto_key_day_fen) != (None, None, None)
    releases: list[tuple[datetime, int, Past, Ruling]] = []
    for number, past in enumerate(pasts):
        while releases and releases[0][0] <= past.facts.at:
            _, _, ended, decided = heappop(releases)
            was.release(ended, ended.was)
            fed.release(ended, decided)
        plain = fed_verdict = judge(facts=past.facts, rules=rules, policy_version=0)
        names = _Names.of(past)
        facts = past.facts
        if always or not apart.isdisjoint(names.everybody):
            facts = _with_feedback(past, names, was, fed)
            if facts is not past.facts:
                fed_verdict = judge(facts=facts, rules=rules, policy_version=0)
        was.add(past, names, past.was)
        fed.add(past, names, fed_verdict.decision)
        if fed_verdict.decision is not past.was:
            apart.update(names.everybody)
        if past.released_at is not None:
            heappush(releases, (past.released_at, number, past, fed_verdict.decision))
        yield Tried(past, plain, fed_verdict, facts)


class _Names(NamedTuple):
    """Everybody whose sums a request reads, each kind apart, and the calendar day in China, counted."""

    order: str
    store: str
    customers: Sequence[str]
    cashiers: Sequence[str]
    api_keys: Sequence[str]
    day: int

    @classmethod
    def of(cls, past: Past) -> Self:
        return cls(
            f"order {past.order}",
            f"store {past.facts.store}",
            [f"customer {name}" for name in past.customers],
            [f"cashier {name}" for name in past.cashiers],
            [f"key {name}" for name in past.api_keys],
            past.facts.at.astimezone(SHANGHAI).toordinal(),
        )

    @property
    def of_days(self) -> list[str]:
        """Those that are counted by the day."""
        return [self.store, *self.customers, *self.cashiers, *self.api_keys]

    @property
    def everybody(self) -> list[str]:
        return [self.order, *self.of_days]


@dataclass(slots=True)
class _Order:
    """What an order holds, and what of it was approved by rule."""

    held_fen: int = 0
    live: int = 0
    approved_fen: int = 0
    approved: int = 0
    is_rejected: bool = False
    by_route: dict[str, int] = field(default_factory=dict)

    @property
    def counted_fen(self) -> int:
        return max(self.held_fen, self.approved_fen)


@dataclass(slots=True)
class _Day:
    """Of somebody's day: what was approved by rule, what was asked for, and for how many orders that they had not asked for."""

    count: int = 0
    fen: int = 0
    asked_fen: int = 0
    orders: int = 0


class _OfCustomers(NamedTuple):
    """The largest sum of any of a request's customers: of its day, of the 30 days that end with it, and since the day before."""

    day_fen: int = 0
    month_fen: int = 0
    month_count: int = 0
    month_orders: int = 0
    asked_fen: int = 0
    asked_since_yesterday_fen: int = 0


class _Course:
    """The sums under one course of decisions."""

    def __init__(self) -> None:
        self.orders: defaultdict[str, _Order] = defaultdict(_Order)
        self._days: defaultdict[str, defaultdict[int, _Day]] = defaultdict(lambda: defaultdict(_Day))
        self._asked: dict[tuple[str, str], int] = {}

    def add(self, past: Past, names: _Names, decision: Ruling) -> None:
        if decision is Ruling.REFUSE:
            return
        amount, day, order = past.facts.amount_fen, names.day, self.orders[names.order]
        order.held_fen += amount
        order.live += 1
        if (route := past.facts.route) in BY_HAND:
            order.by_route[route] = order.by_route.get(route, 0) + amount
        for name in names.customers:
            of_day = self._days[name][day]
            of_day.asked_fen += amount
            if self._asked.get((name, names.order), day - CUSTOMER_DAYS) <= day - CUSTOMER_DAYS:
                self._asked[name, names.order] = day
                of_day.orders += 1
        if decision is Ruling.APPROVE:
            order.approved_fen += amount
            order.approved += 1
            for name in names.of_days:
                of_day = self._days[name][day]
                of_day.fen += amount
                of_day.count += 1

    def release(self, past: Past, decision: Ruling) -> None:
        """At the end of a request that holds nothing any more. Nobody rejects what was approved by rule."""
        if decision is Ruling.REFUSE or (past.was_rejected and decision is Ruling.APPROVE):
            return
        order, amount = self.orders[f"order {past.order}"], past.facts.amount_fen
        order.held_fen -= amount
        order.live -= 1
        if (route := past.facts.route) in order.by_route:
            order.by_route[route] -= amount
        order.is_rejected = order.is_rejected or past.was_rejected

    def of_day(self, names: Sequence[str], day: int) -> tuple[int, int]:
        """How many were approved by rule on a day, and fen: the most of any of them."""
        count = fen = 0
        for name in names:
            if name in self._days and (one := self._days[name].get(day)) is not None:
                count, fen = max(count, one.count), max(fen, one.fen)
        return count, fen

    def of_customers(self, names: Sequence[str], day: int) -> _OfCustomers:
        of_each = [self._of_customer(self._days[name], day) for name in names if name in self._days]
        if len(of_each) < 2:
            return of_each[0] if of_each else _NOBODY
        return _OfCustomers(*map(max, *of_each))

    @staticmethod
    def _of_customer(days: Mapping[int, _Day], today: int) -> _OfCustomers:
        month = (days[day] for day in range(today - CUSTOMER_DAYS + 1, today + 1) if day in days)
        if len(days) < CUSTOMER_DAYS:
            month = (one for day, one in days.items() if today - CUSTOMER_DAYS < day <= today)
        fen = count = orders = 0
        for one in month:
            fen += one.fen
            count += one.count
            orders += one.orders
        of_today, of_yesterday = days.get(today, _NOTHING), days.get(today - 1, _NOTHING)
        asked_fen = of_today.asked_fen
        return _OfCustomers(of_today.fen, fen, count, orders, asked_fen, asked_fen + of_yesterday.asked_fen)


_NOTHING, _NOBODY = _Day(), _OfCustomers()


def _with_feedback(past: Past, names: _Names, was: _Course, fed: _Course) -> Facts:
    """The facts as they would have been; the same object where nothing differs."""
    facts, sums, day = past.facts, past.facts.sums, names.day
    before, after = was.orders[names.order], fed.orders[names.order]
    of_customers = list(
        zip(was.of_customers(names.customers, day), fed.of_customers(names.customers, day), strict=True)
    )
    day_fen, month_fen, month_count, month_orders, asked, asked_since_yesterday = of_customers
    cashier_count, cashier_fen = zip(was.of_day(names.cashiers, day), fed.of_day(names.cashiers, day), strict=True)
    _, store_fen = zip(was.of_day([names.store], day), fed.of_day([names.store], day), strict=True)
    key_count, key_fen = zip(was.of_day(names.api_keys, day), fed.of_day(names.api_keys, day), strict=True)
    moved_sums: dict[str, Any] = {
        "order_fen": _known(sums.order_fen, (before.counted_fen, after.counted_fen)),
        "order_count": _known(sums.order_count, (before.approved, after.approved)),
        # Rejected by what came before the period, or by what this course rejects as well.
        "order_rejected": after.is_rejected or (sums.order_rejected and not before.is_rejected),
        "customer_day_fen": _moved(sums.customer_day_fen, day_fen),
        "customer_30_days_fen": _moved(sums.customer_30_days_fen, month_fen),
        "customer_30_days_count": _moved(sums.customer_30_days_count, month_count),
        "customer_orders": _moved(sums.customer_orders, month_orders),
        "cashier_day_count": _moved(sums.cashier_day_count, cashier_count),
        "cashier_day_fen": _moved(sums.cashier_day_fen, cashier_fen),
        "store_day_fen": _moved(sums.store_day_fen, store_fen),
        "key_day_count": _moved(sums.key_day_count, key_count),
        "key_day_fen": _moved(sums.key_day_fen, key_fen),
        "tier_fen": _known(sums.tier_fen, (max(before.held_fen, asked[0]), max(after.held_fen, asked[1]))),
        "together_fen": _known(
            sums.together_fen,
            (max(before.held_fen, asked_since_yesterday[0]), max(after.held_fen, asked_since_yesterday[1])),
        ),
    }
    route_less = before.by_route.get(facts.route, 0) - after.by_route.get(facts.route, 0)
    moved_facts: dict[str, Any] = {
        "refundable_fen": max(0, facts.refundable_fen + before.held_fen - after.held_fen),
        "refunds_so_far": max(0, facts.refunds_so_far - before.live + after.live),
        "on_this_route_fen": max(0, facts.on_this_route_fen - route_less),
    }
    if any(getattr(sums, name) != moved for name, moved in moved_sums.items()):
        moved_facts["sums"] = replace(sums, **moved_sums)
    if all(getattr(facts, name) == moved for name, moved in moved_facts.items()):
        return facts
    return replace(facts, **moved_facts)


def _known(stored: int, courses: tuple[int, int]) -> int:
    """A stored sum, moved by what the two courses of decisions make of it."""
    before, after = courses
    return (stored - before if stored > before else 0) + after


def _moved(stored: int | None, courses: tuple[int, int]) -> int | None:
    """The same, or None where there is nobody of that kind."""
    return None if stored is None else _known(stored, courses)
