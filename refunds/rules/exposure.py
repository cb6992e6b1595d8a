"""The most that somebody could have paid out in a day without another person looking, and the requests that get there.

An upper bound from the rules alone, pure: it takes for granted that there are sales enough, of customers whom nobody knows, and
that whatever evidence is asked for can be made. ``amount_fen`` None: the policy sets no end to the day, only to each refund.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from merchants.policies.rules import ReasonRule, Rules
from refunds.rules.cases import Case, Cases, as_share, judged, single_limit
from refunds.rules.finding import Example
from refunds.rules.policy import NEEDS_FINDING, Ruling
from refunds.rules.risk import NEAR_PERCENT
from refunds.states import Reason

#: As many steps as are shown; the rest repeats the last.
MOST_STEPS = 50
#: Shown where a role decides any amount.
ANY_AMOUNT = 1_000_000_00


class Who(StrEnum):
    """Those who could act. A reviewer, manager or owner acts together with a cashier, who asks."""

    CASHIER = "cashier"
    KEY = "key"
    CUSTOMER = "customer"
    REVIEWER = "reviewer"
    MANAGER = "manager"
    OWNER = "owner"


WHO: dict[Who, Promise] = {
    Who.CASHIER: _("One cashier"),
    Who.KEY: _("One API key"),
    Who.CUSTOMER: _("One known customer"),
    Who.REVIEWER: _("A reviewer and a cashier together"),
    Who.MANAGER: _("A manager and a cashier together"),
    Who.OWNER: _("An owner and a cashier together"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the sequence; ``order`` numbers the sales."""

    order: int
    request: Example


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """``each_fen`` is the largest single refund, None: of any amount; ``count`` how many they are. Where there are more than
    ``steps``, the last one repeats. ``store`` is "" for those that no rule names.
    """

    who: Who
    store: str
    amount_fen: int | None
    each_fen: int | None
    steps: tuple[Step, ...]
    count: int | None = None

    @property
    def label(self) -> Promise:
        return WHO[self.who]


def exposures(rules: Rules) -> tuple[Exposure, ...]:
    """By role and store. Stores that the same rules name stand for each other."""
    cases = Cases(rules)
    return tuple(found for store in cases.stores for found in _in_store(cases, store))


def exposure(rules: Rules, who: Who, *, store: str = "") -> Exposure:
    """Of one of them in one store, by its code."""
    cases = Cases(rules)
    return next(found for found in _in_store(cases, cases.stands_for(store)) if found.who is who)


def _in_store(cases: Cases, store: str) -> Iterator[Exposure]:
    rules, largest = cases.rules, _largest(cases, store)
    day = rules.auto_store_day_fen
    alone = _sum(
        Who.CASHIER,
        store,
        largest,
        count=rules.auto_cashier_day_count,
        limits=[rules.auto_cashier_day_fen, day],
        near=None if rules.near_limit_count is None else rules.near_limit_count - 1,
    )
    yield alone
    # Whoever holds a key names whatever cashier they like: no limit of a cashier binds them.
    yield _sum(Who.KEY, store, largest, count=rules.auto_key_day_count, limits=[rules.auto_key_day_fen, day])
    yield _of_customer(rules, store, largest)
    for who in (Who.REVIEWER, Who.MANAGER, Who.OWNER):
        yield _together(rules, who, store, alone)


@dataclass(frozen=True, slots=True)
class _Size:
    """A kind of request that is approved by rule, and up to which amount."""

    cases: Cases
    case: Case
    rule: ReasonRule
    amount_fen: int

    def of(self, most_fen: int) -> Example:
        """One of so much at most, and of a sale that it is an allowed share of."""
        amount = as_share(min(most_fen, self.amount_fen), self.rule)
        return self.cases.example(amount or most_fen, self.case, self.rule)


@dataclass(frozen=True, slots=True)
class _Largest:
    """The largest request that is approved by rule, and the largest that does not count as close to its limit; None: none is."""

    any: _Size | None
    far: _Size | None


def _largest(cases: Cases, store: str) -> _Largest:
    found: list[tuple[_Size, bool]] = []
    for case, rule in cases.rule_of.items():
        if case.store != store or rule is None:
            continue
        for amount, is_far in _amounts(cases.rules, rule):
            example = cases.example(amount, case, rule)
            if amount > 0 and judged(cases.rules, rule, example).decision is Ruling.APPROVE:
                found.append((_Size(cases, case, rule, amount), is_far))
    return _Largest(
        any=max((one for one, _ in found), key=_ease, default=None),
        far=max((one for one, is_far in found if is_far), key=_ease, default=None),
    )


