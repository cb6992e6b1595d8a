"""The finitely many kinds of requests that a policy tells apart, and the engine asked about one of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from merchants.policies.fields import Extent
from merchants.policies.rules import ReasonRule, Rules
from refunds.rules.facts import Facts
from refunds.rules.finding import Example
from refunds.rules.policy import NEEDS_FINDING, Verdict, judge
from refunds.rules.standing import EqualCharges, Standing
from refunds.states import Reason

REASONS: tuple[str, ...] = tuple(Reason.values)
_NOON = datetime(2026, 1, 1, 4, tzinfo=UTC)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request: any store, article group and reason that the rules tell apart."""

    store: str
    group: str
    reason: str


class Cases:
    """The finitely many kinds of requests that a policy tells apart. Stores and groups that the same rules name are one."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._naming = [*(one.stores for one in rules.exceptions), *(tier.stores for tier in rules.tiers)]
        self.stores = ("", *_representatives(self._naming))
        excluded = frozenset(rules.excluded_groups)
        self.groups = ("", *_representatives([*(one.groups for one in rules.exceptions), excluded]))
        self.all = [Case(store, group, reason) for store in self.stores for group in self.groups for reason in REASONS]

    def stands_for(self, store: str) -> str:
        """The one of ``stores`` that the same rules name."""
        return next(
            one
            for one in self.stores
            if all((one in (names or ())) is (store in (names or ())) for names in self._naming)
        )

    @cached_property
    def rule_of(self) -> dict[Case, ReasonRule | None]:
        return {case: rule_of(self.rules, case) for case in self.all}

    @cached_property
    def kinds(self) -> dict[tuple[str, ReasonRule], list[Case]]:
        """Cases by reason and rule: what holds for one of them holds for all."""
        found: dict[tuple[str, ReasonRule], list[Case]] = {}
        for case, rule in self.rule_of.items():
            if rule is not None:
                found.setdefault((case.reason, rule), []).append(case)
        return found

    @cached_property
    def largest_single_fen(self) -> int:
        """The most that one request is given without a person."""
        limits = [single_limit(self.rules, rule) for _, rule in self.kinds if rule.instant]
        return min(max(limits, default=0), self.rules.order_limit_fen)

    def example(self, amount_fen: int, case: Case, rule: ReasonRule | None = None) -> Example:
        amount = max(1, amount_fen)
        paid = amount if rule is None else _paid_for(amount, rule)
        return Example(amount_fen=amount, paid_fen=paid, reason=case.reason, store=case.store, group=case.group)


def _representatives(sets: Iterable[frozenset[str] | None]) -> Sequence[str]:
    named: dict[str, list[int]] = {}
    for number, names in enumerate(sets):
        for name in sorted(names or ()):
            named.setdefault(name, []).append(number)
    return list({tuple(numbers): name for name, numbers in sorted(named.items(), reverse=True)}.values())[::-1]


def rule_of(rules: Rules, case: Case) -> ReasonRule | None:
    """The rule that holds in this kind of case, if there is one."""
    return rules.rule_for(case.reason, store=case.store, groups=(case.group,))


def single_limit(rules: Rules, rule: ReasonRule) -> int:
    """Up to which amount (fen) one refund is approved by rule: the reason's own limit, else the policy's."""
    return rules.auto_approve_limit_fen if rule.auto_approve_limit_fen is None else rule.auto_approve_limit_fen


def _paid_for(amount_fen: int, rule: ReasonRule) -> int:
    """A sale of which the amount is a share that the rule allows, if there is one."""
    if rule.extent in (Extent.FULL, Extent.ANY) and rule.max_share_percent >= 100:
        return amount_fen
    # Rounded up, so that the share is not above the largest one.
    return max(amount_fen + (rule.extent == Extent.PARTIAL), -(-amount_fen * 100 // rule.max_share_percent))


def as_share(most_fen: int, rule: ReasonRule) -> int:
    """The largest amount up to this one that is an allowed share of some sale; 0: none is. Of a rule that gives exactly a third
    back not every amount is.
    """
    least = rule.min_share_percent
    # Every hundredth amount is any share.
    for amount in range(most_fen, max(0, most_fen - 100), -1):
        if not least or amount * 100 >= _paid_for(amount, rule) * least:
            return amount
    return 0


def judged(rules: Rules, rule: ReasonRule, example: Example) -> Verdict:
    """The engine on the example, by the rule that holds for its kind of case."""
    alone = replace(rules, reasons={example.reason: rule}, exceptions=(), tiers=rules.tiers_in(example.store))
    waited = timedelta(minutes=1 + (rules.soon_after_sale_minutes or 0))
    return judge(facts=plain_facts(rule, example, waited=waited), rules=alone, policy_version=0)


def plain_facts(rule: ReasonRule, example: Example, *, waited: timedelta = _HOUR) -> Facts:
    """A request against which nothing speaks but the rules: the first of its day, of a stranger, agreed to, with all proof."""
    return Facts(
        at=_NOON + timedelta(days=example.days),
        amount_fen=example.amount_fen,
        reason=example.reason,
        route=example.route,
        consent=True,
        paid_fen=example.paid_fen,
        refundable_fen=example.paid_fen,
        paid=True,
        paid_at=_NOON - waited,
        funding=example.funding,
        has_channel=True,
        channel_window_days=3650,
        channel_max_refunds=50,
        refunds_so_far=0,
        terminal_enabled=True,
        groups=(example.group,) if example.group else (),
        remote=example.remote,
        goods_received=True,
        evidence=rule.evidence_required,
        sums=Standing(
            cashier_day_count=0,
            cashier_day_fen=0,
            store_day_fen=0,
            charges=_TWICE if example.reason in NEEDS_FINDING else None,
        ),
    )


#: What reasons that need a finding find.
_TWICE = EqualCharges(others=1, number="example")
