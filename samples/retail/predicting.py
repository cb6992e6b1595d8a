"""Whether a trial of a draft on some months of a real shop's returns predicts what the draft decides in the months after.

No database: facts are made of the file's sales and credit notes. There is no payment channel, cashier or approval in it, so that
what a policy says of those stays silent; every return counts as one that the channel would still take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from analytics.trials.replay import Past, replayed
from core.calendar import SHANGHAI
from merchants.policies.rules import Rules
from refunds.rules.facts import Facts
from refunds.rules.policy import Ruling
from refunds.rules.standing import Standing
from refunds.states import Route
from samples.retail.lines import Kind, Line, opened
from samples.retail.loader import order_no_of
from samples.retail.matching import match_file
from samples.retail.wishes import REASON, wishes

#: The months that the draft is tried on, and those that it is held against.
TRIED = datetime(2010, 12, 1, tzinfo=SHANGHAI), datetime(2011, 6, 1, tzinfo=SHANGHAI)
APPLIED = datetime(2011, 6, 1, tzinfo=SHANGHAI), datetime(2011, 9, 1, tzinfo=SHANGHAI)


@dataclass(frozen=True, slots=True)
class Predicted:
    """Shares of one decision, in percent of the requests of each period."""

    decision: Ruling
    tried: float
    applied: float

    @property
    def points(self) -> float:
        return self.applied - self.tried


@dataclass(slots=True)
class _Sale:
    at: datetime
    customer: str
    amount_fen: int = 0


def predict(*, file: Path, current: Rules, draft: Rules) -> tuple[list[Predicted], int, int]:
    """By decision; and how many requests there were in each period. Both begin under ``current``, the policy in force then."""
    asked = _asked(file)
    # Under a policy that had refused everything nothing counts: the sums are those of the policy in force alone.
    then = [replace(one.past, facts=one.facts, was=one.fed.decision) for one in replayed(pasts=asked, rules=current)]
    tried, applied = (
        _decisions([one for one in then if since <= one.facts.at < until], draft) for since, until in (TRIED, APPLIED)
    )
    n, m = tried.total(), applied.total()
    return [Predicted(one, 100 * tried[one] / n, 100 * applied[one] / m) for one in Ruling], n, m


def _decisions(pasts: Sequence[Past], draft: Rules) -> Counter[Ruling]:
    return Counter(one.fed.decision for one in replayed(pasts=pasts, rules=draft))


def _asked(file: Path) -> list[Past]:
    """Every return of the file as a request that nobody has judged yet, in order of time."""
    matches = match_file(file).matches
    at = {match.line.number: match.line.at for match in matches}
    with opened(file) as lines:
        sales = _sales(lines)
    made = []
    for number, wish in enumerate(wishes(matches)):
        sale, came = sales[wish.order_no], max(at[line] for line in wish.of_lines)
        known = 0 if sale.customer else None
        made.append(
            Past(
                request_id=UUID(int=number),
                facts=Facts(
                    at=came,
                    amount_fen=wish.amount_fen,
                    reason=REASON,
                    route=Route.ORIGINAL,
                    consent=True,
                    paid_fen=sale.amount_fen,
                    refundable_fen=sale.amount_fen,
                    paid=True,
                    paid_at=min(sale.at, came - timedelta(minutes=1)),
                    funding="balance",
                    has_channel=True,
                    channel_window_days=365,
                    channel_max_refunds=50,
                    refunds_so_far=0,
                    terminal_enabled=True,
                    sums=Standing(
                        customer_day_fen=known,
                        customer_30_days_fen=known,
                        customer_30_days_count=known,
                        customer_orders=known,
                    ),
                ),
                was=Ruling.REFUSE,
                order=wish.order_no,
                customers=[sale.customer] if sale.customer else [],
            )
        )
    return sorted(made, key=lambda past: past.facts.at)


def _sales(lines: Iterable[Line]) -> dict[str, _Sale]:
    sales: dict[str, _Sale] = {}
    for line in lines:
        if line.kind is Kind.SALE:
            sale = sales.setdefault(order_no_of(line.invoice), _Sale(line.at, line.customer))
            sale.amount_fen += line.amount_fen
    return sales
