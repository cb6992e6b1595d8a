"""The statements' rows as look-ups, a class for each family. True as a key means this period, False the one before."""

from __future__ import annotations

from analytics import statements
from analytics.figures import Paid, Sold, Spread, Submitted
from analytics.periods import Period
from analytics.scope import Selection


class PaidCuts:
    """Money that came back, by date of success."""

    def __init__(self, scope: Selection, period: Period) -> None:
        self.whole: dict[bool, Paid] = {}
        self.buckets: dict[tuple[bool, int], Paid] = {}
        self.reasons: dict[tuple[bool, str], Paid] = {}
        self.cuts: dict[tuple[bool, int, int | None, str], Paid] = {}
        self.cashiers: dict[tuple[int, str], Paid] = {}
        self.stores: dict[int, Paid] = {}
        for level, current, bucket, reason, store_id, terminal_id, cashier, *counts in statements.run(
            statements.PAID_REFUNDS, time="succeeded_at", scope=scope, period=period
        ):
            money = Paid(*counts)
            if level == 31:
                self.whole[current] = money
            elif level == 15:
                self.buckets[current, bucket] = money
            elif level == 23:
                self.reasons[current, reason] = money
            elif level == 17:
                self.cuts[current, store_id, terminal_id, reason] = money
            elif not current:
                continue
            elif level == 27:
                self.stores[store_id] = money
            else:
                self.cashiers[store_id, cashier] = money


class SoldCuts:
    """Sales, by date of payment."""

    def __init__(self, scope: Selection, period: Period) -> None:
        self.whole: dict[bool, Sold] = {}
        self.buckets: dict[tuple[bool, int], Sold] = {}
        self.stores: dict[int, Sold] = {}
        self.cashiers: dict[tuple[int, str], Sold] = {}
        self.tills: dict[tuple[int, int | None], Sold] = {}
        for level, current, bucket, store_id, cashier, terminal_id, *counts in statements.run(
            statements.SALES, time="paid_at", scope=scope, period=period
        ):
            money = Sold(*counts)
            if level == 15:
                self.whole[current] = money
            elif level == 7:
                self.buckets[current, bucket] = money
            elif not current:
                continue
            elif level == 11:
                self.stores[store_id] = money
            elif level == 10:
                self.tills[store_id, terminal_id] = money
            else:
                self.cashiers[store_id, cashier] = money


class SubmittedCuts:
    """Requests, by date of submission."""

    def __init__(self, scope: Selection, period: Period) -> None:
        self.whole: dict[bool, Submitted] = {}
        self.buckets: dict[tuple[bool, int], Submitted] = {}
        self.stores: dict[int, Submitted] = {}
        self.channels: dict[str, Submitted] = {}
        self.heat = [[0] * 24 for _ in range(7)]
        for level, current, bucket, store_id, channel, weekday, hour, *counts in statements.run(
            statements.SUBMITTED_REFUNDS, time="created_at", scope=scope, period=period
        ):
            requests = Submitted(*counts)
            if level == 31:
                self.whole[current] = requests
            elif level == 15:
                self.buckets[current, bucket] = requests
            elif not current:
                continue
            elif level == 23:
                self.stores[store_id] = requests
            elif level == 27:
                self.channels[channel] = requests
            else:
                self.heat[weekday - 1][hour] = requests.count


class HandlingCuts:
    """How long people took to decide, by date of submission."""

    def __init__(self, scope: Selection, period: Period) -> None:
        self.whole: dict[bool, Spread] = {}
        self.buckets: dict[tuple[bool, int], Spread] = {}
        self.stores: dict[int, Spread] = {}
        for level, current, bucket, store_id, n, percentiles, mean in statements.run(
            statements.HANDLING, time="created_at", scope=scope, period=period
        ):
            spread = _spread(n, percentiles, mean)
            if level == 3:
                self.whole[current] = spread
            elif level == 1:
                self.buckets[current, bucket] = spread
            elif current:
                self.stores[store_id] = spread


class ArrivalCuts:
    """How long money took to arrive, by date of submission."""

    def __init__(self, scope: Selection, period: Period) -> None:
        self.whole: dict[bool, Spread] = {}
        self.cycle: dict[bool, Spread] = {}
        self.channels: dict[str, Spread] = {}
        for level, current, channel, n, percentiles, mean, cycle, cycle_mean in statements.run(
            statements.ARRIVAL, time="created_at", scope=scope, period=period
        ):
            if level == 1:
                self.whole[current] = _spread(n, percentiles, mean)
                self.cycle[current] = _spread(n, cycle, cycle_mean)
            elif current:
                self.channels[channel] = _spread(n, percentiles, mean)


def _spread(n: int, percentiles: list[float] | None, mean: float | None) -> Spread:
    median, p90 = percentiles or (None, None)
    return Spread(n, median, p90, mean)
