"""The lines of a statement and the cells of a line, whatever they were encoded as and whichever program saved them."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO

from payment_channels import statements
from payment_channels.contract import BillCorrupt
from payment_channels.workbooks import Workbook

MAX_LINE_CHARS = 65_536
_CHUNK_BYTES = 262_144
#: Words that every statement of ours has in its first lines: they tell the encoding.
_KNOWN_WORDS = ("交易", "商户", "业务", "账单", "账务")

#: Its number, and its text and no cells, or the cells of a row of a workbook's sheet and no text.
Line = tuple[int, str, list[str] | None]


class Lines:
    """The lines of a text or a sheet."""

    def __init__(self, content: BinaryIO | Workbook, sheet: str = "") -> None:
        self._lines: Iterator[Line]
        if isinstance(content, Workbook):
            rows = content.rows(sheet)
            self._lines = ((number, "", [cell.removeprefix("`") for cell in cells]) for number, cells in rows)
        else:
            self._lines = ((number, text, None) for number, text in text_lines(content))

    def __iter__(self) -> Iterator[Line]:
        return self._lines


def sheets(content: BinaryIO | Workbook) -> Iterator[Lines]:
    """A workbook's sheets in their order; a text is one."""
    return (Lines(content, sheet) for sheet in (content.sheets if isinstance(content, Workbook) else [""]))


def text_lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Numbered lines from 1, without their ends, whichever these are, and the byte order mark. A byte that does not fit becomes
    U+FFFD.

    Raises ``BillCorrupt`` for a line that does not end.
    """
    piece = file.read(_CHUNK_BYTES)
    decoder = codecs.getincrementaldecoder(_encoding(piece))(errors="replace")
    decode = io.IncrementalNewlineDecoder(decoder, translate=True).decode
    piece = piece.removeprefix(codecs.BOM_UTF8)
    number, rest, size = 0, "", 0
    while True:
        size += len(piece)
        if size > statements.MAX_FILE_BYTES:
            raise BillCorrupt("the file is too large")
        rest += decode(piece, final=not piece)
        *whole, rest = rest.split("\n")
        if not piece and rest:
            whole.append(rest)
            rest = ""
        for line in whole:
            number += 1
            if len(line) >= MAX_LINE_CHARS:
                raise BillCorrupt("the line is too long", line=number)
            yield number, line
        if len(rest) >= MAX_LINE_CHARS:
            raise BillCorrupt("the line is too long", line=number + 1)
        if not piece:
            return
        piece = file.read(_CHUNK_BYTES)


def _encoding(head: bytes) -> str:
    """GBK may have UTF-8's mark in front, and UTF-16 none: words that are known tell."""
    head = head[:4_096].removeprefix(codecs.BOM_UTF8)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    names = ("utf-8", "gb18030", *(("utf-16-le", "utf-16-be") if b"\0" in head else ()))
    known = [name for name in names if any(word in head.decode(name, "replace") for word in _KNOWN_WORDS)]
    return known[0] if known else "utf-16-le" if head[1:40:2].count(0) > 10 else "utf-8"


def cells_of(line: str, delimiter: str) -> list[str]:
    """Cells. WeChat Pay writes a backtick before each; others are CSV, in which a lone quote is no quote."""
    if line.startswith("`"):
        # A spreadsheet pads a short line with delimiters; a cell of its own would begin with a backtick.
        return [cell.rstrip() for cell in line[1:].rstrip(f"{delimiter} ").split(f"{delimiter}`")]
    if '"' not in line:
        return [cell.strip("\t ").removeprefix("`") for cell in line.split(delimiter)]
    if line.count('"') % 2:
        return [cell.strip("\t ") for cell in line.split(delimiter)]
    read = csv.reader(line.splitlines(keepends=True), delimiter=delimiter)
    return [cell.strip("\t ").removeprefix("`") for cell in next(read)]


def plain(cell: str) -> str:
    """What a cell says: full-width digits as usual, without marks that nobody sees, and without what tells a spreadsheet that it
    is text. Dashes alone say nothing.
    """
    if not cell.isascii():
        folded = unicodedata.normalize("NFKC", cell)
        cell = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    cell = cell.strip()
    if cell.startswith(("'", '="')):
        cell = cell.removeprefix("=").strip("\"'")
    return cell if cell.strip("-\u2014") else ""
