"""UnionPay's settlement file: Base64 of zlib of a zip, in it GBK text of fixed widths.

Source: https://open.unionpay.com/tjweb/acproduct/list?apiservId=448 (对账文件, 附录: 商户对账文件格式). Widths are in
bytes, one separator stands between two fields, amounts are in fen. The ``ZM_`` entry holds the trades.
"""

import base64
import binascii
import codecs
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import partial
from itertools import accumulate, pairwise
from typing import BinaryIO, NoReturn, cast

from payment_channels import statements, tables
from payment_channels.clock import BEIJING, Clock
from payment_channels.contract import (
    BillCorrupt,
    BillKind,
    BillNotes,
    BillRow,
    BillRowKind,
    BillTotals,
    BillUnavailable,
    OddRow,
)
from payment_channels.parsing import text, text_or_empty
from payment_channels.statements import Statement
from payment_channels.transport import Transport
from payment_channels.unionpay import messages
from payment_channels.unionpay.gateway import Gateway

CHANNEL = "unionpay"
MAX_ANSWER_BYTES = 64_000_000
#: The zip itself is packed once more, which wins nothing: a larger one is a bomb.
_MAX_ZIP_BYTES = 128_000_000
_MAX_LINE_BYTES = 65_536
_NO_FILE = "98"
_SETTLED = re.compile(r"INN([0-9]{6})[0-9]*ZM_", re.IGNORECASE)
_STARTS_LIKE_A_ROW = re.compile(r"\w{3}[ |\t]")
#: Browsers and people add to the name: " (1)", ".txt", the shop's.
_TRADES = re.compile(r"INN[0-9]+ZM_[0-9A-Z]+[^/]*\Z", re.IGNORECASE)
#: How DOS ends a text, and what fills a block.
_BLANK = " \t\x1a\0\n"
#: Source: RFC 1950, 2.2.
_ZLIB_MAGIC = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")
_ZLIB_IN_BASE64 = re.compile(rb"e[AJN][A-Za-z0-9+/=\s]+")

# fmt: off
_WIDTHS = (
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13,
    13, 8, 32, 13, 13, 12, 2, 1, 131,
)
# fmt: on
_STARTS = tuple(accumulate((width + 1 for width in _WIDTHS), initial=0))[:-1]
#: Fields after merId (28) are not read, and lines are cut behind their last one.
_READ_FIELDS = 28
_LONGEST = _STARTS[-1] + _WIDTHS[-1] + 2
_SHORTEST = _STARTS[_READ_FIELDS - 1] + _WIDTHS[_READ_FIELDS - 1]
_KINDS = {
    "01": BillRowKind.PAYMENT,
    "03": BillRowKind.PAYMENT,
    "04": BillRowKind.REFUND,
    "31": BillRowKind.VOID,
    "32": BillRowKind.VOID,
    "33": BillRowKind.VOID,
}


def download(gateway: Gateway, *, transport: Transport, day: date, kind: BillKind, clock: Clock) -> Statement:
    """Fetch a clearing day's file. Raises ``BillUnavailable`` and ``BillCorrupt``."""
    _supported(kind)
    packed = _apply(gateway, transport=transport, day=day, clock=clock)
    return opened(io.BytesIO(packed), day=day, kind=kind, owned=True)


def opened(
    file: BinaryIO,
    *,
    day: date,
    kind: BillKind,
    owned: bool = False,
    own_numbers: frozenset[str] = frozenset(),
) -> Statement:
    """Read a file: the zip, its ``ZM_`` text, or the answer's ``fileContent`` as it came. Raises ``BillCorrupt``."""
    _supported(kind)
    if file.seek(0, io.SEEK_END) == 0:
        raise BillCorrupt("the file is empty", code="bill_empty")
    file = statements.peeled(_unwrapped(file))
    digest = hashlib.sha256()
    try:
        for _, trades in _trades(file):
            for piece in statements.pieces(trades):
                digest.update(piece)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        raise BillCorrupt("the file cannot be unpacked") from error
    notes = BillNotes(own_numbers=own_numbers)
    read = partial(_read_trades, day=day, refunds_only=kind is BillKind.REFUNDS, notes=notes)
    return Statement(file=file, digest=digest.hexdigest(), read=read, owned=owned, notes=notes)


def _supported(kind: BillKind) -> None:
    if kind is BillKind.FUNDS:
        raise BillUnavailable("no_such_kind", "only the settlement file is read", later=False)


def _apply(gateway: Gateway, *, transport: Transport, day: date, clock: Clock) -> bytes:
    fields = {
        "txnType": "76",
        "txnSubType": "01",
        "bizType": "000000",
        "settleDate": day.strftime("%m%d"),
        "txnTime": messages.txn_time(clock()),
        "fileType": "00",
    }
    with statements.applying():
        answer = gateway.call(target="/", fields=fields, transport=transport, max_bytes=MAX_ANSWER_BYTES)
        code = text(answer.body, "respCode")
        if code == "00":
            return _unpacked(text(answer.body, "fileContent"))
    # "No such file" is also the answer while the file is still being made.
    later = code in (_NO_FILE, "03", "04", "05", "06")
    raise BillUnavailable(code, text_or_empty(answer.body, "respMsg"), later=later, empty=code == _NO_FILE)


