"""UnionPay's settlement file: Base64 of zlib of a zip, in it GBK text of fixed widths.

Source: https://open.unionpay.com/tjweb/acproduct/list?apiservId=448 (对账文件, 附录: 商户对账文件格式). Widths are in
bytes, one separator stands between two fields, amounts are in fen. The ``ZM_`` entry holds the trades.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import BinaryIO, cast

from payment_channels import statements
from payment_channels.clock import BEIJING, Clock
from payment_channels.contract import BillCorrupt, BillKind, BillRow, BillRowKind, BillTotals, BillUnavailable
from payment_channels.parsing import Unreadable, text, text_or_empty
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.statements import Statement
from payment_channels.transport import Transport, TransportFailed
from payment_channels.unionpay import messages
from payment_channels.unionpay.gateway import Gateway, ServerError

CHANNEL = "unionpay"
MAX_ANSWER_BYTES = 64_000_000
_ZIP_MAGIC = b"PK\x03\x04"
_NO_FILE = "98"
_TRADES = re.compile(r"(^|/)INN[0-9]+ZM_[0-9A-Za-z]+$")

# fmt: off
_WIDTHS = (
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13,
    13, 8, 32, 13, 13, 12, 2, 1, 131,
)
# fmt: on
_STARTS = tuple(accumulate((width + 1 for width in _WIDTHS), initial=0))[:-1]
#: Fields after merId (28) are not read, and lines are cut behind their last one.
_READ_FIELDS = 28
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


def opened(file: BinaryIO, *, day: date, kind: BillKind, owned: bool = False) -> Statement:
    """Read a file: the zip, or the ``ZM_`` text taken out of it. Raises ``BillCorrupt``."""
    _supported(kind)
    digest = hashlib.sha256()
    try:
        for trades in _trades(file):
            for piece in statements.pieces(trades):
                digest.update(piece)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        raise BillCorrupt("the file cannot be unpacked") from error
    read = partial(_read_trades, day=day, refunds_only=kind is BillKind.REFUNDS)
    return Statement(file=file, digest=digest.hexdigest(), read=read, owned=owned)


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
    try:
        answer = gateway.call(target="/", fields=fields, transport=transport, max_bytes=MAX_ANSWER_BYTES)
        code = text(answer.fields, "respCode")
        if code == "00":
            return _unpacked(text(answer.fields, "fileContent"))
    except TransportFailed as failure:
        raise BillUnavailable(failure.code, failure.message, later=True) from failure
    except ServerError as error:
        raise BillUnavailable("server_error", str(error), later=True) from error
    except SignatureInvalid as error:
        raise BillUnavailable("bad_signature", error.message, later=True) from error
    except Unreadable as error:
        raise BillUnavailable("unreadable", str(error), later=True) from error
    # "No such file" is also the answer while the file is still being made.
    later = code in (_NO_FILE, "03", "04", "05", "06")
    raise BillUnavailable(code, text_or_empty(answer.fields, "respMsg"), later=later, empty=code == _NO_FILE)


def _unpacked(content: str) -> bytes:
    try:
        inflate = zlib.decompressobj()
        packed = inflate.decompress(base64.b64decode(content, validate=True), statements.MAX_FILE_BYTES)
    except (zlib.error, binascii.Error, ValueError) as error:
        raise BillCorrupt("fileContent cannot be unpacked") from error
    if not inflate.eof:
        raise BillCorrupt("fileContent is cut short or too large")
    return packed


def _trades(file: BinaryIO) -> Iterator[BinaryIO]:
    """The texts with trades: out of the zip, or the file itself."""
    file.seek(0)
    is_zip = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    file.seek(0)
    if not is_zip:
        yield file
        return
    with zipfile.ZipFile(file) as archive:
        names = [entry for entry in archive.infolist() if _TRADES.search(entry.filename)]
        if not names:
            raise BillCorrupt("the zip holds no file of trades")
        for name in names:
            with archive.open(name) as trades:
                yield cast("BinaryIO", trades)


def _read_trades(file: BinaryIO, *, day: date, refunds_only: bool) -> Generator[BillRow, None, BillTotals | None]:
    number = 0
    for trades in _trades(file):
        while raw := trades.readline(statements.MAX_LINE_BYTES):
            number += 1
            line = raw.rstrip(b"\r\n")
            if not line.strip():
                continue
            row = _row(_fields(line, number=number), day=day, line=number)
            if row.kind in (BillRowKind.REFUND, BillRowKind.VOID) or not refunds_only:
                yield row
    return None  # the file carries no totals


def _fields(line: bytes, *, number: int) -> list[str]:
    """Fields 1 to 28 of a line, at index 1 to 28. Raises ``BillCorrupt`` where the columns do not stand right."""
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
        raise BillCorrupt("not an amount in fen", line=line)
    return int(digits)


def _signed_fen(text_: str, *, line: int) -> int:
    """``D000000000007``: taken from the merchant; ``C...``: given to it."""
    if not text_:
        return 0
    if text_[0] not in "CD":
        raise BillCorrupt("a fee that begins with neither C nor D", line=line)
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
    raise BillCorrupt("txnTime is not a time", line=line)
