"""What is exported reads back as it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreadsheets import cell, from_cell, name

_NUMBERS = [
    "4200001234202611200000000001",
    "0000123456",
    "12E5",
    "2026-11",
    "11-26",
    "1/2",
    "10:30",
    "007",
    "3",
    "TRUE",
    "MAR1",
    "2026年11月",
    "50%",
    "+8613800006021",
    "=1+1",
    "-1+1",
    "@SUM(A1)",
    "＝1+1",
    "１２３",
    ".5",
    "1 1/2",
    "9 AM",
    "1-Mar-26",
    "11月5日",
    "￥12",
    "2026-11-26T00:00",
    "-1.10",
    "-0",
    "#N/A",
    "#REF!",
    "1dec2026",
    "%5",
    "1 - 2",
    "RF-261122-0187",
    "A-0012",
]


@pytest.mark.parametrize("text", _NUMBERS)
def test_number_in_a_cell_is_a_text_and_finds_its_way_back(text: str) -> None:
    written = name(text)
    assert written[0] not in "=+@＝"
    assert from_cell(written) == text
    row = io.StringIO()
    csv.writer(row).writerow([written])
    assert from_cell(next(csv.reader([row.getvalue()]))[0]) == text
    if text not in ("RF-261122-0187", "A-0012"):
        assert written != text


@pytest.mark.parametrize("figure", ["12.00", "-5.00", "0", "0.1250"])
def test_figure_stays_a_figure(figure: str) -> None:
    assert cell(figure) == figure


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "+1+1",
        "-2+3",
        "@A1",
        " =1",
        "\t=1",
        "\r=1",
        "\u3000=1",
        "\u200b=1",
        "\ufeff=1",
        "\u2003+1",
        "\x0b@1",
        "\0=1",
        "\u3000＝1",
        "﹦1",
        "﹢1",
    ],
)
def test_text_cannot_become_a_formula(text: str) -> None:
    assert cell(text).startswith("'")


@given(st.from_regex(r"[0-9A-Za-z+=@/:.\-]{1,30}", fullmatch=True))
def test_every_number_comes_back(text: str) -> None:
    assert from_cell(name(text)) == text
