"""Tables in ``.xlsx``: read as portals hand them out, each sheet's cells as text, with flat memory; and written for a bank.

Source: ECMA-376, part 1, 18.3 (worksheets) and 18.4 (shared strings). Only what a table needs is read: no formulas, no styles.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast
from xml.etree.ElementTree import Element, XMLPullParser
from xml.sax.saxutils import escape

from payment_channels.contract import BillCorrupt

_CHUNK_BYTES = 65_536
_MAX_BYTES = 200_000_000
_MAX_SHARED_CHARS = 32_000_000
#: XML that may come before a row ends.
_MAX_ROW_BYTES = 2_000_000
_MAX_COLUMNS = 500
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_TYPES = (
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SPREADSHEET}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SPREADSHEET}.worksheet+xml"/>'
)
_SHARED, _SHEET = "xl/sharedStrings.xml", re.compile(r"xl/worksheets/[^/]+\.xml\Z")


def is_workbook(archive: zipfile.ZipFile) -> bool:
    return "xl/workbook.xml" in archive.namelist()


def written(rows: Sequence[Sequence[str]]) -> bytes:
    """A workbook of one sheet in which every cell is a text: no formula, and no number that loses digits."""
    lines = (
        "".join(f'<c t="inlineStr"><is><t xml:space="preserve">{escape(_writable(cell))}</t></is></c>' for cell in row)
        for row in rows
    )
    sheet = "".join(f"<row>{line}</row>" for line in lines)
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f'{_XML}<Types xmlns="{_PACKAGE}/content-types">{_TYPES}</Types>')
        archive.writestr("_rels/.rels", _relation("officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/_rels/workbook.xml.rels", _relation("worksheet", "worksheets/sheet1.xml"))
        archive.writestr(
            "xl/workbook.xml",
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
            '<sheets><sheet name="1" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{sheet}</sheetData></worksheet>'
        )
    return kept.getvalue()


def _writable(text: str) -> str:
    """Without the control characters that XML 1.0 has no way to write."""
    return "".join(character for character in text if character >= " " or character in "\t\n\r")


def _relation(kind: str, target: str) -> str:
    return (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/{kind}" Target="{target}"/></Relationships>'
    )


class Workbook:
    """The sheets of an opened zip."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        found = (name for name in archive.namelist() if _SHEET.match(name))
        self.sheets = sorted(found, key=lambda name: (len(name), name))
        if not self.sheets:
            raise BillCorrupt("the workbook holds no sheet", code="bill_workbook")
        self._shared = _SHARED if _SHARED in archive.namelist() else ""

    def parts(self) -> Iterator[BinaryIO]:
        """The files inside that its rows come from."""
        for name in filter(None, (*self.sheets, self._shared)):
            with self._archive.open(name) as part:
                yield cast("BinaryIO", part)

    def rows(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """A sheet's numbered rows from 1. Raises ``BillCorrupt`` and what a broken file raises."""
        shared = self._strings()
        number = 0
        for row in self._elements(sheet, "row"):
            number = int(row.get("r") or number + 1)
            cells: list[str] = []
            for cell in row.iter():
                if _name(cell) != "c":
                    continue
                column = _column(cell.get("r", ""), len(cells))
                cells.extend([""] * (column + 1 - len(cells)))
                cells[column] = _value(cell, shared)
            yield number, cells

    def _strings(self) -> list[str]:
        found: list[str] = []
        size = 0
        for item in self._elements(self._shared, "si") if self._shared else ():
            found.append(_text(item))
            size += len(found[-1]) + 50
            if size > _MAX_SHARED_CHARS:
                raise BillCorrupt("the workbook is too large")
        return found

    def _elements(self, name: str, wanted: str) -> Iterator[Element]:
        """Elements one by one, each forgotten after it was looked at."""
        parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        size = since = 0
        open_ones: list[Element] = []
        with self._archive.open(name) as part:
            while piece := part.read(_CHUNK_BYTES):
                if b"<!" in piece and (b"<!DOCTYPE" in piece or b"<!ENTITY" in piece):
                    raise BillCorrupt("the workbook declares entities")
                size, since = size + len(piece), since + len(piece)
                if size > _MAX_BYTES or since > _MAX_ROW_BYTES:
                    raise BillCorrupt("the workbook is too large")
                parser.feed(piece)
                for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                    if event == "start":
                        open_ones.append(element)
                        continue
                    open_ones.pop()
                    if _name(element) == wanted:
                        yield element
                        since = 0
                        open_ones[-1].clear()
        parser.close()


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element) -> str:
    return "".join(part.text or "" for part in element.iter() if _name(part) == "t")


def _value(cell: Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    value = next((part.text or "" for part in cell if _name(part) == "v"), "")
    if kind != "s":
        return value
    index = int(value)
    if not 0 <= index < len(shared):
        raise BillCorrupt("the workbook names a text that it does not have")
    return shared[index]


def _column(address: str, following: int) -> int:
    """``C7`` is 2; a cell without an address stands behind the one before."""
    letters = re.match(r"[A-Z]{1,3}", address)
    if letters is None:
        column = following
    else:
        column = 0
        for letter in letters[0]:
            column = column * 26 + ord(letter) - 64
        column -= 1
    if column >= _MAX_COLUMNS:
        raise BillCorrupt("the workbook has too many columns")
    return column
