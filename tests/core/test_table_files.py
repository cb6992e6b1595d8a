"""Tables as people bring them."""

from __future__ import annotations

import io
import resource
import time

import pytest
from xlsxwriter import Workbook

from core import table_files
from core.table_files import NotATable, read

_TEXT = "订单号,金额,金额\n0007,5.00,6\n"


def _workbook(rows: list[list[object]], *, cover: bool = False) -> bytes:
    content = io.BytesIO()
    with Workbook(content) as book:
        if cover:
            book.add_worksheet().write_row(0, 0, ["本月销售"])
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        _TEXT.encode(),
        b"\xef\xbb\xbf" + _TEXT.encode(),
        _TEXT.encode("gb18030"),
        _TEXT.encode("utf-16"),
        _TEXT.encode("utf-16-le"),
        b"\xfe\xff" + _TEXT.encode("utf-16-be"),
        _TEXT.replace(",", "\t").encode(),
        _TEXT.replace(",", ";").replace("\n", "\r").encode(),
        ("门店销售 2026-11\n\n" + _TEXT).encode(),
        ("sep=|\n" + _TEXT.replace(",", "|")).encode(),
        _TEXT.replace("0007", '="0007"').replace("5.00", "`5.00\t").encode(),
    ],
)
def test_read_whatever_the_encoding_and_delimiter_gives_the_same_table(content: bytes) -> None:
    table = read(content)
    assert table.columns == ["订单号", "金额", "金额 (2)"]
    assert [list(cells) for _, cells in table.rows] == [["0007", "5.00", "6"]]


def test_read_when_a_workbook_has_a_cover_takes_the_sheet_with_a_table_and_shows_what_was_rounded() -> None:
    table = read(_workbook([["order", "amount"], ["0007", 268.5], [123456789012345678, 12]], cover=True))
    assert [list(cells) for _, cells in table.rows] == [["0007", "268.5"], ["1.23456789012346E+17", "12"]]
    assert table_files.is_rounded(table.rows[1][1][0])


def test_read_when_a_quote_is_none_keeps_the_rows_and_shows_one_that_is_too_wide() -> None:
    table = read(b'order,item,amount\n1,12" pipe,5\n2,"12" pipe,5\n3,a,b,7\n4,"a,b",7\n')
    assert [len(cells) for _, cells in table.rows] == [3, 3, 4, 4]
    assert len(read(b'order,item,amount\n4,"a,b",7\n').rows[0][1]) == 3


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xef\xbb\xbf \r\n", "table_empty"),
        (b"order,amount\n", "table_empty"),
        (b"1,2\n3,4\n", "table_no_header"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "table_encoding"),
        (b"<!DOCTYPE html><html>", "table_web_page"),
        (b"PK\x03\x04 no archive", "table_unreadable"),
        (_workbook([["order", "amount"], ["1", 2]])[:-300], "table_unreadable"),
    ],
)
def test_read_when_it_is_no_table_says_why(content: bytes, code: str) -> None:
    with pytest.raises(NotATable) as refused:
        read(content)
    assert refused.value.code == code


def test_column_that_lost_zeros_when_some_have_them_knows_the_length() -> None:
    assert table_files.column_that_lost_zeros(["0012", "13", "9999"]) == 4
    assert table_files.column_that_lost_zeros(["12", "13", "9999"]) == 0
    assert table_files.column_that_lost_zeros(["012", "0013", "9"]) == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"," * 3_000_000, "table_no_header", id="a line of commas"),
        pytest.param(b"a,b\n" + b"\n" * 3_000_000, "table_empty", id="lines of nothing"),
        pytest.param(b"a,b\n" + b",\n" * 3_000_000, "table_empty", id="lines of a comma"),
        pytest.param(b"a,b\n" + b"1,2\n" * 500_000, "table_too_long", id="two million lines"),
        pytest.param(b"a,b\n" + b",".join([b"12"] * 3_500_000), "table_too_long", id="four million cells in a line"),
        pytest.param(b"a,b\n1," + b"x" * 200_000, "table_unreadable", id="a cell longer than any text"),
    ],
)
def test_read_when_a_text_is_made_to_take_memory_refuses_it(content: bytes, code: str) -> None:
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NotATable) as refused:
        read(content)
    assert refused.value.code == code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000, "kilobytes"
    assert time.process_time() - began < 20