def _unwrapped(file: BinaryIO) -> BinaryIO:
    """A file that holds ``fileContent`` in Base64, or decoded and not yet inflated, as the zip in it."""
    file.seek(0)
    head = file.read(64)
    is_base64 = _ZLIB_IN_BASE64.fullmatch(head)
    if is_base64 or head[:2] in _ZLIB_MAGIC:
        file.seek(0)
        content = file.read(MAX_ANSWER_BYTES)
        return io.BytesIO(_unpacked(b"".join(content.split()) if is_base64 else base64.b64encode(content)))
    return file


def _unpacked(content: str | bytes) -> bytes:
    try:
        inflate = zlib.decompressobj()
        packed = inflate.decompress(base64.b64decode(content, validate=True), _MAX_ZIP_BYTES)
    except (zlib.error, binascii.Error, ValueError) as error:
        raise BillCorrupt("fileContent cannot be unpacked") from error
    if not inflate.eof:
        raise BillCorrupt("fileContent is cut short or too large")
    return packed


def _trades(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """The texts with trades and their names: out of the zip or of gzip, or the file itself."""
    if not statements.is_zip(file):
        with statements.unpacked(file, wanted=lambda _: True) as text_:
            yield "", cast("BinaryIO", text_)
        return
    with zipfile.ZipFile(file) as archive:
        entries = [entry for entry in archive.infolist() if statements.is_content(entry)]
        named = [entry for entry in entries if _TRADES.search(entry.filename)]
        if any(map(statements.is_locked, named or entries)):
            raise BillCorrupt("a password is needed", code="bill_locked")
        # Whatever somebody has called it: what is in it counts.
        found = named or [entry for entry in entries if _holds_trades(archive, entry)]
        if not found:
            with statements.unpacked(file, wanted=lambda _: True, holds=_IS_TRADES) as content:
                other = tables.not_this_statement(tables.head_of(content), channel=CHANNEL)
                if other.facts.get("kind") == "trades":  # of a workbook: a text would have been found
                    raise BillCorrupt("rows in a workbook's cells", code="bill_resaved")
                raise other
        for entry in statements.distinct(found, by_name=_settled_on):
            with archive.open(entry) as trades:
                yield entry.filename, cast("BinaryIO", trades)


def _settled_on(name: str) -> date | None:
    """The day that a file's name says it is of."""
    found = _SETTLED.search(name)
    return datetime.strptime(found[1], "%y%m%d").replace(tzinfo=BEIJING).date() if found else None


_IS_TRADES = tables.holds(CHANNEL, "trades")


def _holds_trades(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    with archive.open(entry) as content:
        return _IS_TRADES(cast("BinaryIO", content))


def _read_trades(
    file: BinaryIO, *, day: date, refunds_only: bool, notes: BillNotes
) -> Generator[BillRow, None, BillTotals | None]:
    number = 0
    for name, trades in _trades(file):
        if settled := _settled_on(name):
            first, last = notes.period or (settled, settled)
            notes.period = min(first, settled), max(last, settled)
        for line in _lines(trades):
            number += 1
            if not line.strip(_BLANK):
                continue
            notes.rows += 1
            raw = line.rstrip("\n").encode("latin-1")
            fields: list[str] = []
            try:
                fields = _fields(raw, number=number)
                row = _row(fields, day=day, line=number)
            except BillCorrupt as error:
                said = raw.decode("gb18030", "replace")
                amount_fen = int(fields[7]) if fields and re.fullmatch("[0-9]+", fields[7]) else None
                notes.set_aside(tables.odd_row(error, said, line=number, amount_fen=amount_fen))
                continue
            notes.named.add(fields[28])
            if row.kind in (BillRowKind.REFUND, BillRowKind.VOID) or not refunds_only:
                yield row
            elif notes.on_payment and row.kind is BillRowKind.PAYMENT:
                notes.on_payment(row.channel_transaction_no, row.order_no, row.amount_fen)
    if not notes.rows and notes.period is None:
        raise BillCorrupt("nothing but blanks", code="bill_empty")
    # Of a few rows all may be odd, if they stand under their columns; else it is another file, or a piece of one.
    if tables.is_mostly_odd(notes) or notes.odd_count == notes.rows > sum(row.why != "row_fields" for row in notes.odd):
        _say_what_it_is(file, notes.odd[0])
    return None  # the file carries no totals


def _lines(trades: BinaryIO) -> Iterator[str]:
    """Rows with their ends, whichever these are, each byte of GBK as one character; without a byte order mark. A program that
    saved the text anew may have written UTF-16 or put rows in quotes, one that passed it on may have lost the ends of lines.
    Raises ``BillCorrupt`` for a line that does not end.
    """
    head = trades.read(64)
    trades.seek(0)
    is_wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or head[1::2].count(0) * 2 > len(head[1::2])
    name = "latin-1" if not is_wide else "utf-16" if head[:1] in b"\xff\xfe" else "utf-16-le"
    text_ = io.TextIOWrapper(trades, encoding=name)
    begun = ""
    try:
        while read := text_.readline(_MAX_LINE_BYTES):
            # In the form of the others: each byte of GBK one character.
            line = begun + (read.encode("gb18030", "replace").decode("latin-1") if is_wide else read)
            line, begun = line.removeprefix("\xef\xbb\xbf"), ""
            if line.startswith('"'):
                line = line.strip('"\n') + "\n"
            if len(line) <= _LONGEST:
                yield line
                continue
            *rows, last = _apart(line)
            yield from rows
            if line.endswith("\n"):
                yield last
            else:
                begun = last
        if begun:
            yield begun
    finally:
        text_.detach()  # the file is not ours to close


def _apart(line: str) -> list[str]:
    """The rows of a line that holds several, which begin where another one's first fields stand. Raises ``BillCorrupt``."""
    starts = [found.start() for found in tables.FIXED_WIDTHS.finditer(line)]
    if len(starts) < 2 and len(line) >= _MAX_LINE_BYTES:
        raise BillCorrupt("a line does not end")
    return [line[start:end] for start, end in pairwise([0, *starts[1:], len(line)])]


def _say_what_it_is(file: BinaryIO, first: OddRow) -> NoReturn:
    with statements.unpacked(file, wanted=lambda name: bool(_TRADES.search(name))) as content:
        other = tables.not_this_statement(tables.head_of(content), channel=CHANNEL)
    is_disputes = other.facts.get("kind") == "disputes"
    if (
        other.code in ("bill_unreadable", "bill_of_another_kind")
        and not is_disputes
        and _STARTS_LIKE_A_ROW.match(first.text)
    ):
        raise BillCorrupt(first.why, line=first.line)
    raise other


def _fields(line: bytes, *, number: int) -> list[str]:
    """Fields 1 to 28 of a line, at index 1 to 28. Raises ``BillCorrupt`` where the columns do not stand right."""
    try:
        return _cut(line, number=number)
    except BillCorrupt:
        if line.isascii():
            raise
        # Saved anew in UTF-8, in which each Chinese character has a byte more.
        with suppress(UnicodeDecodeError):
            return _cut(line.decode().encode("gb18030"), number=number)
        raise


def _cut(line: bytes, *, number: int) -> list[str]:
    if len(line) < _SHORTEST:
        raise BillCorrupt(f"{len(line)} bytes instead of {_SHORTEST} or more", line=number)
    fields = [""]
    for start, width in zip(_STARTS[:_READ_FIELDS], _WIDTHS, strict=False):
        end = start + width
        if line[end : end + 1] not in (b" ", b"\t", b"|", b""):
            raise BillCorrupt(f"no separator at byte {end}", line=number)
        try:
            fields.append(line[start:end].decode("gb18030").strip())
        except UnicodeDecodeError as error:
            raise BillCorrupt("not GBK", line=number) from error
    return fields


def _row(fields: list[str], *, day: date, line: int) -> BillRow:
    kind = _KINDS.get(fields[20], BillRowKind.OTHER)
    goes_back = kind in (BillRowKind.REFUND, BillRowKind.VOID)
    booked_at = _moment(fields[5], day=day, line=line)
    return BillRow(
        channel=CHANNEL,
        kind=kind,
        order_no="" if goes_back else fields[12],
        channel_transaction_no=fields[27] if goes_back else fields[10],
        refund_no=fields[12] if goes_back else "",
        channel_refund_no=fields[10] if goes_back else "",
        amount_fen=_fen(fields[7], line=line),
        fee_fen=_signed_fen(fields[16], line=line),
        accepted_at=booked_at,
        succeeded_at=booked_at,
        state=fields[1],
        line=line,
    )


def _fen(digits: str, *, line: int) -> int:
    if not digits.isascii() or not digits.isdecimal():
        raise BillCorrupt("not an amount in fen", line=line, code="row_amount", said=digits)
    return int(digits)


def _signed_fen(text_: str, *, line: int) -> int | None:
    """``D000000000007``: taken from the merchant; ``C...``: given to it; None where the file does not say."""
    if not text_:
        return None
    if text_[0] not in "CD":
        raise BillCorrupt("a fee that begins with neither C nor D", line=line, code="row_amount", said=text_)
    fen = _fen(text_[1:].strip(), line=line)
    return fen if text_[0] == "D" else -fen


def _moment(text_: str, *, day: date, line: int) -> datetime:
    """``MMDDhhmmss``, in the year that puts it on the clearing day or before."""
    for year in (day.year, day.year - 1):
        try:
            moment = datetime.strptime(f"{year}{text_}", "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
        except ValueError:
            continue
        if moment.date() <= day + timedelta(days=1):
            return moment
    raise BillCorrupt("txnTime is not a time", line=line, code="row_time", said=text_)
