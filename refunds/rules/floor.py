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
    law = law_of(facts.reason, remote=facts.remote)
    if law is None or facts.days > law.days:
        return None
    return None if law is REMOTE and any(group in rules.excluded_groups for group in facts.groups) else law


def law_of(reason: str, *, remote: bool) -> Statute | None:
    """What the law says of a reason, by how it was sold."""
    if reason in _DEFECTS:
        return DEFECTIVE
    return REMOTE if remote and reason == Reason.NO_REASON else None


#: What of a rule the law may raise.
_RAISED = ("extent", "max_share_percent", "min_share_percent", "window_days")


def below(rule: ReasonRule, law: Statute) -> dict[str, str | int]:
    """In which fields the law goes further than a rule, and what they come to there."""
    raised = over(rule, law)
    return {name: getattr(raised, name) for name in _RAISED if getattr(raised, name) != getattr(rule, name)}


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
