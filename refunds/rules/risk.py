"""What looks odd about a request that is within every limit. Each signal asks for a person, and says why; none refuses.

A merchant says what is watched and from which number on. What is not watched, or not known, has no line.
"""

from datetime import timedelta
from typing import NamedTuple

from merchants.policies.rules import Rules
from refunds.rules.facts import Facts

#: So close below a limit, so often in so many days: somebody knows the limit.
NEAR_PERCENT = 90
NEAR_DAYS = 7
#: Refunds to one customer are counted over so many days.
CUSTOMER_DAYS = 30

_MINUTE = timedelta(minutes=1)


class Signal(NamedTuple):
    """A line of the verdict."""

    code: str
    passed: bool
    actual: str
    limit: str


def is_near(amount_fen: int, limit_fen: int) -> bool:
    """Whether an amount lies just below a limit."""
    return limit_fen * NEAR_PERCENT <= amount_fen * 100 <= limit_fen * 100


def signals(facts: Facts, rules: Rules, *, limit_fen: int) -> list[Signal]:
    """The lines about what is watched; ``limit_fen`` is what this request may have without a person."""
    found = []
    sums = facts.sums
    if (most := rules.near_limit_count) is not None and sums.near_limit_count is not None:
        number = sums.near_limit_count + 1
        if is_near(facts.amount_fen, limit_fen):
            found.append(Signal("near_limit", number < most, str(number), str(most)))
    if facts.seen_on:
        found.append(Signal("new_evidence", passed=False, actual=facts.seen_on, limit="new"))
    if (least := rules.soon_after_sale_minutes) is not None:
        minutes = max(0, (facts.at - facts.paid_at) // _MINUTE)
        found.append(Signal("soon_after_sale", facts.at - facts.paid_at > least * _MINUTE, str(minutes), str(least)))
    if rules.watch_opening_hours and facts.store_open is not None:
        state = "open" if facts.store_open else "shut"
        found.append(Signal("opening_hours", facts.store_open, state, "open"))
    if (most := rules.same_destination_count) is not None and sums.customer_orders is not None:
        # An order that had a refund before is counted already.
        number = sums.customer_orders + (0 if sums.order_fen else 1)
        found.append(Signal("same_destination", number < most, str(number), str(most)))
    return found
