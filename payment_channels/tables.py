"""A statement as a table with a header, read row by row: tolerant of what people and portals do to a file.

Byte order marks, GBK, UTF-16, blank lines, full-width or reordered headers, columns more at the end, commas and line breaks in a
text field, several statements of one form one below the other: read. A row that fits in no way is set aside with its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as default
from itertools import chain, islice
from typing import BinaryIO

from payment_channels import acquirers, statements
from payment_channels.contract import BillCorrupt, BillNotes, BillRow, OddRow
from payment_channels.lines import MAX_LINE_CHARS, Line, Lines, cells_of, plain, sheets
from payment_channels.workbooks import Workbook

#: Lines that may stand above the header, and lines that one row may be broken into.
_HEADER_WITHIN, _BROKEN_INTO = 60, 20
_ODD_TEXT_MAX = 1_000
_ODD_WITHOUT_ASKING = 3
#: A row of any statement says more than this.
_FEWEST_CELLS = 3
#: What stands between cells: a spreadsheet saves text with tabs, or with semicolons where the comma is for decimals.
_DELIMITERS = (",", "\t", ";", "|")
#: The longest number of a channel's or ours.
_NUMBER_MAX = 64
#: A cell by its column's name, empty where the file has no such column.
Field = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a channel's table looks. Names are compared without width, blanks and case.

    ``key`` is the column that only this kind of statement has; of each set of ``required`` one column must be there.
    ``free_text`` are the columns in which people may have written commas. ``summary`` begins the totals at the end, and
    ``synonyms`` maps older names to those in use.
    """

    key: str
    required: Sequence[Sequence[str]]
    free_text: Sequence[str]
    summary: Sequence[str] = ()
    synonyms: Mapping[str, str] = default(default_factory=dict)
    is_remark: Callable[[str], bool] = lambda _: False


