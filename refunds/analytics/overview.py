"""From the statements' rows to typed figures. The database has counted; here rows get their names and order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from refunds.analytics import statements
from refunds.analytics.figures import (
    Answers,
    Bucket,
    CashierFigures,
    ChannelFigures,
    Cut,
    FailureFigures,
    Overview,
    Paid,
    Payouts,
    ReasonFigures,
    ReviewerFigures,
    Side,
    Sold,
    Spread,
    StoreFigures,
    Submitted,
)
from refunds.analytics.periods import Period
from refunds.analytics.scope import Scope

#: Scores up to here are asked after.
_LOW_SCORE = 2


@transaction.atomic
def overview(*, scope: Scope, period: Period) -> Overview:
    """Everything that the analytics page shows. Nine statements, whatever the period."""
    statements.allow_sorting()
    paid = _PaidCuts(scope, period)
    sold = _SoldCuts(scope, period)
    submitted = _SubmittedCuts(scope, period)
    handling = _HandlingCuts(scope, period)
    arrival = _ArrivalCuts(scope, period)
    answers = _answers(scope, period)
    stores, terminals = _names(scope, period)

    def side(*, current: bool) -> Side:
        money = paid.whole.get(current, Paid())
        scores, low = answers[current]
        return Side(
            paid=money,
            sold=sold.whole.get(current, Sold()),
            submitted=submitted.whole.get(current, Submitted()),
            handling=handling.whole.get(current, Spread()),
            arrival=arrival.whole.get(current, Spread()),
            cycle=arrival.cycle.get(current, Spread()),
            answers=Answers(scores, money.count, low),
        )

    return Overview(
        current=side(current=True),
        previous=side(current=False),
        buckets=[
            Bucket(
                paid=paid.buckets.get((True, index), Paid()),
                previous_paid=paid.buckets.get((False, index), Paid()),
                sold=sold.buckets.get((True, index), Sold()),
                submitted=submitted.buckets.get((True, index), Submitted()),
                handling=handling.buckets.get((True, index), Spread()),
            )
            for index in range(period.buckets)
        ],
        reasons=sorted(
            (ReasonFigures(reason=reason, paid=money) for (current, reason), money in paid.reasons.items() if current),
            key=lambda row: (-row.paid.count, -row.paid.amount_fen, row.reason),
        ),
        previous_reasons={reason: money for (current, reason), money in paid.reasons.items() if not current},
        stores=_stores(stores, paid, sold, submitted, handling),
        channels=sorted(
            (
                ChannelFigures(channel=channel, submitted=counts, arrival=arrival.channels.get(channel, Spread()))
                for channel, counts in submitted.channels.items()
            ),
            key=lambda row: (-row.submitted.count, row.channel),
        ),
        cashiers=_cashiers(stores, paid, sold),
        reviewers=_reviewers(scope, period),
        failures=_failures(scope, period),
        heat=submitted.heat,
        cuts=[
            Cut(
                store_id=store_id,
                terminal=terminals.get(terminal_id, ""),
                reason=reason,
                count=money.count,
                amount_fen=money.amount_fen,
            )
            for (store_id, terminal_id, reason), money in paid.cuts.items()
        ],
    )


def payouts(*, scope: Scope, period: Period) -> dict[bool, Payouts]:
    """True -> this period's payouts, False -> the previous one's."""
    rows = statements.run(statements.PAYOUTS, time="created_at", scope=scope, period=period)
    found = {current: Payouts(*counts) for current, *counts in rows}
    return {current: found.get(current, Payouts()) for current in (True, False)}


class _PaidCuts:
    def __init__(self, scope: Scope, period: Period) -> None:
        self.whole: dict[bool, Paid] = {}
        self.buckets: dict[tuple[bool, int], Paid] = {}
        self.reasons: dict[tuple[bool, str], Paid] = {}
        self.cuts: dict[tuple[int, int | None, str], Paid] = {}
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
            elif not current:
                continue
            elif level == 27:
                self.stores[store_id] = money
            elif level == 26:
                self.cashiers[store_id, cashier] = money
            else:
                self.cuts[store_id, terminal_id, reason] = money


class _SoldCuts:
    def __init__(self, scope: Scope, period: Period) -> None:
        self.whole: dict[bool, Sold] = {}
        self.buckets: dict[tuple[bool, int], Sold] = {}
        self.stores: dict[int, Sold] = {}
        self.cashiers: dict[tuple[int, str], Sold] = {}
        for level, current, bucket, store_id, cashier, *counts in statements.run(
            statements.SALES, time="paid_at", scope=scope, period=period
        ):
            money = Sold(*counts)
            if level == 7:
                self.whole[current] = money
            elif level == 3:
                self.buckets[current, bucket] = money
            elif not current:
                continue
            elif level == 5:
                self.stores[store_id] = money
            else:
                self.cashiers[store_id, cashier] = money


class _SubmittedCuts:
    def __init__(self, scope: Scope, period: Period) -> None:
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


class _HandlingCuts:
    def __init__(self, scope: Scope, period: Period) -> None:
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


class _ArrivalCuts:
    def __init__(self, scope: Scope, period: Period) -> None:
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


def _answers(scope: Scope, period: Period) -> dict[bool, tuple[dict[int, int], dict[str, int]]]:
    found: dict[bool, tuple[dict[int, int], dict[str, int]]] = {True: ({}, {}), False: ({}, {})}
    for current, score, reason, count in statements.run(
        statements.ANSWERS, time="succeeded_at", scope=scope, period=period
    ):
        scores, low = found[current]
        scores[score] = scores.get(score, 0) + count
        if score <= _LOW_SCORE:
            low[reason] = low.get(reason, 0) + count
    return found


def _names(scope: Scope, period: Period) -> tuple[dict[int, tuple[str, str]], dict[int | None, str]]:
    stores: dict[int, tuple[str, str]] = {}
    terminals: dict[int | None, str] = {}
    for store_id, code, name, terminal_id, terminal_code in statements.run(
        statements.NAMES, time="", scope=scope, period=period
    ):
        stores[store_id] = (code, name)
        if terminal_id is not None:
            terminals[terminal_id] = terminal_code
    return stores, terminals


def _stores(
    names: dict[int, tuple[str, str]],
    paid: _PaidCuts,
    sold: _SoldCuts,
    submitted: _SubmittedCuts,
    handling: _HandlingCuts,
) -> list[StoreFigures]:
    """Stores where anything happened, the most refunded first."""
    rows = [
        StoreFigures(
            store_id=store_id,
            code=code,
            name=name,
            paid=paid.stores.get(store_id, Paid()),
            sold=sold.stores.get(store_id, Sold()),
            submitted=submitted.stores.get(store_id, Submitted()),
            handling=handling.stores.get(store_id, Spread()),
        )
        for store_id, (code, name) in names.items()
    ]
    busy = (row for row in rows if row.paid.count or row.sold.count or row.submitted.count)
    return sorted(busy, key=lambda row: (-row.paid.amount_fen, row.code))


def _cashiers(stores: dict[int, tuple[str, str]], paid: _PaidCuts, sold: _SoldCuts) -> list[CashierFigures]:
    """Cashiers on whose sales or requests money came back, the most refunded first."""
    rows = [
        CashierFigures(
            cashier=cashier,
            store_code=stores[store_id][0],
            store_name=stores[store_id][1],
            paid=money,
            sold=sold.cashiers.get((store_id, cashier), Sold()),
        )
        for (store_id, cashier), money in paid.cashiers.items()
    ]
    return sorted(rows, key=lambda row: (-row.paid.amount_fen, row.store_code, row.cashier))


def _reviewers(scope: Scope, period: Period) -> list[ReviewerFigures]:
    return [
        ReviewerFigures(staff_id=pk, name=name, decided=decided, approved=approved, median_s=median, in_time=in_time)
        for pk, name, decided, approved, median, in_time in statements.run(
            statements.REVIEWERS, time="created_at", scope=scope, period=period
        )
    ]


def _failures(scope: Scope, period: Period) -> list[FailureFigures]:
    rows: Iterator[tuple[Any, ...]] = statements.run(statements.FAILURES, time="created_at", scope=scope, period=period)
    found = [
        FailureFigures(code=code, message=message, count=count, amount_fen=amount)
        for current, code, message, count, amount in rows
        if current
    ]
    return sorted(found, key=lambda row: (-row.count, row.code))
