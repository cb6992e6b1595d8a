"""A draft judges the past again, in order of time. Pure: the past comes in, what the draft says of it goes out.

Two answers for each request. **As it was**: the draft on exactly the facts that judged the request. **With feedback**: on the
facts as they would have been had the draft decided all that came before in the period. What it approves by rule counts towards
the sums of order, customer, cashier, store and key, and nobody rejects it afterwards; what it refuses was never stored, so it
counts nowhere and holds nothing of its sale. A sum with feedback is the stored one, less what the period's own decisions had
put into it, plus what the draft's would have; where the policy of then counted nothing, what the draft's come to. What people,
customers and channels did stays as it was, and so do signals that depend on the limit of another day.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush
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
        names = _names(past)
        facts = past.facts
        if always or not apart.isdisjoint(names):
            facts = _with_feedback(past, was, fed)
            if facts != past.facts:
                fed_verdict = judge(facts=facts, rules=rules, policy_version=0)
        was.add(past, past.was)
        fed.add(past, fed_verdict.decision)
        if fed_verdict.decision is not past.was:
            apart.update(names)
        if past.released_at is not None:
            heappush(releases, (past.released_at, number, past, fed_verdict.decision))
        yield Tried(past, plain, fed_verdict, facts)


def _names(past: Past) -> list[str]:
    """Everybody whose sums a request reads, each kind apart."""
    return [
        f"order {past.order}",
        f"store {past.facts.store}",
        *(f"customer {name}" for name in past.customers),
        *(f"cashier {name}" for name in past.cashiers),
        *(f"key {name}" for name in past.api_keys),
    ]


@dataclass(slots=True)
class _Order:
    """What an order holds, and what of it was approved by rule."""

    held_fen: int = 0
    live: int = 0
    approved_fen: int = 0
    approved: int = 0
    is_rejected: bool = False
    by_route: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Day:
    """Of somebody's day: what was approved by rule, what was asked for, and for how many orders that they had not asked for."""

    count: int = 0
    fen: int = 0
    asked_fen: int = 0
    orders: int = 0


class _Course:
    """The sums under one course of decisions."""

    def __init__(self) -> None:
        self.orders: defaultdict[str, _Order] = defaultdict(_Order)
        self.days: defaultdict[str, defaultdict[int, _Day]] = defaultdict(lambda: defaultdict(_Day))
        self._asked: dict[tuple[str, str], int] = {}

    def add(self, past: Past, decision: Ruling) -> None:
        if decision is Ruling.REFUSE:
            return
        amount, day, order = past.facts.amount_fen, _day(past), self.orders[past.order]
        order.held_fen += amount
        order.live += 1
        if (route := past.facts.route) in BY_HAND:
            order.by_route[route] = order.by_route.get(route, 0) + amount
        for name in past.customers:
            of_day = self.days[f"customer {name}"][day]
            of_day.asked_fen += amount
            if self._asked.get((name, past.order), day - CUSTOMER_DAYS) <= day - CUSTOMER_DAYS:
                self._asked[name, past.order] = day
                of_day.orders += 1
        if decision is Ruling.APPROVE:
            order.approved_fen += amount
            order.approved += 1
            for name in _names(past)[1:]:
                of_day = self.days[name][day]
                of_day.fen += amount
                of_day.count += 1

    def release(self, past: Past, decision: Ruling) -> None:
        """At the end of a request that holds nothing any more. Nobody rejects what was approved by rule."""
        if decision is Ruling.REFUSE or (past.was_rejected and decision is Ruling.APPROVE):
            return
        order, amount = self.orders[past.order], past.facts.amount_fen
        order.held_fen -= amount
        order.live -= 1
        if (route := past.facts.route) in order.by_route:
            order.by_route[route] -= amount
        order.is_rejected = order.is_rejected or past.was_rejected

    def most(self, kind: str, names: Sequence[str], value: Callable[[_Day], int], first: int, last: int) -> int:
        """The largest sum of any of them, of the days from ``first`` to ``last``."""
        return max((self._sum(f"{kind} {name}", value, first, last) for name in names), default=0)

    def _sum(self, name: str, value: Callable[[_Day], int], first: int, last: int) -> int:
        if (days := self.days.get(name)) is None:
            return 0
        if first == last:
            return value(days[last]) if last in days else 0
        return sum(value(days[day]) for day in range(first, last + 1) if day in days)