@dataclass(slots=True)
class Table:
    """One pass over a table. ``has`` is known once the header was read, ``summaries``, one a statement, once all rows were."""

    layout: Layout
    notes: BillNotes
    channel: str
    has: frozenset[str] = frozenset()
    summaries: list[Mapping[str, str]] = default(default_factory=list)
    delimiter: str = ","
    _placed: dict[str, int] = default(default_factory=dict)

    def rows(
        self,
        content: BinaryIO | Workbook,
        build: Callable[[Field, int], BillRow | None],
        amount: Callable[[Field], int],
    ) -> Generator[tuple[BillRow, Field], None, None]:
        """Each row that ``build`` makes something of, with its cells. ``amount`` reads an odd row's amount, where it can be read.

        Raises ``BillCorrupt`` where this is no such table, or most of its rows cannot be read.
        """
        lines, places = self._header(content)
        width = max(places.values()) + 1
        free = sorted(places[name] for name in map(key, self.layout.free_text) if name in places)
        resaved = 0
        for number, text, cells in self._records(lines, width, is_text_last=width - 1 in free):
            self.notes.rows += 1
            why = BillCorrupt(f"{len(cells)} fields instead of {width}", line=number, code="row_fields")
            made: list[tuple[BillRow | None, Field]] = []
            for fitted in _fitted(cells, width, free):
                field = _look_up(places, fitted)
                try:
                    row = build(field, number)
                    _check_numbers(row, line=number)
                except BillCorrupt as error:
                    why = error
                    continue
                if all(row != other for other, _ in made):
                    made.append((row, field))
                if fitted is cells or not any(cells[width:]):
                    break
            if len(made) == 1:
                if made[0][0] is not None:
                    yield made[0][0], made[0][1]
                continue
            resaved += isinstance(why, statements.Resaved)
            self.notes.set_aside(odd_row(why, text, line=number, amount_fen=_amount(places, cells, amount)))
        if resaved * 2 >= self.notes.rows > 0:
            raise BillCorrupt("saved again by a spreadsheet", code="bill_resaved")
        if is_mostly_odd(self.notes):
            first = self.notes.odd[0]
            raise BillCorrupt(f"most rows cannot be read, the first: {first.why}", line=first.line)
        if self.layout.summary and not self.summaries:
            raise BillCorrupt("the summary is missing: the file was cut short")

    def _header(self, content: BinaryIO | Workbook) -> tuple[Iterable[Line], dict[str, int]]:
        """The lines that follow the header, and where its columns stand; of a workbook those of the first sheet that has one,
        then those of the sheets that have the same: a sheet for each shop.
        """
        above: list[str] = []
        refused: BillCorrupt | None = None
        for place, lines in enumerate(sheets(content)):
            try:
                if places := self._places_in(lines, above):
                    return chain(lines, self._alike(content, place + 1)), places
            except BillCorrupt as error:
                refused = refused or of_acquirer("\n".join(above)) or error
        raise refused or not_this_statement("\n".join(above), channel=self.channel)

    def _places_in(self, lines: Lines, above: list[str]) -> dict[str, int]:
        """Where the columns stand that a sheet's header names; nothing where it has none. Its first lines go to ``above``."""
        for number, text, cells in lines:
            said = text or ",".join(cells or ())
            above.append(said)
            if not self.layout.is_remark(said) and (names := self._names(text, cells)):
                return self._places(names, number)
            if number >= _HEADER_WITHIN:
                break
        return {}

    def _alike(self, content: BinaryIO | Workbook, start: int) -> Iterator[Line]:
        """The lines of the sheets behind whose header is the same."""
        for sheet in content.sheets[start:] if isinstance(content, Workbook) else ():
            first = islice(Lines(content, sheet), _HEADER_WITHIN)
            names = ([self._usual(cell) for cell in cells or ()] for _, _, cells in first)
            if any(all(row[place : place + 1] == [name] for name, place in self._placed.items()) for row in names):
                yield from Lines(content, sheet)

    def _names(self, text: str, cells: list[str] | None) -> list[str]:
        """The names in a line that is the header, and from now on its delimiter; else nothing."""
        for self.delimiter in _DELIMITERS:
            names = [self._usual(cell) for cell in (cells or self._split(unicodedata.normalize("NFKC", text)))]
            if key(self.layout.key) in names:
                return names
        return []

    def _split(self, line: str) -> list[str]:
        return cells_of(line, self.delimiter)

    def _places(self, names: list[str], number: int) -> dict[str, int]:
        places: dict[str, int] = {}
        for place, name in enumerate(names):
            if name and name in places and any(name in map(key, known) for known in self.layout.required):
                raise BillCorrupt(f"the header has {name} twice", line=number)
            if name:
                places.setdefault(name, place)
        missing = [
            " / ".join(names) for names in self.layout.required if not any(key(name) in places for name in names)
        ]
        if len(missing) * 2 > len(self.layout.required):
            raise BillCorrupt("a statement without refunds", code="bill_of_another_kind", kind="trades")
        if missing:
            raise BillCorrupt(
                f"the header lacks {', '.join(missing)}",
                line=number,
                code="bill_lacks_columns",
                columns="、".join(missing),
            )
        self.has, self._placed = frozenset(places), places
        # Every named column counts, and the blank ones between them.
        return places

    def _records(  # noqa: C901 - one pass, one state
        self, lines: Iterable[Line], width: int, *, is_text_last: bool
    ) -> Iterator[tuple[int, str, list[str]]]:
        """Rows, those that a line break has torn put together again. Behind a summary short lines are remarks."""
        torn: tuple[int, str, int] | None = None
        summary_names: list[str] | None = None
        is_behind = False
        for number, text, ready in lines:
            cells = ready if ready is not None else self._split(text)
            if not any(cells) or self.layout.is_remark(text or ",".join(cells)):
                continue
            if summary_names is not None:
                self.summaries.append(dict(zip(summary_names, map(plain, cells), strict=False)))
                if len(cells) < len(summary_names):
                    raise BillCorrupt("the summary does not fit its header", line=number)
                summary_names, is_behind = None, True
                continue
            is_summary = self._is_summary(cells)
            if is_again := self._is_header_again(text, cells, number):
                is_behind = False
            elif is_behind and not is_summary and (len(cells) < width or sum(map(bool, cells)) < _FEWEST_CELLS):
                continue
            if is_again or is_summary:
                if torn:
                    yield torn[0], torn[1], self._split(torn[1])
                    torn = None
                if is_again:
                    continue
                summary_names = [self._usual(cell) for cell in cells]
                while summary_names and not summary_names[-1]:
                    summary_names.pop()
                continue
            if torn and (ready is not None or (len(cells) >= width and not _is_open(text)) or torn[2] >= _BROKEN_INTO):
                yield torn[0], torn[1], self._split(torn[1])
                torn = None
            if torn:
                joined = f"{torn[1]}\n{text}"
                cells = self._split(joined)
                if len(cells) < width or len(joined) > MAX_LINE_CHARS:
                    torn = (torn[0], joined, torn[2] + 1)
                    continue
                yield torn[0], joined, cells
                torn = None
            elif ready is None and len(cells) == 1 and is_text_last:
                continue  # the rest of the last row's remark: no column of it is missing
            elif ready is None and len(cells) < width:
                torn = (number, text, 1)
            else:
                yield number, text if ready is None else ",".join(cells), cells + [""] * (width - len(cells))
        if torn:
            yield torn[0], torn[1], self._split(torn[1])

    def _is_header_again(self, text: str, cells: list[str], number: int) -> bool:
        """Whether another statement, pasted below the first, begins here. Raises ``BillCorrupt`` where its columns differ."""
        if self.layout.key not in (text or cells):
            return False
        names = [self._usual(cell) for cell in cells]
        if key(self.layout.key) not in names:
            return False
        if any(names[place : place + 1] != [name] for name, place in self._placed.items()):
            raise BillCorrupt("another header, with other columns", line=number)
        return True

    def _usual(self, name: str) -> str:
        found = key(name)
        return key(self.layout.synonyms.get(found, found)) if self.layout.synonyms else found

    def _is_summary(self, cells: list[str]) -> bool:
        return bool(self.layout.summary) and cells[0][:1] in "总资" and key(cells[0]) in map(key, self.layout.summary)


