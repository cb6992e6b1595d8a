"""Why a file was not taken in."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from core.errors import Conflict, Invalid
from reconciliation import refusals


def _said(code: str, **facts: Any) -> str:
    with translation.override("en"):
        return refusals.sentence(Invalid("", code=code, **facts))


@pytest.mark.parametrize(
    ("code", "facts", "words"),
    [
        ("bill_of_another_day", {"found": "2026-11-21", "day": "2026-11-22"}, "of 2026-11-21, not of 2026-11-22"),
        ("bill_of_another_day", {"found": "", "day": "2026-11-22"}, "of other days, not of 2026-11-22"),
        ("bill_of_another_channel", {"channel": "alipay"}, "a statement of Alipay"),
        ("bill_of_another_kind", {"kind": "summary"}, "a summary without single refunds"),
        ("bill_of_another_kind", {"kind": "riddle"}, "a list of other trades"),
        (
            "bill_does_not_add_up",
            {"declared_fen": 120_000, "rows_fen": 119_900},
            "rows make ¥1,199.00, a gap of ¥1.00",
        ),
        ("bill_lacks_columns", {"columns": "退款金额"}, "退款金额"),
        ("bill_empty", {}, "The file is empty."),
    ],
)
def test_sentence_says_what_the_file_is_and_that_nothing_was_taken(
    code: str, facts: dict[str, Any], words: str
) -> None:
    said = _said(code, **facts)
    assert words in said
    assert said.endswith("Nothing was taken from it.")


def test_sentence_when_the_error_is_of_another_kind_is_empty() -> None:
    assert refusals.sentence(Conflict("", code="day_closed")) == ""


def test_row_when_its_reason_is_unknown_still_has_one() -> None:
    with translation.override("en"):
        assert refusals.why_set_aside({"why": "row_amount", "said": "abc"}) == "no amount: abc"
        assert refusals.why_set_aside({"why": "row_riddle", "said": ""}) == "its fields do not fit the columns"
