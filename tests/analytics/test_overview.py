"""The database's figures against the same figures counted naively in Python."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.figures import Overview, Paid, Selection, Share, Sold, Spread, Submitted
from analytics.overview import fees_lost_fen, overview, payouts
from analytics.periods import Period, last_days, parse
from core.calendar import SHANGHAI
from refunds.models import RefundRequest, Survey
from refunds.payouts import ledger
from refunds.states import PAID, Reason, State
from terminals.models import Transaction
from tests.analytics.rows import UNDECIDED, World
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 14, 40, tzinfo=SHANGHAI)


@pytest.fixture
def world() -> World:
    """Three weeks of three stores, with another merchant's rows beside them."""
    world = World()
    world.fill(seed=7, start=NOW - timedelta(days=21), end=NOW, count=400)
    world.write()
    stranger = World()
    stranger.fill(seed=8, start=NOW - timedelta(days=21), end=NOW, count=60)
    stranger.write()
    return world


def seconds(start: datetime | None, end: datetime | None) -> float:
    """From one instant that must be there to another."""
    assert start is not None
    assert end is not None
    return (end - start).total_seconds()


def naive_paid(rows: Iterable[RefundRequest]) -> Paid:
    rows = list(rows)
    return Paid(
        len(rows),
        sum(row.refunded_fen for row in rows),
        sum(row.by_rule and seconds(row.created_at, row.succeeded_at) <= 300 for row in rows),
    )


def naive_sold(rows: Iterable[Transaction]) -> Sold:
    rows = list(rows)
    return Sold(len(rows), sum(row.amount_fen for row in rows), sum(row.refunded_fen for row in rows))


def naive_submitted(rows: Iterable[RefundRequest]) -> Submitted:
    rows = list(rows)
    decided = [row for row in rows if row.state not in (*UNDECIDED, State.CANCELLED)]
    return Submitted(
        count=len(rows),
        by_rule=sum(row.by_rule for row in rows),
        by_person=sum(not row.by_rule and row.state != State.REJECTED for row in decided),
        decided=len(decided),
        refunded=sum(row.state in PAID for row in rows),
        rejected=sum(row.state == State.REJECTED for row in rows),
        cancelled=sum(row.state == State.CANCELLED for row in rows),
        failed=sum(row.state == State.FAILED for row in rows),
        in_time=sum(seconds(row.decided_at, row.due_at) >= 0 for row in decided),
        overdue=sum(row.state == State.IN_REVIEW and row.due_at < NOW for row in rows),
    )


def naive_spread(values: list[float]) -> Spread:
    if not values:
        return Spread()
    p90 = statistics.quantiles(values, n=10, method="inclusive")[8] if len(values) > 1 else values[0]
    return Spread(len(values), statistics.median(values), p90, statistics.mean(values))


def handled(rows: Iterable[RefundRequest]) -> list[float]:
    return [
        seconds(row.created_at, row.decided_at)
        for row in rows
        if not row.by_rule and row.state not in (*UNDECIDED, State.CANCELLED)
    ]


def about(spread: Spread) -> list[object]:
    return [spread.n, *(None if value is None else pytest.approx(value) for value in (spread.median_s, spread.p90_s))]


def within(start: datetime, end: datetime, field: str) -> Callable[[object], bool]:
    def inside(row: object) -> bool:
        at = getattr(row, field)
        return at is not None and start <= at < end

    return inside


PERIODS = {
    "week": last_days(days=7, now=NOW),
    "today": last_days(days=1, now=NOW),
    "finished": parse(first="2026-11-10", last="2026-11-14", now=NOW),
    "in weeks": parse(first="2026-08-01", last="2026-11-22", now=NOW),
}