def odd_row(why: BillCorrupt, text: str, *, line: int, amount_fen: int | None = None) -> OddRow:
    """A row to be set aside because of ``why``."""
    code = why.code if why.code.startswith("row_") else "row_fields"
    said = str(why.facts.get("said", ""))[:100]
    return OddRow(line=line, text=text[:_ODD_TEXT_MAX], why=code, said=said, amount_fen=amount_fen)


def is_mostly_odd(notes: BillNotes) -> bool:
    """A few rows may be all that a quiet day has, and odd; of many, most are not."""
    return notes.odd_count > _ODD_WITHOUT_ASKING and notes.odd_count * 2 > notes.rows


def key(name: str) -> str:
    """A column's name as it is compared."""
    folded = unicodedata.normalize("NFKC", name).replace("\ufeff", "").strip("`'\" \t").casefold()
    return "".join(folded.split())


def _check_numbers(row: BillRow | None, *, line: int) -> None:
    """Raises ``BillCorrupt`` for a number that cannot be one."""
    for number in (row.order_no, row.channel_transaction_no, row.refund_no, row.channel_refund_no) if row else ():
        if len(number) > _NUMBER_MAX:
            raise BillCorrupt("a number is longer than any of this channel's", line=line, code="row_fields")


def _is_open(line: str) -> bool:
    return bool(line.count('"') % 2)


def _fitted(cells: list[str], width: int, free: Iterable[int]) -> Iterator[list[str]]:
    """The ways in which the cells can stand under the columns: as they are, or with a text field's commas put back."""
    surplus = len(cells) - width
    if surplus < 0:
        return
    if surplus == 0:
        yield cells
        return
    yield cells[:width]
    for place in free:
        yield [*cells[:place], ",`".join(cells[place : place + surplus + 1]), *cells[place + surplus + 1 :]]


def _look_up(places: Mapping[str, int], cells: list[str]) -> Field:
    def field(name: str) -> str:
        place = places.get(name)
        if place is None:
            return ""
        cell = cells[place]
        # Most cells are plain as they are; there are half a million of them in a large day.
        return cell if cell.isascii() and cell[:1].isalnum() and cell[-1:].isalnum() else plain(cell)

    return field


def _amount(places: Mapping[str, int], cells: list[str], amount: Callable[[Field], int]) -> int | None:
    if len(cells) < max(places.values()) + 1:
        return None
    try:
        return amount(_look_up(places, cells))
    except BillCorrupt:
        return None


# --- what it is instead ---------------------------------------------------------------------------------------------

_WEB_PAGE = re.compile(r"\s*(<[a-z!?]|\{\s*\"|\[\s*[\[{\"]|return_code=|mime-version:)", re.IGNORECASE)
#: Tables that are written as a web page or as XML and named .xls.
_MARKED_UP_WORKBOOK = re.compile(r"urn:schemas-microsoft-com:office|urn:oasis:names:tc:opendocument", re.IGNORECASE)
_CONSUMERS = (
    *("微信支付账单明细", "微信昵称", "支付宝交易记录明细", "电子客户回单", "支付宝账户", "交易对方", "云闪付交易"),
)
#: What only one channel's statement of one kind says.
_SIGNS = (
    ("资金流水单号", "wechat", "funds"),
    ("微信订单号", "wechat", "trades"),
    ("账务流水号", "alipay", "funds"),
    ("账务明细", "alipay", "funds"),
    ("业务汇总", "alipay", "summary"),
    ("交易订单总笔数", "alipay", "summary"),
    ("支付宝交易号", "alipay", "trades"),
)
#: UnionPay's fixed widths begin so: three characters, two institutions of eleven, a trace of six, a time, card and amount.
FIXED_WIDTHS = re.compile(r"\w{3}[ |\t].{11}[ |\t].{11}[ |\t][\d ]{6}[ |\t]\d{10}[ |\t]")
#: The list of disputed trades goes on with short fields, those of the trade before, where a trade has its number of 21.
_DISPUTES = re.compile(
    rf"{FIXED_WIDTHS.pattern}.{{19}}[ |\t]\d{{12}}[ |\t].{{4}}[ |\t].{{2}}[ |\t].{{2}}[ |\t].{{6}}[ |\t].{{10}}[ |\t]"
)
#: The same columns after a spreadsheet: without their widths, with something between them.
_SPREAD = re.compile(
    r"\"?\w{3}\"?\s*[,;\t]\s*\"?\d{0,11}\"?\s*[,;\t][^,;\t]*[,;\t]\s*\"?\d{0,6}\"?\s*[,;\t]\s*\"?\d{9,10}\b"
)


