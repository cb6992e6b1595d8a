"""Workbooks: a sheet's cells as text, and no more memory than a row needs."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from xml.etree.ElementTree import Element

import pytest

from payment_channels import tables, workbooks
from payment_channels.contract import BillCorrupt

_HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_TAIL = "</sheetData></worksheet>"


def _opened(sheet: str | bytes, shared: str = "", **more: str) -> workbooks.Workbook:
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


_DECLARES = '<!DOCTYPE x [<!ENTITY a "b">]>'


@pytest.mark.parametrize(
    "sheet",
    [
        # Cut in two where the file is read piece by piece.
        *(f"<!--{'x' * (65_536 - 7 - cut)}-->{_DECLARES}{_HEAD}{_TAIL}" for cut in (1, 4, 9)),
        f'<?xml version="1.0" encoding="UTF-16"?>{_DECLARES}{_HEAD}{_TAIL}'.encode("utf-16"),
        f'<?xml version="1.0" encoding="UTF-16BE"?>{_DECLARES}{_HEAD}{_TAIL}'.encode("utf-16-be"),
        # No entities in it, and none of a workbook's program either.
        f'<!DOCTYPE x SYSTEM "http://127.0.0.1/x">{_HEAD}{_TAIL}',
    ],
)
def test_declaration_is_refused_however_it_is_cut_and_written(sheet: str | bytes) -> None:
    book = _opened(sheet)
    with pytest.raises(BillCorrupt, match="declares"):
        list(book.rows(book.sheets[0]))


def test_text_that_looks_like_a_declaration_is_a_text() -> None:
    book = _opened(f"{_HEAD}<row><c t='inlineStr'><is><t><![CDATA[<!DOCTYPE x>]]></t></is></c></row>{_TAIL}")
    assert list(book.rows(book.sheets[0])) == [(1, ["<!DOCTYPE x>"])]


@pytest.mark.parametrize(
    "between",
    [
        pytest.param("<x/>" * 400_000, id="beside one another"),
        pytest.param("<x y='1'>" * 10_000 + "</x>" * 10_000, id="in one another"),
    ],
)
def test_what_stands_between_rows_takes_no_memory(between: str) -> None:
    """Each piece is small enough; what was kept of all of them made gigabytes of a file of kilobytes."""
    row = "<row><c><v>1</v></c></row>"
    book = _opened(f"<worksheet>{f'{between}<sheetData>{row}</sheetData>' * 4}</worksheet>")
    tracemalloc.start()
    try:
        with suppress(BillCorrupt):
            assert [cells for _, cells in book.rows(book.sheets[0])] == [["1"]] * 4
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 12_000_000


def test_how_characters_are_read_is_no_text_of_their_cell() -> None:
    reading = '<rPh sb="0" eb="2"><t>Shanghai</t></rPh><phoneticPr fontId="1"/>'
    rows = f'<row><c t="s"><v>0</v></c><c t="inlineStr"><is><t>上海</t>{reading}</is></c></row>'
    book = _opened(f"{_HEAD}{rows}{_TAIL}", f"<sst><si><r><t>上</t></r><r><t>海</t></r>{reading}</si></sst>")
    assert list(book.rows(book.sheets[0])) == [(1, ["上海", "上海"])]


def test_workbook_whose_sheets_are_too_large_together_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = f"{_HEAD}{'<row/>' * 100}{_TAIL}"
    monkeypatch.setattr(workbooks, "_MAX_BYTES", len(sheet) + 10)
    assert list(_opened(sheet).rows("xl/worksheets/sheet1.xml"))[-1] == (100, [])
    with pytest.raises(BillCorrupt, match="too large"):
        _opened(sheet, **{"xl/worksheets/sheet2.xml": sheet})


def test_texts_are_read_once_for_all_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    row = '<row><c t="s"><v>0</v></c></row>'
    book = _opened(
        f"{_HEAD}{row}{_TAIL}", "<sst><si><t>a</t></si></sst>", **{"xl/worksheets/s2.xml": f"{_HEAD}{row}{_TAIL}"}
    )
    read: list[str] = []
    found = workbooks.Workbook._elements

    def counted(self: workbooks.Workbook, name: str, wanted: str) -> Iterator[Element]:
        read.append(wanted)
        return found(self, name, wanted)

    monkeypatch.setattr(workbooks.Workbook, "_elements", counted)
    assert [list(book.rows(sheet)) for sheet in book.sheets] == [[(1, ["a"])]] * 2
    assert read == ["si", "row", "row"]


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