@pytest.mark.parametrize("period", PERIODS.values(), ids=PERIODS)
@pytest.mark.parametrize("narrowed", ["all", "one store", "two stores", "alipay"])
def test_every_figure_equals_what_python_counts(world: World, period: Period, narrowed: str) -> None:
    ids = [store.pk for store in world.stores]
    store_ids = {"one store": (ids[1],), "two stores": (ids[0], ids[2])}.get(narrowed)
    channel = "alipay" if narrowed == "alipay" else ""

    figures = overview(
        scope=Selection(merchant_id=world.merchant.pk, store_ids=store_ids, channel=channel), period=period
    )

    def counted(row: RefundRequest | Transaction) -> bool:
        return row.store_id in (store_ids or ids) and row.channel in (channel or row.channel)

    requests = [row for row in world.requests if counted(row)]
    sales = [row for row in world.sales if counted(row) and row.status == "success"]
    for side, start, end in (
        (figures.current, period.start_at, period.end_at),
        (figures.previous, period.previous_start_at, period.previous_end_at),
    ):
        paid = [row for row in requests if within(start, end, "succeeded_at")(row)]
        submitted = [row for row in requests if within(start, end, "created_at")(row)]
        assert side.paid == naive_paid(paid)
        assert side.sold == naive_sold(row for row in sales if within(start, end, "paid_at")(row))
        assert side.submitted == naive_submitted(submitted)
        assert about(side.handling) == about(naive_spread(handled(submitted)))
        arrived = [row for row in submitted if row.state in PAID]
        assert about(side.arrival) == about(
            naive_spread([seconds(row.decided_at, row.succeeded_at) for row in arrived])
        )
        assert about(side.cycle) == about(naive_spread([seconds(row.created_at, row.succeeded_at) for row in arrived]))
        paid_ids = {row.pk for row in paid}
        answers = [survey for survey in world.surveys if survey.request_id in paid_ids]
        assert side.answers.n == len(answers)
        assert side.answers.asked == len(paid)
        assert side.answers.satisfied.part == sum(survey.score >= 4 for survey in answers)
    _check_cuts(figures, world, requests, sales, period)


def _check_cuts(
    figures: Overview, world: World, requests: list[RefundRequest], sales: list[Transaction], period: Period
) -> None:
    paid = [row for row in requests if within(period.start_at, period.end_at, "succeeded_at")(row)]
    submitted = [row for row in requests if within(period.start_at, period.end_at, "created_at")(row)]
    sold = [row for row in sales if within(period.start_at, period.end_at, "paid_at")(row)]
    for index, bucket in enumerate(figures.buckets):
        start, end = period.bucket_span(index)
        assert bucket.paid == naive_paid(filter(within(start, end, "succeeded_at"), paid))
        assert bucket.sold == naive_sold(row for row in sold if start <= row.paid_at < end)
        of_bucket = [row for row in submitted if start <= row.created_at < end]
        assert bucket.submitted == naive_submitted(of_bucket)
        assert about(bucket.handling) == about(naive_spread(handled(of_bucket)))
    assert sum(bucket.previous_paid.amount_fen for bucket in figures.buckets) == figures.previous.paid.amount_fen

    for reason in figures.reasons:
        assert reason.paid == naive_paid(row for row in paid if row.reason == reason.reason)
    for store in figures.stores:
        assert store.paid == naive_paid(row for row in paid if row.store_id == store.store_id)
        assert store.sold == naive_sold(row for row in sold if row.store_id == store.store_id)
        of_store = [row for row in submitted if row.store_id == store.store_id]
        assert store.submitted == naive_submitted(of_store)
        assert about(store.handling) == about(naive_spread(handled(of_store)))
    for channel in figures.channels:
        assert channel.submitted == naive_submitted(row for row in submitted if row.channel == channel.channel)
    for cashier in figures.cashiers:
        mine = [row for row in paid if (row.store.code, row.cashier) == (cashier.store_code, cashier.cashier)]
        assert cashier.paid == naive_paid(mine)
        assert cashier.sold == naive_sold(
            row for row in sold if (row.store.code, row.cashier) == (cashier.store_code, cashier.cashier)
        )
    for till in figures.tills:
        here = (till.store_code, till.code)
        mine = [row for row in paid if row.terminal and (row.store.code, row.terminal.code) == here]
        assert till.paid == naive_paid(mine)
        assert till.sold == naive_sold(
            row for row in sold if row.terminal and (row.store.code, row.terminal.code) == here
        )
        assert till.reason_count == sum(row.reason == till.reason for row in mine)
        assert till.reason_count == max(sum(row.reason == reason for row in mine) for reason in Reason)
    assert {(till.store_code, till.code) for till in figures.tills} == {
        (row.store.code, row.terminal.code) for row in paid if row.terminal
    }
    before = [row for row in requests if within(period.previous_start_at, period.previous_end_at, "succeeded_at")(row)]
    assert sum(cut.amount_fen for cut in figures.previous_cuts) == sum(row.refunded_fen for row in before)
    # Every cut of the money adds up to the whole of it.
    for cut in (figures.reasons, figures.stores, figures.cashiers, figures.buckets):
        assert sum(row.paid.amount_fen for row in cut) == figures.current.paid.amount_fen
        assert sum(row.paid.count for row in cut) == figures.current.paid.count
    assert sum(cut.count for cut in figures.cuts) == figures.current.paid.count
    assert sum(map(sum, figures.heat)) == figures.current.submitted.count
    for weekday, hours in enumerate(figures.heat):
        for hour, count in enumerate(hours):
            local = [row.created_at.astimezone(SHANGHAI) for row in submitted]
            assert count == sum((at.weekday(), at.hour) == (weekday, hour) for at in local)
    failed = [row for row in submitted if row.state == State.FAILED]
    assert sum(row.count for row in figures.failures) == len(failed)
    decided = [row for row in world.approvals if row.request in submitted]
    for reviewer in figures.reviewers:
        mine_decided = [row for row in decided if row.staff_id == reviewer.staff_id]
        assert (reviewer.decided, reviewer.approved) == (
            len(mine_decided),
            sum(row.decision == "approve" for row in mine_decided),
        )
        assert reviewer.median_s == pytest.approx(
            statistics.median((row.at - row.request.created_at).total_seconds() for row in mine_decided)
        )
        assert reviewer.in_time == sum(row.at <= row.request.due_at for row in mine_decided)
    assert sum(row.decided for row in figures.reviewers) == len(decided)