def _ease(size: _Size) -> tuple[int, bool]:
    """The larger one; of equal ones, one that takes no finding."""
    return size.amount_fen, size.case.reason not in NEEDS_FINDING


def _amounts(rules: Rules, rule: ReasonRule) -> Iterator[tuple[int, bool]]:
    """The largest amounts that may be approved, and whether they lie far enough below the limit."""
    limit = single_limit(rules, rule)
    caps = [limit, rules.order_limit_fen, rules.auto_cashier_day_fen, rules.auto_store_day_fen]
    most = min(cap for cap in caps if cap is not None)
    far = (limit * NEAR_PERCENT - 1) // 100
    most, far = as_share(most, rule), as_share(min(most, far), rule)
    yield most, most <= far
    yield far, True


def _sum(
    who: Who,
    store: str,
    largest: _Largest,
    *,
    count: int | None,
    limits: Iterable[int | None],
    near: int | None = None,
    of_order: tuple[int, int] | None = None,
) -> Exposure:
    """As many as there may be, the largest first, up to the day's limit. ``near``: so many of them may be close to their limit.
    ``of_order``: of so many orders, so much each; the other way round every request has an order of its own.
    """
    day = min((limit for limit in limits if limit is not None), default=None)
    if of_order is not None:
        day = of_order[0] * of_order[1] if day is None else min(day, of_order[0] * of_order[1])
    first = largest.any if near != 0 else largest.far
    if first is None:
        return Exposure(who=who, store=store, amount_fen=0, each_fen=0, steps=())
    if day is None and count is None:
        return Exposure(
            who=who,
            store=store,
            amount_fen=None,
            each_fen=first.amount_fen,
            steps=(Step(1, first.of(first.amount_fen)),),
        )
    steps: list[Step] = []
    total, number, order, of_this = 0, 0, 1, 0
    while (count is None or number < count) and (day is None or total < day):
        size = largest.any if near is None or number < near else largest.far
        if size is None:
            break
        amount = size.amount_fen if day is None else min(size.amount_fen, day - total)
        if of_order is not None and of_this + amount > of_order[1]:
            amount = of_order[1] - of_this
        if number >= MOST_STEPS and (near is None or number >= near) and of_order is None:
            # From here on all are alike.
            left = [bound for bound in (count and count - number, day and (day - total) // amount) if bound is not None]
            total += max(1, min(left)) * amount
            number += max(1, min(left))
            continue
        steps.append(Step(order, size.of(amount)))
        total, number, of_this = total + amount, number + 1, of_this + amount
        if of_order is None or of_this >= of_order[1]:
            order, of_this = order + 1, 0
    return Exposure(
        who=who, store=store, amount_fen=total, each_fen=first.amount_fen, count=number, steps=tuple(steps[:MOST_STEPS])
    )


def _of_customer(rules: Rules, store: str, largest: _Largest) -> Exposure:
    """Known by a phone or a card: several sums hold them, and what is split up goes to a person."""
    limits = [rules.customer_day_limit_fen, rules.auto_customer_30_days_fen, rules.auto_store_day_fen]
    if rules.watch_splitting and largest.any is not None:
        limits.append(rules.tier_for(largest.any.amount_fen, store=store).limit_fen)
    orders = rules.same_destination_count
    return _sum(
        Who.CUSTOMER,
        store,
        largest,
        count=rules.auto_customer_30_days_count,
        limits=limits,
        of_order=None if orders is None else (orders - 1, rules.order_limit_fen),
    )


def _together(rules: Rules, who: Who, store: str, alone: Exposure) -> Exposure:
    """One asks, the other approves all that one person may: the policy counts nothing that a person has approved. Never less than
    the cashier gets ``alone``.
    """
    mine = [tier for tier in rules.tiers_in(store) if who.value in tier.roles]
    bounds = [bound for bound in (mine[-1].limit_fen if mine else 0, rules.four_eyes_above_fen) if bound is not None]
    each = min(bounds, default=None)
    if each == 0:
        return replace(alone, who=who)
    if each is not None:
        each = max(each, alone.each_fen or 0)
    shown = each or ANY_AMOUNT
    example = Example(amount_fen=shown, paid_fen=shown, reason=Reason.GOODWILL, store=store)
    return Exposure(who=who, store=store, amount_fen=None, each_fen=each, steps=(Step(1, example),))