#: Columns of a portal that was not set to simplified Chinese: of each set one name must be among them.
_ELSEWHERE = (
    ("transaction time", "transaction date", "creation time", "created", "completion time", "交易時間", "完成時間"),
    ("order", "transaction id", "訂單號", "交易號", "訂單編號"),
    ("amount", "refund", "金額"),
)
#: Chinese that was read in a wrong encoding and saved so: 交 and 易 of UTF-8 or GBK as Latin letters, or signs for what is lost.
_LOST_LETTERS = re.compile(r"äº¤æ|½»Ò×|(?:\ufffd[^,;\t\n]{0,3}){6}|(?:锟斤拷){2}")


def _is_header_elsewhere(line: str) -> bool:
    cells = [cell.strip("\"' `").casefold() for cell in re.split(r"[,\t;|]", line)]
    return len(cells) > _FEWEST_CELLS and all(
        any(name in cell for cell in cells for name in names) for names in _ELSEWHERE
    )


def kind_of(text: str) -> tuple[str, str]:
    """The channel and kind of the statement that begins with ``text``; empty where it is none that we know."""
    for sign, channel, kind in _SIGNS:
        if sign in text:
            return channel, kind
    if FIXED_WIDTHS.match(text):
        return "unionpay", "disputes" if _DISPUTES.match(text) else "trades"
    return "", ""


def not_this_statement(text: str, *, channel: str) -> BillCorrupt:
    """What to say of a file that begins with ``text`` and is not the wanted statement of this channel."""
    if not text.strip("\ufeff\0 \t\r\n"):
        return BillCorrupt("the file is empty", code="bill_empty")
    if (listed := of_acquirer(text)) and listed.facts["acquirer"] != "other":
        return listed
    found, kind = kind_of(text)
    if _WEB_PAGE.match(text):
        if found or _MARKED_UP_WORKBOOK.search(text):
            return BillCorrupt("a workbook written as a web page", code="bill_workbook")
        return BillCorrupt("a web page, not a statement", code="bill_web_page")
    if found and found != channel:
        return BillCorrupt(f"a statement of {found}", code="bill_of_another_channel", channel=found)
    if found:
        return BillCorrupt(f"a statement of another kind: {kind}", code="bill_of_another_kind", kind=kind)
    if _SPREAD.match(text):
        return BillCorrupt("fixed widths saved again by a spreadsheet", code="bill_resaved")
    if any(sign in text for sign in _CONSUMERS):
        return BillCorrupt("a consumer's own list of payments", code="bill_of_consumer")
    if listed:
        return listed
    if any(map(_is_header_elsewhere, text.split("\n"))):
        return BillCorrupt("columns named in another language", code="bill_of_another_language")
    if _LOST_LETTERS.search(text.split("\n", 1)[0]):
        return BillCorrupt("its letters were lost when it was saved", code="bill_resaved")
    return BillCorrupt("no statement that we know", code="bill_unreadable")


def of_acquirer(text: str) -> BillCorrupt | None:
    """What to say of the list of an acquirer; None for what is none."""
    name = acquirers.named_in(text)
    return BillCorrupt("an acquirer's list", code="bill_of_acquirer", acquirer=name) if name else None


def head_of(content: BinaryIO | Workbook) -> str:
    """The first lines of a table as text."""
    found = []
    for lines in sheets(content):
        for number, text, cells in lines:
            found.append(text or ",".join(cells or ()))
            if number >= _HEADER_WITHIN:
                break
    return "\n".join(found)


def holds(channel: str, kind: str) -> statements.Holds:
    """Whether a table begins as a statement of this channel and kind does."""

    def check(content: BinaryIO) -> bool:
        try:
            return kind_of(head_of(content)) == (channel, kind)
        except BillCorrupt:
            return False

    return check


def kinds_in(file: BinaryIO, *, channel: str) -> frozenset[str]:
    """The kinds of this channel's statements that a file seems to hold, several where it is a zip; none where it seems to hold
    none.
    """
    found: set[str] = set()

    def look(content: BinaryIO) -> bool:
        with suppress(BillCorrupt):
            its, kind = kind_of(head_of(content))
            found.update([kind] if its == channel else [])
        return False

    try:
        with statements.unpacked(
            statements.peeled(file), wanted=lambda name: "汇总" not in name, holds=look
        ) as content:
            its, kind = kind_of(head_of(content))
    except (BillCorrupt, *statements.BROKEN):
        return frozenset(found)
    return frozenset(found | ({kind} if its == channel else set()))
