"""From the statements' rows to typed figures. The database has counted; here rows get their names and order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction

from analytics import statements
from analytics.cuts import ArrivalCuts, HandlingCuts, PaidCuts, SoldCuts, SubmittedCuts
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
    Side,
    Sold,
    Spread,
    StoreFigures,
    Submitted,
    TillFigures,
)
from analytics.periods import Period
from analytics.scope import Selection

#: Scores up to here are asked after.
_LOW_SCORE = 2


@transaction.atomic
def overview(*, scope: Selection, period: Period) -> Overview:
    """Everything that the analytics page shows. Nine statements, whatever the period."""
    statements.allow_sorting()
    paid = PaidCuts(scope, period)
    sold = SoldCuts(scope, period)
    submitted = SubmittedCuts(scope, period)
    handling = HandlingCuts(scope, period)
    arrival = ArrivalCuts(scope, period)
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
        store_names=stores,
        stores=_stores(stores, paid, sold, submitted, handling),
        channels=sorted(
            (
                ChannelFigures(channel=channel, submitted=counts, arrival=arrival.channels.get(channel, Spread()))
                for channel, counts in submitted.channels.items()
            ),
            key=lambda row: (-row.submitted.count, row.channel),
        ),
        tills=_tills(stores, terminals, paid, sold),
        cashiers=_cashiers(stores, paid, sold),
        reviewers=_reviewers(scope, period),
        failures=_failures(scope, period),
        heat=submitted.heat,
        cuts=_cuts(paid, terminals, current=True),
        previous_cuts=_cuts(paid, terminals, current=False),
    )


def payouts(*, scope: Selection, period: Period) -> dict[bool, Payouts]:
    """True -> this period's payouts, False -> the previous one's."""
    rows = statements.run(statements.PAYOUTS, time="created_at", scope=scope, period=period)
    found = {current: Payouts(*counts) for current, *counts in rows}
    return {current: found.get(current, Payouts()) for current in (True, False)}


def fees_lost_fen(*, scope: Selection, period: Period) -> dict[bool, int]:
    """True -> fees that channels kept of this period's refunds, False -> of the previous one's."""
    found = dict(statements.run(statements.FEES_LOST, time="succeeded_at", scope=scope, period=period))
    return {current: found.get(current, 0) for current in (True, False)}


def _answers(scope: Selection, period: Period) -> dict[bool, tuple[dict[int, int], dict[str, int]]]:
    found: dict[bool, tuple[dict[int, int], dict[str, int]]] = {True: ({}, {}), False: ({}, {})}
    for current, score, reason, count in statements.run(
        statements.ANSWERS, time="succeeded_at", scope=scope, period=period
    ):
        scores, low = found[current]
        scores[score] = scores.get(score, 0) + count
        if score <= _LOW_SCORE:
            low[reason] = low.get(reason, 0) + count
    return found


def _names(scope: Selection, period: Period) -> tuple[dict[int, tuple[str, str]], dict[int | None, str]]:
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
    paid: PaidCuts,
    sold: SoldCuts,
    submitted: SubmittedCuts,
    handling: HandlingCuts,
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


def _cashiers(stores: dict[int, tuple[str, str]], paid: PaidCuts, sold: SoldCuts) -> list[CashierFigures]:
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


def _cuts(paid: PaidCuts, terminals: dict[int | None, str], *, current: bool) -> list[Cut]:
    return [
        Cut(
            store_id=store_id,
            terminal=terminals.get(terminal_id, ""),
            reason=reason,
            count=money.count,
            amount_fen=money.amount_fen,
        )
        for (is_current, store_id, terminal_id, reason), money in paid.cuts.items()
        if is_current == current
    ]


def _tills(
    stores: dict[int, tuple[str, str]], terminals: dict[int | None, str], paid: PaidCuts, sold: SoldCuts
) -> list[TillFigures]:
    """Tills with refunds in the period, the highest rate first; what was sold or refunded without a till is left out."""
    money: dict[tuple[int, int | None], dict[bool, list[tuple[str, Paid]]]] = {}
    for (current, store_id, terminal_id, reason), of_reason in paid.cuts.items():
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
                sold=sold.tills.get((store_id, terminal_id), Sold()),
                reason=reason,
                reason_count=most.count,
            )
        )
    return sorted(rows, key=lambda row: (-(row.refund_rate.value or 0), row.store_code, row.code))


def _together(parts: Iterable[Paid]) -> Paid:
    listed = list(parts)
    return Paid(*(sum(values) for values in zip(*((p.count, p.amount_fen, p.instant) for p in listed), strict=True)))


def _reviewers(scope: Selection, period: Period) -> list[ReviewerFigures]:
    return [
        ReviewerFigures(staff_id=pk, name=name, decided=decided, approved=approved, median_s=median, in_time=in_time)
        for pk, name, decided, approved, median, in_time in statements.run(
            statements.REVIEWERS, time="created_at", scope=scope, period=period
        )
    ]


def _failures(scope: Selection, period: Period) -> list[FailureFigures]:
    rows: Iterator[tuple[Any, ...]] = statements.run(statements.FAILURES, time="created_at", scope=scope, period=period)
    found = [
        FailureFigures(code=code, message=message, count=count, amount_fen=amount)
        for current, code, message, count, amount in rows
        if current
    ]
    return sorted(found, key=lambda row: (-row.count, row.code))
