"""What a request's order, customer, cashier and API key have had before it: facts for the policy, which reads nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from core.values import value


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualCharges:
    """Payments equal to the one asked back and close to it: how many ``others``, how many of them go back already, the first
    one's number, and how much ``each`` of them is. ``key`` and ``day``: their counter.
    """

    others: int = 0
    returned: int = 0
    number: str = ""
    each_fen: int = 0
    key: str = ""
    day: date | None = None

    def count_of(self, amount_fen: int) -> int:
        """How many of the payments an amount is: of an order, several can be asked back at once."""
        return -(-amount_fen // self.each_fen) if self.each_fen else 1


@value(kw_only=True)
class Standing:
    """Amounts in fen; None: there is nobody of that kind. ``charges`` is looked up only for reasons that need a finding.
    ``refunds.intake.counters`` says who is counted, and reads it.

    ``order_fen`` is what counts towards the limit of the order, ``tier_fen`` what the tier is reckoned from, each without the
    request itself. ``order_count`` is how many of the order were approved by rule: where it has grown when the request is
    stored, something else came between.

    Of 30 days: what of a customer's was approved by rule, and how many orders they asked for refunds of (``customer_orders``).
    Of 7 days: how many of a cashier's were close to the limit. ``together_fen`` is what the order, or its customer since
    yesterday, asked for: for wishes that are split up.
    ``past`` is no fact, but what each customer's counter had of the last 30 days before today, and each cashier's of today: count
    and fen, by its key. Nor are ``budgets``: what a key's mandate was asked for, today and on the days before that it counts, and
    ``exchanged_fen``: what of the order was exchanged for goods.
    """

    order_fen: int = 0
    order_count: int = 0
    order_rejected: bool = False
    customer_day_fen: int | None = None
    customer_30_days_fen: int | None = None
    customer_30_days_count: int | None = None
    customer_orders: int | None = None
    cashier_day_count: int | None = None
    cashier_day_fen: int | None = None
    near_limit_count: int | None = None
    store_day_fen: int | None = None
    key_day_count: int | None = None
    key_day_fen: int | None = None
    tier_fen: int = 0
    together_fen: int = 0
    charges: EqualCharges | None = None
    past: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False)
    budgets: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False)
    exchanged_fen: int = field(default=0, compare=False)
