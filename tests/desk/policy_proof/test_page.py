"""What a draft's proof is in words."""

from __future__ import annotations

import pytest
from django.utils import translation

from desk.policy_proof.page import cell_words, example_words, exposure_rows, line_label
from refunds.rules.finding import Example
from samples.demo import rules as sample


@pytest.fixture(autouse=True)
def in_english() -> object:
    with translation.override("en"):
        yield


def test_example_words_when_everything_is_known_names_it() -> None:
    example = Example(amount_fen=100, paid_fen=5_000, reason="quality", store="S1", group="wine", days=8)
    assert (
        example_words(example, stores={"S1": "West Lake"})
        == "¥1.00 of a sale of ¥50.00 · Quality problem · store West Lake · article group wine · day 8"
    )


def test_exposure_rows_when_a_limit_rises_mark_what_grows() -> None:
    rows = exposure_rows(sample.RETAIL, {**sample.RETAIL, "auto_cashier_day_count": 20}, stores={})
    assert [(row.before, row.after, row.grows, row.sequence) for row in rows][:2] == [
        ("¥919.92", "¥1,819.82", True, "2 × ¥100.00 + 18 × ¥89.99"),
        ("¥100.00 each, no limit of the day", "¥100.00 each, no limit of the day", False, "1 × ¥100.00 …"),
    ]


def test_words_of_cells_and_lines_when_unknown_are_what_they_are() -> None:
    assert cell_words("review > approve") == "to a person → approved by rule"
    assert (line_label("auto_approve_limit"), line_label("?")) == ("Automatic approval limit", "?")