def _day(past: Past) -> int:
    """The calendar day in China, counted."""
    return past.facts.at.astimezone(SHANGHAI).toordinal()


def _with_feedback(past: Past, was: _Course, fed: _Course) -> Facts:
    """The facts as they would have been."""
    facts, sums, day = past.facts, past.facts.sums, _day(past)
    before, after = was.orders[past.order], fed.orders[past.order]
    month = day - CUSTOMER_DAYS + 1

    def known(stored: int, course: Callable[[_Course], int]) -> int:
        """A stored sum, moved by what the two courses of decisions make of it."""
        return max(stored - course(was), 0) + course(fed)

    def moved(stored: int | None, course: Callable[[_Course], int]) -> int | None:
        """The same, or None where there is nobody of that kind."""
        return None if stored is None else known(stored, course)

    def of_days(kind: str, names: Sequence[str], value: Callable[[_Day], int], first: int) -> Callable[[_Course], int]:
        return lambda course: course.most(kind, names, value, first, day)

    def asked_since(first: int) -> Callable[[_Course], int]:
        return lambda course: max(
            course.orders[past.order].held_fen,
            course.most("customer", past.customers, lambda one: one.asked_fen, first, day),
        )

    held_less = before.held_fen - after.held_fen
    live_less = before.live - after.live
    on_route_less = before.by_route.get(facts.route, 0) - after.by_route.get(facts.route, 0)
    # Rejected by what came before the period, or by what this course rejects as well.
    is_rejected = after.is_rejected or (sums.order_rejected and not before.is_rejected)
    return replace(
        facts,
        refundable_fen=max(0, facts.refundable_fen + held_less),
        refunds_so_far=max(0, facts.refunds_so_far - live_less),
        on_this_route_fen=max(0, facts.on_this_route_fen - on_route_less),
        sums=replace(
            sums,
            order_fen=known(sums.order_fen, lambda one: _order_fen(one.orders[past.order])),
            order_count=known(sums.order_count, lambda one: one.orders[past.order].approved),
            order_rejected=is_rejected,
            customer_day_fen=moved(sums.customer_day_fen, of_days("customer", past.customers, _fen, day)),
            customer_30_days_fen=moved(sums.customer_30_days_fen, of_days("customer", past.customers, _fen, month)),
            customer_30_days_count=moved(
                sums.customer_30_days_count, of_days("customer", past.customers, _count, month)
            ),
            customer_orders=moved(sums.customer_orders, of_days("customer", past.customers, _orders, month)),
            cashier_day_count=moved(sums.cashier_day_count, of_days("cashier", past.cashiers, _count, day)),
            cashier_day_fen=moved(sums.cashier_day_fen, of_days("cashier", past.cashiers, _fen, day)),
            store_day_fen=moved(sums.store_day_fen, of_days("store", [facts.store], _fen, day)),
            key_day_count=moved(sums.key_day_count, of_days("key", past.api_keys, _count, day)),
            key_day_fen=moved(sums.key_day_fen, of_days("key", past.api_keys, _fen, day)),
            tier_fen=known(sums.tier_fen, asked_since(day)),
            together_fen=known(sums.together_fen, asked_since(day - 1)),
        ),
    )


def _order_fen(order: _Order) -> int:
    return max(order.held_fen, order.approved_fen)


def _fen(day: _Day) -> int:
    return day.fen


def _count(day: _Day) -> int:
    return day.count


def _orders(day: _Day) -> int:
    return day.orders
