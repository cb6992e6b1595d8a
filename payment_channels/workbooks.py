"""Tables in ``.xlsx`` as portals hand them out, each sheet's cells as text, with flat memory.

Source: ECMA-376, part 1, 18.3 (worksheets) and 18.4 (shared strings). Only what a table needs is read: no formulas, no styles.
"""

import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from typing import BinaryIO, cast
from xml.etree.ElementTree import Element, XMLPullParser
from xml.parsers.expat import ExpatError, ParserCreate

from payment_channels.contract import BillCorrupt

_CHUNK_BYTES = 65_536
#: Of all that a workbook's rows come from, unpacked.
_MAX_BYTES = 300_000_000
_MAX_SHARED_CHARS = 32_000_000
#: XML that may come before a row ends.
_MAX_ROW_BYTES = 2_000_000
_MAX_COLUMNS = 500
#: A row's text lies seven elements deep. What stays open is remembered until it ends.
_MAX_DEPTH = 50
#: Beyond so many digits a spreadsheet's number is rounded.
_EXACT_BELOW = 10**15
_SHARED, _SHEET = "xl/sharedStrings.xml", re.compile(r"xl/worksheets/[^/]+\.xml\Z")


def is_workbook(archive: zipfile.ZipFile) -> bool:
    return "xl/workbook.xml" in archive.namelist()


class Workbook:
    """The sheets of an opened zip."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        found = (name for name in archive.namelist() if _SHEET.match(name))
        self.sheets = sorted(found, key=lambda name: (len(name), name))
        if not self.sheets:
            raise BillCorrupt("the workbook holds no sheet", code="bill_workbook")
        self._shared = _SHARED if _SHARED in archive.namelist() else ""
        # As the zip says it, beyond which nothing of a file in it is read.
        if sum(archive.getinfo(name).file_size for name in self._names) > _MAX_BYTES:
            raise BillCorrupt("the workbook is too large")

    @property
    def _names(self) -> list[str]:
        return [*self.sheets, self._shared] if self._shared else self.sheets

    def parts(self) -> Iterator[BinaryIO]:
        """The files inside that its rows come from."""
        for name in self._names:
            with self._archive.open(name) as part:
                yield cast("BinaryIO", part)

    def rows(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """A sheet's numbered rows from 1. Raises ``BillCorrupt`` and what a broken file raises."""
        shared = self._strings
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

    @cached_property
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
        """Elements one by one, each forgotten after it was looked at, and what stands between them at once."""
        parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        before = ParserCreate()
        before.StartDoctypeDeclHandler = _refuse_declarations
        since, within = 0, 0
        open_ones: list[Element] = []
        with self._archive.open(name) as part:
            while piece := part.read(_CHUNK_BYTES):
                if not open_ones:
                    # By what reads XML, whatever its encoding and however it is cut; what is no XML the other one says.
                    with suppress(ExpatError):
                        before.Parse(piece)
                since += len(piece)
                if since > _MAX_ROW_BYTES:
                    raise BillCorrupt("the workbook is too large")
                parser.feed(piece)
                for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                    if event == "start":
                        open_ones.append(element)
                        within += _name(element) == wanted
                        if len(open_ones) > _MAX_DEPTH:
                            raise BillCorrupt("the workbook is too deep")
                        continue
                    open_ones.pop()
                    if _name(element) == wanted:
                        within -= 1
                        if not within:
                            yield element
                            since = 0
                    if not within and open_ones:
                        open_ones[-1].clear()
        parser.close()


def _refuse_declarations(*_: object) -> None:
    raise BillCorrupt("the workbook declares entities")


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element) -> str:
    """The text of its runs, without how they are read: pinyin that stands above the characters is none of the cell."""
    return "".join((part.text or "") if _name(part) == "t" else _text(part) for part in element if _name(part) != "rPh")


def _value(cell: Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    value = next((part.text or "" for part in cell if _name(part) == "v"), "")
    if kind == "n":
        return _number(value)
    if kind != "s":
        return value
    index = int(value)
    if not 0 <= index < len(shared):
        raise BillCorrupt("the workbook names a text that it does not have")
    return shared[index]


def _number(value: str) -> str:
    """A number as the sheet shows it: 0.30000000000000004 is 0.3, and 6E-05 is 0.00006. Beyond 15 digits it stays as
    rounded as it is.
    """
    try:
        found = float(value)
    except ValueError:
        return value
    return format(Decimal(f"{found:.15g}"), "f") if abs(found) < _EXACT_BELOW else value


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
