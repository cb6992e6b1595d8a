"""What the law gives the customer, whatever a merchant's policy says. A policy may give more, never less.

Sources: 消费者权益保护法 (2014) 24 (defective goods) and 25 (remote sales, and what is excluded);
侵害消费者权益行为处罚办法 (2020) 6 (deliberate delay). Days are counted from the payment, the earliest that they may begin.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from merchants.policies.fields import Extent
from merchants.policies.rules import NO_RULE, ReasonRule, Rules
from refunds.rules.facts import Facts
from refunds.states import Reason

#: A refund that takes longer is deliberate delay; people are warned before.
DELAY_DAYS = 15
DELAY_WARNING_DAY = 12

_DEFECTS = frozenset({Reason.QUALITY, Reason.NOT_AS_DESCRIBED})


@dataclass(frozen=True, slots=True)
class Statute:
    """``code`` is the verdict's line."""

    code: str
    days: int


DEFECTIVE = Statute("floor_defective", 7)
REMOTE = Statute("floor_remote", 7)


def statute(facts: Facts, rules: Rules) -> Statute | None:
    """What the law says of this request; None: nothing, the policy is free. Which articles the seven days of remote sales leave
    out (custom-made, perishable, unsealed), the merchant names by their groups.
    """
    if facts.reason in _DEFECTS and facts.days <= DEFECTIVE.days:
        return DEFECTIVE
    if facts.remote and facts.reason == Reason.NO_REASON and facts.days <= REMOTE.days:
        return None if any(group in rules.excluded_groups for group in facts.groups) else REMOTE
    return None


@lru_cache(maxsize=256)
def over(rule: ReasonRule | None, law: Statute) -> ReasonRule:
    """The merchant's rule, raised to what the law gives: all of what was paid, or the part that is asked for."""
    rule = rule or NO_RULE
    return replace(
        rule,
        extent=Extent.ANY,
        max_share_percent=100,
        min_share_percent=0,
        window_days=max(rule.window_days, law.days),
    )
