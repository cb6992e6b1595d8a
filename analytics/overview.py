"""From the statements' rows to typed figures. The database has counted; here rows get their names and order."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from django.db import transaction

from analytics import statements
from analytics.figures import (
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
    Selection,
    Share,
    Side,
    Sold,
    Spread,
    StoreFigures,
    Submitted,
    TillFigures,
)
from analytics.periods import Period
from analytics.statements import Statement

Figure = TypeVar("Figure")
#: (True for this period or False for the one before, then the value of each name)
Key = tuple[Any, ...]


class Cuts(Generic[Figure]):
    """All groupings of one statement. ``figure`` makes one out of a row's counts, and the empty one out of none."""

    def __init__(self, statement: Statement, figure: Callable[..., Figure], scope: Selection, period: Period) -> None:
        self._figure = figure
        self._names = statement.names
        self._found: dict[tuple[str, ...], dict[Key, Figure]] = defaultdict(dict)
        width = len(self._names)
        for level, current, *row in statements.run(statement, scope=scope, period=period):
            # GROUPING() has a bit for each name, the first one leftmost: 1 where the row is a sum over it.
            kept = [place for place in range(width) if not level >> (width - 1 - place) & 1]
            names = tuple(self._names[place] for place in kept)
            self._found[names][current, *(row[place] for place in kept)] = figure(*row[width:])

    def by(self, *names: str) -> dict[Key, Figure]:
        """One grouping; ``names`` in any order, keys in that of the statement."""
        return self._found.get(tuple(name for name in self._names if name in names), {})

    def at(self, *, current: bool = True, **place: Any) -> Figure:
        """One figure: ``at(store_id=7)``; the empty one where nothing happened."""
        key = (current, *(place[name] for name in self._names if name in place))
        return self.by(*place).get(key) or self._figure()


def spread(n: int = 0, percentiles: list[float] | None = None, mean: float | None = None) -> Spread:
    """Durations out of count, [median, 90th percentile] and mean."""
    median, p90 = percentiles or (None, None)
    return Spread(n, median, p90, mean)


def spreads(
    n: int = 0,
    arrival: list[float] | None = None,
    arrival_mean: float | None = None,
    cycle: list[float] | None = None,
    cycle_mean: float | None = None,
) -> tuple[Spread, Spread]:
    """Two durations of the same refunds: from approval, and from submission, to the money."""
    return spread(n, arrival, arrival_mean), spread(n, cycle, cycle_mean)


#: Scores up to here are asked after.
_LOW_SCORE = 2


@transaction.atomic
def overview(*, scope: Selection, period: Period) -> Overview:
    """Everything that the analytics page shows. Ten statements, whatever the period."""
    statements.allow_sorting()
    paid = Cuts(statements.PAID_REFUNDS, Paid, scope, period)
    sold = Cuts(statements.SALES, Sold, scope, period)
    submitted = Cuts(statements.SUBMITTED_REFUNDS, Submitted, scope, period)
    handling = Cuts(statements.HANDLING, spread, scope, period)
    arrival = Cuts(statements.ARRIVAL, spreads, scope, period)
    answers = _answers(scope, period)
    repeats = {current: Share(*of) for current, *of in statements.run(statements.REPEATS, scope=scope, period=period)}
    stores, terminals = _names(scope, period)

    def side(*, current: bool) -> Side:
        money = paid.at(current=current)
        scores, low = answers[current]
        arrived, cycle = arrival.at(current=current)
        return Side(
            paid=money,
            sold=sold.at(current=current),
            submitted=submitted.at(current=current),
            handling=handling.at(current=current),
            arrival=arrived,
            cycle=cycle,
            answers=Answers(scores, money.count, low),
            repeat=repeats.get(current, Share(0, 0)),
        )

    by_store = [
        StoreFigures(
            store_id=store_id,
            code=code,
            name=name,
            paid=paid.at(store_id=store_id),
            sold=sold.at(store_id=store_id),
            submitted=submitted.at(store_id=store_id),
            handling=handling.at(store_id=store_id),
        )
        for store_id, (code, name) in stores.items()
    ]
    by_channel = [
        ChannelFigures(channel=channel, submitted=counts, arrival=arrival.at(channel=channel)[0])
        for (current, channel), counts in submitted.by("channel").items()
        if current
    ]
    by_cashier = [
        CashierFigures(
            cashier=cashier,
            store_code=stores[store_id][0],
            store_name=stores[store_id][1],
            paid=money,
            sold=sold.at(store_id=store_id, cashier=cashier),
        )
        for (current, store_id, cashier), money in paid.by("store_id", "cashier").items()
        if current
    ]
    by_reason = paid.by("reason").items()
    return Overview(
        current=side(current=True),
        previous=side(current=False),
        buckets=[
            Bucket(
                paid=paid.at(bucket=index),
                previous_paid=paid.at(current=False, bucket=index),
                sold=sold.at(bucket=index),
                submitted=submitted.at(bucket=index),
                handling=handling.at(bucket=index),
            )
            for index in range(period.buckets)
        ],
        reasons=sorted(
            (ReasonFigures(reason=reason, paid=money) for (current, reason), money in by_reason if current),
            key=lambda row: (-row.paid.count, -row.paid.amount_fen, row.reason),
        ),
        previous_reasons={reason: money for (current, reason), money in by_reason if not current},
        store_names=stores,
        stores=sorted(
            (row for row in by_store if row.paid.count or row.sold.count or row.submitted.count),
            key=lambda row: (-row.paid.amount_fen, row.code),
        ),
        channels=sorted(by_channel, key=lambda row: (-row.submitted.count, row.channel)),
        tills=_tills(stores, terminals, paid, sold),
        cashiers=sorted(by_cashier, key=lambda row: (-row.paid.amount_fen, row.store_code, row.cashier)),
        reviewers=[ReviewerFigures(*row) for row in statements.run(statements.REVIEWERS, scope=scope, period=period)],
        failures=_failures(scope, period),
        heat=[[submitted.at(weekday=weekday, hour=hour).count for hour in range(24)] for weekday in range(1, 8)],
        cuts=_cuts(paid, terminals, current=True),
        previous_cuts=_cuts(paid, terminals, current=False),
    )


