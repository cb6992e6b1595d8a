"""What a request's order, customer, cashier and API key have had before it: facts for the policy, which reads nothing itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Amounts in fen; None: there is nobody of that kind. ``refunds.intake.counters`` says who is counted, and reads it.

    ``order_fen`` is what counts towards the limit of the order, ``tier_fen`` what the tier is reckoned from, each without the
    request itself. ``order_count`` is how many of the order were approved by rule: where it has grown when the request is
    stored, something else came between.
    """

    order_fen: int = 0
    order_count: int = 0
    order_rejected: bool = False
    customer_day_fen: int | None = None
    cashier_day_count: int | None = None
    key_day_count: int | None = None
    key_day_fen: int | None = None
    tier_fen: int = 0
