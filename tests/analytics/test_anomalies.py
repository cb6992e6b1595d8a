"""The one plain line: silent on ordinary days, and right about what stands out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.utils import translation

from analytics.anomalies import Finding, find
from analytics.figures import Cut, Overview, Paid, ReasonFigures, Selection, Side, Sold, StoreFigures
from analytics.overview import overview
from analytics.periods import last_days
from core.calendar import SHANGHAI
from desk.analytics.wording import finding_sentences
from tests.analytics.rows import month_of_a_chain

NOTHING_ELSE: dict[str, list[Any]] = {
    "channels": [],
    "cashiers": [],
    "reviewers": [],
    "failures": [],
    "heat": [],
    "buckets": [],
    "tills": [],
    "previous_cuts": [],
}


def figures(stores: dict[int, tuple[int, int]], cuts: list[Cut], *, before: dict[str, int] | None = None) -> Overview:
    """Stores as id -> (refunds, sales), a refund being 10 yuan and a sale 100; the previous period has as many sales."""
    rows = [
        StoreFigures(
            store_id=pk,
            code=f"S{pk:03d}",
            name=f"{pk}号店",
            paid=Paid(refunds, refunds * 1_000),
            sold=Sold(sales, sales * 10_000),
        )
        for pk, (refunds, sales) in stores.items()
    ]
    count, sales = sum(row.paid.count for row in rows), sum(row.sold.count for row in rows)
    reasons: dict[str, int] = {}
    for cut in cuts:
        reasons[cut.reason] = reasons.get(cut.reason, 0) + cut.count
    return Overview(
        current=Side(paid=Paid(count, count * 1_000), sold=Sold(sales, sales * 10_000)),
        previous=Side(paid=Paid(count, count * 1_000), sold=Sold(sales, sales * 10_000)),
        reasons=[ReasonFigures(reason=name, paid=Paid(n, n * 1_000)) for name, n in reasons.items()],
        previous_reasons={name: Paid(n, n * 1_000) for name, n in (reasons if before is None else before).items()},
        stores=rows,
        cuts=cuts,
        store_names={},
        **NOTHING_ELSE,
    )


def cut(store_id: int, terminal: str, reason: str, count: int) -> Cut:
    return Cut(store_id=store_id, terminal=terminal, reason=reason, count=count, amount_fen=count * 1_000)


def even(store_id: int, count: int) -> list[Cut]:
    return [cut(store_id, till, "quality", count // 2) for till in ("POS-01", "POS-02")]


def test_like_stores_are_passed_over_in_silence() -> None:
    assert find(figures({1: (20, 1_000), 2: (22, 1_000)}, [*even(1, 20), *even(2, 22)])) is None


def test_store_with_reason_and_till_behind_it_is_named() -> None:
    cuts = [cut(1, "POS-11", "duplicate_charge", 46), cut(1, "POS-01", "quality", 14), *even(2, 20), *even(3, 20)]
    finding = find(figures({1: (60, 1_000), 2: (20, 1_000), 3: (20, 1_000)}, cuts))
    assert finding == Finding(
        store_id=1,
        reason="duplicate_charge",
        reason_share=46 / 60,
        terminal="POS-11",
        rate=0.006,
        baseline=100_000 / 30_000_000,
        count=46,
    )


def test_store_whose_reasons_are_as_everywhere_is_named_without_one() -> None:
    cuts = [*even(1, 60), *even(2, 20)]
    finding = find(figures({1: (60, 1_000), 2: (20, 1_000)}, cuts))
    assert finding is not None
    assert (finding.store_id, finding.reason, finding.terminal, finding.count) == (1, "", "", 60)


def test_few_refunds_mean_nothing() -> None:
    assert find(figures({1: (9, 40), 2: (2, 1_000)}, [*even(1, 8), *even(2, 2)])) is None


def test_clear_but_small_difference_is_no_finding() -> None:
    assert find(figures({1: (12_500, 100_000), 2: (10_000, 100_000)}, [*even(1, 12_500), *even(2, 10_000)])) is None


def test_single_store_is_compared_with_its_own_past() -> None:
    cuts = [cut(1, "POS-02", "network_fault", 40), cut(1, "POS-01", "quality", 20)]
    finding = find(figures({1: (60, 1_000)}, cuts, before={"network_fault": 5, "quality": 20}))
    assert finding is not None
    assert (finding.store_id, finding.reason, finding.terminal, finding.count) == (None, "network_fault", "POS-02", 40)
    assert (finding.rate, finding.baseline) == (0.04, 0.005)


def test_reason_on_the_rise_names_the_store_it_comes_from() -> None:
    cuts = [
        cut(1, "POS-01", "quality", 28),
        cut(2, "POS-01", "quality", 26),
        cut(1, "POS-01", "network_fault", 3),
        cut(2, "POS-02", "network_fault", 27),
    ]
    finding = find(figures({1: (50, 1_000), 2: (60, 1_000)}, cuts, before={"quality": 54, "network_fault": 2}))
    assert finding is not None
    assert (finding.store_id, finding.reason, finding.count) == (2, "network_fault", 27)


def test_more_refunds_than_sales_is_no_arithmetic_trouble() -> None:
    finding = find(figures({1: (200, 50), 2: (5, 500)}, [*even(1, 200), *even(2, 4)]))
    assert finding is not None
    assert finding.store_id == 1


def test_nothing_sold_before_or_elsewhere_is_silence() -> None:
    lonely = figures({1: (50, 1_000)}, even(1, 50), before={})
    assert find(replace(lonely, previous=Side())) is None
    assert find(figures({}, [])) is None


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (
            Finding(
                store_id=1,
                reason="duplicate_charge",
                reason_share=0.58,
                terminal="POS-11",
                rate=0.0342,
                baseline=0.0186,
                count=46,
            ),
            (
                "West refunds 3.42% of its sales; all stores together 1.86%.",
                '58% of them are for "Charged twice", most of those at till POS-11. Check that till and its network.',
                "Show 46 refunds",
            ),
        ),
        (
            Finding(store_id=1, reason="", reason_share=None, terminal="", rate=0.03, baseline=0.01, count=12),
            ("West refunds 3.00% of its sales; all stores together 1.00%.", "", "Show 12 refunds"),
        ),
        (
            Finding(store_id=None, reason="quality", reason_share=None, terminal="", rate=0.02, baseline=0.0, count=10),
            (
                '"Quality problem" makes 2.00% of all sales come back; in the period before it was 0.00%.',
                "",
                "Show 10 refunds",
            ),
        ),
    ],
)
def test_findings_are_said_plainly(finding: Finding, expected: tuple[str, str, str]) -> None:
    with translation.override("en"):
        assert finding_sentences(finding, store_name="West") == expected


@pytest.mark.django_db
def test_till_that_charges_twice_is_found_in_real_rows() -> None:
    now = datetime(2026, 11, 22, 14, 40, tzinfo=SHANGHAI)
    world = month_of_a_chain(now=now)
    found = find(overview(scope=Selection(merchant_id=world.merchant.pk), period=last_days(days=30, now=now)))
    assert found is not None
    assert (found.store_id, found.reason, found.terminal) == (world.stores[0].pk, "duplicate_charge", "POS-11")
    assert found.count == sum(
        row.store == world.stores[0] and row.reason == "duplicate_charge" and row.refunded_fen > 0
        for row in world.requests
        if row.succeeded_at and row.succeeded_at >= datetime(2026, 10, 24, tzinfo=SHANGHAI)
    )
