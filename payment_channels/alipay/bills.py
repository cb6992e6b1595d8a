"""Alipay's trade bill: a zip of GBK CSVs, one of them the details.

Source: https://opendocs.alipay.com/open/02e7gp (查询对账单下载地址). Lines that begin with ``#`` are remarks and
totals, a tab follows every long number, refunds are negative, and the address is good for 30 seconds.
The file carries no announced hash; the zip's own checksums are what can be checked.
"""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import BinaryIO, cast

from payment_channels import statements
from payment_channels.alipay.gateway import Gateway, ServerError
from payment_channels.alipay.messages import Status
from payment_channels.contract import BillCorrupt, BillKind, BillRow, BillRowKind, BillTotals, BillUnavailable
from payment_channels.parsing import Unreadable, text
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.statements import Statement
from payment_channels.transport import TransportFailed

CHANNEL = "alipay"
_METHOD = "alipay.data.dataservice.bill.downloadurl.query"
_ZIP_MAGIC = b"PK\x03\x04"
_UTF8_NAME = 0x800
_COLUMNS = (
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "创建时间",
    "完成时间",
    "订单金额（元）",
    "退款批次号/请求号",
    "服务费（元）",
)
_TOTAL = re.compile(r"#(交易|退款)合计：([0-9]+)笔，商家实收(?:退款)?共(-?[0-9.]+)元")


def download(gateway: Gateway, *, day: date, kind: BillKind) -> Statement:
    """Fetch a day's bill. Raises ``BillUnavailable`` and ``BillCorrupt``."""
    _supported(kind)
    url = _apply(gateway, day=day)
    return statements.fetch(
        gateway.transport, url=url, headers={}, opened=lambda file: opened(file, kind=kind, owned=True)
    )


def opened(file: BinaryIO, *, kind: BillKind, owned: bool = False) -> Statement:
    """Read a bill from a file: the zip, or the details taken out of it. Raises ``BillCorrupt``."""
    _supported(kind)
    try:
        with _details(file) as details:
            digest = statements.digest_of(statements.pieces(details))
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        raise BillCorrupt("the file cannot be unpacked") from error
    read = partial(_read_trades, refunds_only=kind is BillKind.REFUNDS)
    return Statement(file=file, digest=digest, read=read, owned=owned)


def _supported(kind: BillKind) -> None:
    if kind is BillKind.FUNDS:
        raise BillUnavailable("no_such_kind", "only the trade bill is read", later=False)


def _apply(gateway: Gateway, *, day: date) -> str:
    try:
        answer = gateway.call(method=_METHOD, content={"bill_type": "trade", "bill_date": day.isoformat()})
        status = Status.parse(answer.body)
        if status.handled:
            return text(answer.body, "bill_download_url")
    except TransportFailed as failure:
        raise BillUnavailable(failure.code, failure.message, later=True) from failure
    except ServerError as error:
        raise BillUnavailable("server_error", str(error), later=True) from error
    except SignatureInvalid as error:
        raise BillUnavailable("bad_signature", error.message, later=True) from error
    except Unreadable as error:
        raise BillUnavailable("unreadable", str(error), later=True) from error
    # "Does not exist" is also the answer while the bill is still being made.
    missing = "not_exist" in status.name.lower().replace("-", "_")
    later = missing or status.code in ("20000", "40005") or "system_error" in status.name.lower()
    raise BillUnavailable(status.name, status.message, later=later, empty=missing)


@contextmanager
def _details(file: BinaryIO) -> Iterator[BinaryIO]:
    """The details' CSV: out of the zip, or the file itself."""
    file.seek(0)
    packed = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    file.seek(0)
    if not packed:
        yield file
        return
    with zipfile.ZipFile(file) as archive:
        names = [entry for entry in archive.infolist() if _is_details(entry)]
        if len(names) != 1:
            raise BillCorrupt("the zip does not hold exactly one table of details")
        with archive.open(names[0]) as details:
            yield cast("BinaryIO", details)


def _is_details(entry: zipfile.ZipInfo) -> bool:
    """The details and their summary differ by name only, written in GBK unless the zip says otherwise."""
    name = entry.filename if entry.flag_bits & _UTF8_NAME else entry.filename.encode("cp437").decode("gbk", "replace")
    return name.endswith(".csv") and "汇总" not in name


def _read_trades(file: BinaryIO, *, refunds_only: bool) -> Generator[BillRow, None, BillTotals | None]:
    places: dict[str, int] = {}
    totals: dict[str, tuple[int, int]] = {}
    with _details(file) as details:
        for number, line in statements.lines(details, encoding="gb18030"):
            if line.startswith("#"):
                if found := _TOTAL.match(line):
                    totals[found[1]] = (int(found[2]), abs(statements.fen(found[3], line=number)))
                continue
            if not line.strip():
                continue
            fields = next(csv.reader([line], strict=True))
            if not places:
                places = statements.columns(fields, _COLUMNS, line=number)
                continue
            row = _row(_look_up(places, fields, line=number), line=number)
            if row.kind is BillRowKind.REFUND or not refunds_only:
                yield row
    if not places:
        raise BillCorrupt("the header is missing")
    return _totals(totals)


def _look_up(places: dict[str, int], fields: list[str], *, line: int) -> Callable[[str], str]:
    # A comma after the last field is usual.
    if len(fields) < len(places) or any(field.strip() for field in fields[len(places) :]):
        raise BillCorrupt(f"{len(fields)} fields instead of {len(places)}", line=line)
    return lambda name: fields[places[name]].strip()


def _row(field: Callable[[str], str], *, line: int) -> BillRow:
    business = field("业务类型")
    is_refund = "退款" in business
    refund_no = field("退款批次号/请求号") if is_refund else ""
    fee_fen = abs(statements.fen(field("服务费（元）") or "0", line=line))
    return BillRow(
        channel=CHANNEL,
        kind=BillRowKind.REFUND if is_refund else BillRowKind.PAYMENT if "交易" in business else BillRowKind.OTHER,
        order_no=field("商户订单号"),
        channel_transaction_no=field("支付宝交易号"),
        refund_no=refund_no,
        channel_refund_no=refund_no,
        amount_fen=abs(statements.fen(field("订单金额（元）"), line=line)),
        fee_fen=-fee_fen if is_refund else fee_fen,
        accepted_at=statements.moment(field("创建时间"), line=line),
        succeeded_at=statements.moment(field("完成时间"), line=line),
        state=business,
        line=line,
    )


def _totals(totals: dict[str, tuple[int, int]]) -> BillTotals | None:
    if totals.keys() != {"交易", "退款"}:
        return None
    (payments, payments_fen), (refunds, refunds_fen) = totals["交易"], totals["退款"]
    return BillTotals(rows=payments + refunds, payments_fen=payments_fen, refunds_fen=refunds_fen)
