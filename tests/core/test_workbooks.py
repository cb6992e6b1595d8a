"""Workbooks that are made to break whoever reads them break nothing here."""

from __future__ import annotations

import io
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import pytest
from xlsxwriter import Workbook

from core import table_files, workbooks
from core.table_files import NotATable

_NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def _workbook(*sheets: list[list[object]]) -> bytes:
    content = io.BytesIO()
    with Workbook(content) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return content.getvalue()


def _with(content: bytes, name: str, part: bytes) -> bytes:
    """The workbook with another file in this place."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for entry in before.namelist():
            after.writestr(entry, part if entry == name else before.read(entry))
    return changed.getvalue()


def _far_apart(column: str = "XFD", row: int = 1_048_576) -> bytes:
    cells = "".join(
        f'<row r="{row}"><c r="{column}{row}"><v>1</v></c></row>' for column, row in (("A", 1), (column, row))
    )
    sheet = f"<worksheet {_NAMESPACE}><sheetData>{cells}</sheetData></worksheet>".encode()
    return _with(_workbook([["a"]]), "xl/worksheets/sheet1.xml", sheet)


def _at_its_corner() -> bytes:
    return _far_apart("AZ", 90_000)


def _unpacking_to(megabytes: int, *, saying: int) -> bytes:
    """One whose shared texts unpack to so much, and whose directory says ``saying`` bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = f'<?xml version="1.0"?><sst {_NAMESPACE}><si><t>'.encode()
    packed = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush what is packed says nothing of what came before: it can be repeated as it is.
    packed += (packer.compress(b"x" * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)) * megabytes
    packed += packer.compress(b"</t></si></sst>") + packer.flush()
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_workbook([["a", "b"], ["1", "2"]]))) as before,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for entry in before.namelist():
            if entry != "xl/sharedStrings.xml":
                after.writestr(entry, before.read(entry))
    rest = content.getvalue()
    with zipfile.ZipFile(io.BytesIO(rest)) as made:
        start, count = made.start_dir, len(made.infolist())
    name = b"xl/sharedStrings.xml"
    sizes = struct.pack("<III", 0, len(packed), saying)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 0x21) + sizes + struct.pack("<HH", len(name), 0) + name
    listed = b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0x21) + sizes
    listed += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, start) + name
    directory = rest[start : rest.rindex(b"PK\x05\x06")] + listed
    files = rest[:start] + local + packed
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count + 1, count + 1, len(directory), len(files), 0)
    return files + directory + end


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(_far_apart, id="two cells at the ends of a sheet"),
        pytest.param(lambda: _unpacking_to(2_000, saying=2_000_000_000), id="texts of two gigabytes"),
        pytest.param(lambda: _unpacking_to(2_000, saying=100), id="texts of two gigabytes that say they are small"),
        pytest.param(_at_its_corner, id="more cells than are read"),
    ],
)
def test_read_when_a_workbook_is_a_bomb_refuses_it_and_takes_no_memory(made: Callable[[], bytes]) -> None:
    content = made()
    assert len(content) < table_files.MAX_BYTES
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NotATable) as refused:
        table_files.read(content)
    assert refused.value.code in {"table_too_large", "table_unreadable"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kilobytes"


def _sheets(content: bytes, *, most_rows: int = 10, most_cells: int = 1_000) -> Iterator[list[list[str]]]:
    return workbooks.sheets(content, most_rows=most_rows, most_cells=most_cells)


def test_sheets_come_as_texts_from_the_first_cell_on_and_no_further_than_asked() -> None:
    content = _workbook([[], ["", "x", 1.5, True]], [[1], [2], [3]])
    assert list(_sheets(content, most_rows=2)) == [[["", "", "", ""], ["", "x", "1.5", "TRUE"]], [["1"], ["2"]]]
    assert next(_sheets(content))[1][1] == "x"


def test_sheets_when_it_is_none_says_so() -> None:
    with pytest.raises(workbooks.Unreadable):
        list(_sheets(b"PK\x03\x04" + bytes(200)))
    with pytest.raises(workbooks.TooLarge):
        list(_sheets(_workbook([[1] * 40] * 40), most_cells=399))
