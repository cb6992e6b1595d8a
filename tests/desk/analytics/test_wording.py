"""How the analytics page writes figures, changes and findings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation

from analytics.anomalies import Finding
from desk.analytics.wording import Change, change, duration, finding_sentences, percent, points, whole, yuan


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def _finding(*, store_id: int | None, reason: str, share: float | None, terminal: str, count: int = 7) -> Finding:
    return Finding(
        store_id=store_id,
        reason=reason,
        reason_share=share,
        terminal=terminal,
        rate=0.0624,
        baseline=0.01,
        count=count,
    )


def test_figures_are_written_out_and_nothing_is_two_dashes() -> None:
    assert (percent(0.62449), percent(0.0624, 2), percent(None)) == ("62.4%", "6.24%", "--")
    assert (yuan(123_456_789), whole(12_345)) == ("¥1,234,567.89", "12,345")
    assert (duration(372), duration(None)) == ("6:12", "--")
    assert duration(7_200).startswith("2")


@pytest.mark.parametrize(
    ("now", "before", "more_is_better", "shown"),
    [
        (0.5, 0.4, True, Change("10.0 pts", "up", "good")),
        (0.5, 0.4, False, Change("10.0 pts", "up", "worse")),
        (0.4, 0.5, False, Change("10.0 pts", "down", "good")),
        (0.4, 0.4004, True, Change("unchanged", "flat", "")),
        (None, 0.4, True, Change("--", "flat", "")),
        (0.4, None, True, Change("--", "flat", "")),
    ],
)
def test_change_is_good_where_it_goes_where_it_should(
    now: float | None, before: float | None, more_is_better: bool, shown: Change
) -> None:
    assert change(now, before, more_is_better=more_is_better, floor=0.001, words=points(1)) == shown


def test_finding_of_a_store_names_its_rate_the_reason_behind_it_and_the_till() -> None:
    found = _finding(store_id=1, reason="duplicate_charge", share=0.8, terminal="POS-02")
    strong, behind, link = finding_sentences(found, store_name="西单店")

    assert strong == "西单店 refunds 6.24% of its sales; all stores together 1.00%."
    assert "80%" in behind
    assert "POS-02" in behind
    assert behind.endswith("Check that till and its network.")
    assert link == "Show 7 refunds"


def test_finding_of_a_reason_says_where_most_come_from_and_blames_no_till_for_what_is_not_technical() -> None:
    found = _finding(store_id=1, reason="quality", share=None, terminal="POS-02", count=1)
    strong, behind, link = finding_sentences(found, store_name="西单店")

    assert "makes 6.24% of all sales come back" in strong
    assert behind == "Most of them come from 西单店, till POS-02."
    assert link == "Show 1 refund"


def test_finding_when_nothing_stands_out_within_it_says_no_more() -> None:
    found = _finding(store_id=1, reason="", share=None, terminal="")
    assert finding_sentences(found, store_name="西单店")[1] == ""
