"""Any table that somebody brings, CSV or a workbook, as columns and rows of text: whatever its encoding, its delimiter and the
lines above its header. What a spreadsheet has spoilt stays visible: a number that lost its digits reads ``1.23E+17``.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core import workbooks
from core.errors import Invalid
from core.plain_text import plain_text, without_marks
from core.spreadsheets import from_cell

MAX_BYTES = 20_000_000
MOST_LINES = 100_000
_MOST_COLUMNS = 200
#: What is read of one table: 50,000 sales of 60 columns.
_MOST_CELLS = 3_000_000
#: Lines that may stand above the header.
_HEADER_WITHIN = 60
_DELIMITERS = (",", "\t", ";", "|")
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_ROUNDED = re.compile(r"[+-]?[0-9](\.[0-9]*)?e\+?[0-9]{1,3}", re.IGNORECASE)
_SAYS_A_VALUE = re.compile(r"[+-]?[¥￥]?[0-9][0-9.,:/ -]*%?|[0-9]{4}[-/年].*")


class NotATable(Invalid, code="table_unreadable"):
    """The file holds no table that can be read; the code says why."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """``columns`` have a name each, no name twice; ``rows`` are (line of the file, cells), as many cells as columns, or one more
    where the row has more than there are columns.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[int, Sequence[str]]]


def read(content: bytes, *, is_header: Callable[[Sequence[str]], bool] | None = None) -> TableFile:
    """The table in a file; who knows its columns says by ``is_header`` which line names them. Raises ``NotATable``."""
    if not content.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
        raise NotATable("the file is empty", code="table_empty")
    if len(content) > MAX_BYTES:
        raise NotATable("the file is too large", code="table_too_large")
    tables: Iterable[Iterable[list[str]]]
    tables = _sheets(content) if content.startswith(_WORKBOOK) else [_text_rows(_text(content))]
    found: TableFile | None = None
    for lines in tables:
        # Of a workbook the first sheet that holds a table; others are covers and notes.
        found = _table(lines, is_header)
        if found is not None and found.rows:
            return found
    if found is None:
        raise NotATable("no line names columns", code="table_no_header")
    raise NotATable("the table has no rows", code="table_empty")


def is_rounded(text: str) -> bool:
    """Whether a spreadsheet wrote the number so that its last digits are lost."""
    return bool(_ROUNDED.fullmatch(unicodedata.normalize("NFKC", text).replace(" ", "")))


def column_that_lost_zeros(values: Iterable[str]) -> int:
    """The length that all numbers of a column had, where some begin with 0 and others are shorter because a spreadsheet took
    theirs away; 0 where nothing says so.
    """
    digits = {value for value in values if value.isascii() and value.isdigit()}
    lengths = {len(value) for value in digits if value.startswith("0") and len(value) > 1}
    if len(lengths) != 1:
        return 0
    (length,) = lengths
    return length if max(map(len, digits)) == length and any(len(value) < length for value in digits) else 0


def _table(lines: Iterable[Sequence[str]], is_header: Callable[[Sequence[str]], bool] | None) -> TableFile | None:
    kept = list(_kept(lines))
    if is_header is None:
        place = _header(kept)
    else:
        place = next((place for place, (_, cells) in enumerate(kept) if is_header(cells)), None)
    if place is None:
        return None
    names = list(kept[place][1])
    width = max(len(names), *(len(cells) for _, cells in kept[place:]))
    while names and not names[-1]:
        names.pop()
    if len(kept) - place - 1 > MOST_LINES or width > _MOST_COLUMNS:
        raise NotATable("too many lines", code="table_too_long")
    columns = _named(names)
    return TableFile(columns, [(number, _fitted(cells, len(columns))) for number, cells in kept[place + 1 :]])


def _kept(lines: Iterable[Sequence[str]]) -> Iterator[tuple[int, list[str]]]:
    """The lines that say something, by their numbers. Raises ``NotATable`` as soon as it is too much."""
    left, cells_left = MOST_LINES + _HEADER_WITHIN, _MOST_CELLS
    for number, cells in enumerate(lines, 1):
        if not any(cells):
            continue
        left, cells_left = left - 1, cells_left - len(cells)
        if left < 0 or cells_left < 0:
            raise NotATable("too many lines", code="table_too_long")
        if any(tidy := _tidy(cells)):
            yield number, tidy


