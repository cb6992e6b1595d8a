"""Workbooks: a sheet's cells as text, and no more memory than a row needs."""

from __future__ import annotations

import io
import zipfile

import pytest

from payment_channels import tables, workbooks
from payment_channels.contract import BillCorrupt

_HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_TAIL = "</sheetData></worksheet>"


def _opened(sheet: str, shared: str = "", **more: str) -> workbooks.Workbook:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        if shared:
            archive.writestr("xl/sharedStrings.xml", shared)
        for name, content in more.items():
            archive.writestr(name, content)
    return workbooks.Workbook(zipfile.ZipFile(file))


def test_cells_are_read_wherever_their_text_stands() -> None:
    shared = "<sst><si><t>a</t></si><si><r><t>b</t></r><r><t>c</t></r></si></sst>"
    row = '<row r="3"><c r="A3" t="s"><v>1</v></c><c r="C3" t="inlineStr"><is><t>`0012</t></is></c><c><v>4.2E+27</v></c></row>'
    book = _opened(f"{_HEAD}{row}<row/>{_TAIL}", shared)
    assert list(book.rows(book.sheets[0])) == [(3, ["bc", "", "`0012", "4.2E+27"]), (4, [])]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("99.400000000000006", "99.4"),
        ("0.30000000000000004", "0.3"),
        ("-6E-05", "-0.00006"),
        ("1.2000000000000002E-2", "0.012"),
        ("100", "100"),
        ("123456789012345", "123456789012345"),
        ("4.2000090002026111E+27", "4.2000090002026111E+27"),
        ("1234567890123456", "1234567890123456"),
        ("", ""),
    ],
)
def test_number_reads_as_the_sheet_shows_it_and_a_rounded_one_stays_rounded(stored: str, shown: str) -> None:
    book = _opened(f'{_HEAD}<row r="1"><c r="A1"><v>{stored}</v></c></row>{_TAIL}')
    assert list(book.rows(book.sheets[0])) == [(1, [shown])]


@pytest.mark.parametrize(
    "sheet",
    [
        f'<!DOCTYPE x [<!ENTITY a "b">]>{_HEAD}{_TAIL}',
        f'{_HEAD}<row><c r="ZZZ1"><v>1</v></c></row>{_TAIL}',
        f'{_HEAD}<row><c t="s"><v>7</v></c></row>{_TAIL}',
        f"{_HEAD}<row>{'<c><v>1</v></c>' * 300_000}",
    ],
)
def test_workbook_that_would_cost_too_much_or_names_what_it_lacks_is_refused(sheet: str) -> None:
    book = _opened(sheet)
    with pytest.raises(BillCorrupt):
        list(book.rows(book.sheets[0]))


def test_zip_without_a_sheet_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(BillCorrupt):
        workbooks.Workbook(zipfile.ZipFile(file))


def test_table_in_a_later_sheet_is_found_and_every_sheet_counts_for_the_digest() -> None:
    head = '<row><c t="inlineStr"><is><t>微信订单号</t></is></c></row>'
    book = _opened(f"{_HEAD}{_TAIL}", **{"xl/worksheets/sheet2.xml": f"{_HEAD}{head}{_TAIL}"})
    assert tables.kind_of(tables.head_of(book)) == ("wechat", "trades")
    assert len(list(book.parts())) == 2
