"""Lines without their ends, bounded, and the cells of a line; ``test_tables`` has the encodings of whole statements."""

from __future__ import annotations

import io

import pytest

from payment_channels.contract import BillCorrupt
from payment_channels.lines import cells_of, plain, text_lines


def test_line_without_end_is_refused() -> None:
    with pytest.raises(BillCorrupt, match="line 2: the line is too long"):
        list(text_lines(io.BytesIO(b"a\n" + b"b" * 100_000)))


def test_lines_are_numbered_and_lose_only_their_ends() -> None:
    assert list(text_lines(io.BytesIO(b"a \r\n\n b"))) == [(1, "a "), (2, ""), (3, " b")]


@pytest.mark.parametrize(
    ("line", "delimiter", "cells"),
    [
        ("a,b", ",", ["a", "b"]),
        ("`a,`b,c", ",", ["a", "b,c"]),
        ("`a\t`b\t\t", "\t", ["a", "b"]),
        ('"a,b",c', ",", ["a,b", "c"]),
        ('5" disc,c', ",", ['5" disc', "c"]),
        ("\ta , `b", ",", ["a", "b"]),
    ],
    ids=["plain", "backticks", "padded", "quoted", "lone-quote", "blanks"],
)
def test_cells_are_apart_where_the_delimiter_ends_one(line: str, delimiter: str, cells: list[str]) -> None:
    assert cells_of(line, delimiter) == cells


@pytest.mark.parametrize(
    ("cell", "said"),
    [("１２．３０", "12.30"), ("'0012", "0012"), ('="0012"', "0012"), ("--", ""), ("\u200b退款 ", "退款")],
)
def test_cell_says_what_it_says_without_what_is_put_around_it(cell: str, said: str) -> None:
    assert plain(cell) == said