def _header(kept: Sequence[tuple[int, Sequence[str]]]) -> int | None:
    """Which of the lines names the columns: the first that is as wide as most, and says no value."""
    widths = Counter(sum(map(bool, cells)) for _, cells in kept[: _HEADER_WITHIN * 4])
    usual = max(widths, key=lambda width: (widths[width] * min(width, 3), width), default=0)
    for place, (_, cells) in enumerate(kept[:_HEADER_WITHIN]):
        said = [cell for cell in cells if cell]
        if len(said) >= max(2, usual * 0.6) and not any(map(_SAYS_A_VALUE.fullmatch, said)):
            return place
    return None


def _named(names: Sequence[str]) -> list[str]:
    """A name for each column: one without is called by its place, one of a name that was there before by its number."""
    seen: Counter[str] = Counter()
    columns = []
    for place, name in enumerate(names, 1):
        name = " ".join(name.split())[:80] or f"#{place}"
        seen[name.casefold()] += 1
        columns.append(name if seen[name.casefold()] == 1 else f"{name} ({seen[name.casefold()]})")
    return columns


def _fitted(cells: Sequence[str], width: int) -> Sequence[str]:
    if not any(cells[width:]):
        return [*cells[:width], *[""] * (width - len(cells))]
    return cells[: width + 1] if cells[width] else [*cells[:width], next(filter(None, cells[width:]))]


def _tidy(cells: Sequence[str]) -> list[str]:
    """Without what nobody sees, and what tells a spreadsheet that a cell is text."""
    return [from_cell(without_marks(cell)) for cell in cells]


# --- text -------------------------------------------------------------------------------------------------------------


def _text(content: bytes) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return _decoded(content, name)
    head = content[:400]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) * 4 > len(zeros):
            return _decoded(content, name)
    # GB 18030 reads nearly everything, UTF-8 next to nothing that it is not.
    return _decoded(content, "utf-8", "gb18030")


def _decoded(content: bytes, *names: str) -> str:
    for name in names:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if text.count("\0") * 20 > len(text):
            break
        if re.match(r"\s*<(!doctype|html|\?xml|table)", text, re.IGNORECASE):
            raise NotATable("a web page", code="table_web_page")
        return text.replace("\0", "")
    raise NotATable("no encoding that we know", code="table_encoding")


def _text_rows(text: str) -> Iterator[list[str]]:
    said = re.match(r"sep=(.)\r?\n", text)
    delimiter = said[1] if said else _delimiter(text)
    if said:
        text = text[said.end() :]
        yield []
    if not _is_read(text, delimiter, quoting=csv.QUOTE_MINIMAL):
        # A quote that is no quote: an inch, a nickname.
        if not _is_read(text, delimiter, quoting=csv.QUOTE_NONE):
            raise NotATable("a cell is longer than any text of a table")
        yield from _reader(text, delimiter, quoting=csv.QUOTE_NONE)
        return
    yield from _reader(text, delimiter, quoting=csv.QUOTE_MINIMAL)


def _reader(text: str, delimiter: str, *, quoting: Any) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, quoting=quoting)


def _is_read(text: str, delimiter: str, *, quoting: int) -> bool:
    try:
        for _ in _reader(text, delimiter, quoting=quoting):
            pass
    except csv.Error:
        return False
    return True


def _delimiter(text: str) -> str:
    """What stands between cells: what makes most of the first lines equally wide, and wide."""
    lines = [line for line in text[:65_536].splitlines() if line.strip()][:_HEADER_WITHIN]

    def fits(delimiter: str) -> int:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            return 0
        return max((lines_ * (width - 1) for width, lines_ in widths.items()), default=0)

    return max(_DELIMITERS, key=fits)


# --- workbooks --------------------------------------------------------------------------------------------------------


def _sheets(content: bytes) -> Iterator[list[list[str]]]:
    try:
        for rows in workbooks.sheets(content, most_rows=MOST_LINES + _HEADER_WITHIN + 1, most_cells=_MOST_CELLS):
            yield [[plain_text(text) for text in row] for row in rows]
    except workbooks.Locked as error:
        raise NotATable("the workbook has a password", code="table_password") from error
    except workbooks.TooLarge as error:
        raise NotATable("the workbook is too large", code="table_too_large") from error
    except workbooks.Unreadable as error:
        raise NotATable(f"the workbook cannot be read: {error}") from error