def test_payouts_count_first_calls_and_ends(world: World) -> None:
    period = PERIODS["week"]
    found = payouts(scope=Selection(merchant_id=world.merchant.pk), period=period)[True]
    ended = [row for row in world.executions if within(period.start_at, period.end_at, "created_at")(row.request)]
    paid = [row for row in ended if row.state == "succeeded"]
    assert (found.ended, found.paid) == (len(ended), len(paid))
    assert found.first_pass == sum(row.attempt_no == 1 and row.sends == 1 for row in paid)


def test_repeat_counts_known_customers_once_who_bought_again_within_ninety_days() -> None:
    world, back = World(), timedelta(days=90)
    again, late, gone, early = (bytes([number]) * 16 for number in range(4))

    def refund(who: bytes | None, at: datetime) -> None:
        sale = world.sale(at=at - timedelta(days=1), payer_phone_hash=who)
        world.request(sale, state=State.CLOSED, created_at=at, succeeded_at=at)

    for who in (again, again, late, gone, None):
        refund(who, NOW - back)
    refund(early, NOW - back - timedelta(days=8))
    refund(b"9" * 16, NOW - timedelta(days=30))
    for who, days in ((again, 1), (again, 3), (late, 91), (early, 90)):
        world.sale(
            at=NOW - back + timedelta(days=days) - (timedelta(days=8) if who == early else timedelta(0)),
            payer_phone_hash=who,
        )
    world.write()
    found = overview(scope=Selection(merchant_id=world.merchant.pk), period=PERIODS["week"])
    assert (found.current.repeat, found.previous.repeat) == (Share(1, 3), Share(1, 1))
    stranger = Selection(merchant_id=make_merchant().pk)
    assert overview(scope=stranger, period=PERIODS["week"]).current.repeat == Share(0, 0)