def payouts(*, scope: Selection, period: Period) -> dict[bool, Payouts]:
    """True -> this period's payouts, False -> the previous one's."""
    rows = statements.run(statements.PAYOUTS, scope=scope, period=period)
    return {True: Payouts(), False: Payouts()} | {current: Payouts(*counts) for current, *counts in rows}


def fees_lost_fen(*, scope: Selection, period: Period) -> dict[bool, int]:
    """True -> fees that channels kept of this period's refunds, False -> of the previous one's."""
    return {True: 0, False: 0} | dict(statements.run(statements.FEES_LOST, scope=scope, period=period))


def _answers(scope: Selection, period: Period) -> dict[bool, tuple[dict[int, int], dict[str, int]]]:
    found: dict[bool, tuple[dict[int, int], dict[str, int]]] = {True: ({}, {}), False: ({}, {})}
    for current, score, reason, count in statements.run(statements.ANSWERS, scope=scope, period=period):
        scores, low = found[current]
        scores[score] = scores.get(score, 0) + count
        if score <= _LOW_SCORE:
            low[reason] = low.get(reason, 0) + count
    return found


def _names(scope: Selection, period: Period) -> tuple[dict[int, tuple[str, str]], dict[int | None, str]]:
    """Code and name of each store, and the code of each till."""
    rows = [*statements.run(statements.NAMES, scope=scope, period=period)]
    stores = {store_id: (code, name) for store_id, code, name, *_ in rows}
    return stores, {terminal_id: code for *_, terminal_id, code in rows if terminal_id is not None}


def _cuts(paid: Cuts[Paid], terminals: dict[int | None, str], *, current: bool) -> list[Cut]:
    return [
        Cut(
            store_id=store_id,
            terminal=terminals.get(terminal_id, ""),
            reason=reason,
            count=money.count,
            amount_fen=money.amount_fen,
        )
        for (is_current, reason, store_id, terminal_id), money in paid.by("reason", "store_id", "terminal_id").items()
        if is_current == current
    ]


def _tills(
    stores: dict[int, tuple[str, str]], terminals: dict[int | None, str], paid: Cuts[Paid], sold: Cuts[Sold]
) -> list[TillFigures]:
    """Tills with refunds in the period, the highest rate first; what was sold or refunded without a till is left out."""
    money: dict[tuple[int, int | None], dict[bool, list[tuple[str, Paid]]]] = {}
    for (current, reason, store_id, terminal_id), of_reason in paid.by("reason", "store_id", "terminal_id").items():
        if terminal_id in terminals:
            money.setdefault((store_id, terminal_id), {True: [], False: []})[current].append((reason, of_reason))
    rows = []
    for (store_id, terminal_id), sides in money.items():
        if not sides[True]:
            continue
        reason, most = max(sides[True], key=lambda item: (item[1].count, item[1].amount_fen, item[0]))
        rows.append(
            TillFigures(
                code=terminals[terminal_id],
                store_code=stores[store_id][0],
                store_name=stores[store_id][1],
                paid=_together(part for _, part in sides[True]),
                previous=_together(part for _, part in sides[False]),
                sold=sold.at(store_id=store_id, terminal_id=terminal_id),
                reason=reason,
                reason_count=most.count,
            )
        )
    return sorted(rows, key=lambda row: (-(row.refund_rate.value or 0), row.store_code, row.code))


def _together(parts: Iterable[Paid]) -> Paid:
    return Paid(*(sum(values) for values in zip(*((p.count, p.amount_fen, p.instant) for p in parts), strict=True)))


def _failures(scope: Selection, period: Period) -> list[FailureFigures]:
    rows = statements.run(statements.FAILURES, scope=scope, period=period)
    found = [FailureFigures(*row) for current, *row in rows if current]
    return sorted(found, key=lambda row: (-row.count, row.code))