def test_fees_lost_are_those_of_the_refunds_that_succeeded_in_the_period() -> None:
    world = World()
    for at, state in (
        (NOW, State.CLOSED),
        (NOW - timedelta(days=8), State.CLOSED),
        (NOW - timedelta(days=40), State.CLOSED),
    ):
        request = world.request(world.sale(at=at), state=state, created_at=at, succeeded_at=at, amount_fen=10_000)
        world.execution(request)
    world.account.profile_overrides = {"fee_rate_bp": 60, "fee_returned": False}
    world.account.save()
    world.write()
    ledger.post_missing()
    scope = Selection(merchant_id=world.merchant.pk)
    assert fees_lost_fen(scope=scope, period=PERIODS["week"]) == {True: 60, False: 60}
    assert fees_lost_fen(scope=Selection(merchant_id=make_merchant().pk), period=PERIODS["week"]) == {True: 0, False: 0}


def test_midnight_in_shanghai_divides_the_days() -> None:
    world = World()
    midnight = datetime(2026, 11, 16, tzinfo=SHANGHAI)
    for at in (midnight - timedelta(microseconds=1), midnight, midnight + timedelta(days=7)):
        sale = world.sale(at=at)
        world.request(sale, state=State.REFUNDED, created_at=at, succeeded_at=at)
    world.write()
    scope = Selection(merchant_id=world.merchant.pk)
    afterwards = NOW + timedelta(days=1)
    figures = overview(scope=scope, period=parse(first="2026-11-16", last="2026-11-22", now=afterwards))
    for side, expected in ((figures.current, 1), (figures.previous, 1)):
        assert (side.paid.count, side.sold.count, side.submitted.count) == (expected, expected, expected)
    assert figures.buckets[0].paid.count == 1


def test_nothing_happened_divides_by_nothing() -> None:
    merchant = make_merchant()
    for period in PERIODS.values():
        figures = overview(scope=Selection(merchant_id=merchant.pk), period=period)
        side = figures.current
        shares = (side.refund_rate, side.cohort_rate, side.instant_share, side.submitted.by_rule_share)
        assert {share.value for share in (*shares, side.submitted.on_time, side.answers.satisfied)} == {None}
        assert (side.handling.median_s, side.answers.mean) == (None, None)
        assert (figures.stores, figures.reasons, figures.cuts) == ([], [], [])
        assert len(figures.buckets) == period.buckets


def test_no_store_is_nothing_and_not_everything(world: World) -> None:
    figures = overview(scope=Selection(merchant_id=world.merchant.pk, store_ids=()), period=PERIODS["week"])
    assert (figures.current.paid.count, figures.current.sold.count, figures.stores) == (0, 0, [])


def test_paused_clock_and_withdrawn_requests_are_neither_late_nor_in_time() -> None:
    world = World()
    long_ago = NOW - timedelta(days=2)
    for state in (State.NEEDS_INFO, State.CANCELLED, State.IN_REVIEW):
        world.request(world.sale(at=long_ago), state=state, created_at=long_ago)
    world.write()
    on_time = overview(scope=Selection(merchant_id=world.merchant.pk), period=PERIODS["week"]).current.submitted.on_time
    assert (on_time.part, on_time.whole) == (0, 1)


def test_number_of_statements_does_not_grow(world: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        overview(scope=Selection(merchant_id=world.merchant.pk), period=PERIODS["in weeks"])
    assert sum("FROM" in query["sql"] for query in queries) == 10


def test_low_scores_are_told_by_reason() -> None:
    world = World()
    for score, reason in ((1, "quality"), (2, "quality"), (5, "goodwill")):
        request = world.request(world.sale(at=NOW), state=State.CLOSED, created_at=NOW, succeeded_at=NOW, reason=reason)
        world.surveys.append(Survey(request=request, score=score, at=NOW))
    world.write()
    answers = overview(scope=Selection(merchant_id=world.merchant.pk), period=PERIODS["week"]).current.answers
    assert answers.low_by_reason == {"quality": 2}
    assert answers.mean == pytest.approx(8 / 3)
