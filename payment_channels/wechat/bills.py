"""WeChat Pay's trade and fund-flow bills.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791907 (申请交易账单), .../4012791918 (申请资金账单).
Every data field starts with a backtick, so a comma in a product's name does no harm; the headers do not.
The last two lines are the summary's header and the summary. Refund rows stand on the day of acceptance.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import BinaryIO, Self, cast
from urllib.parse import urlencode

from payment_channels import statements
from payment_channels.contract import BillCorrupt, BillKind, BillRow, BillRowKind, BillTotals, BillUnavailable
from payment_channels.parsing import Unreadable, json_object, text
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.statements import Statement
from payment_channels.transport import Reply, TransportFailed
from payment_channels.wechat import errors
from payment_channels.wechat.gateway import Gateway

CHANNEL = "wechat"
_GZIP_MAGIC = b"\x1f\x8b"

_TRADE_COLUMNS = ("微信订单号", "商户订单号", "交易状态", "手续费", "订单金额")
_REFUND_COLUMNS = ("微信退款单号", "商户退款单号", "退款金额", "退款状态", "申请退款金额")
_FUND_COLUMNS = ("记账时间", "微信支付业务单号", "业务名称", "业务类型", "收支类型", "收支金额(元)", "业务凭证号")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a bill can be fetched, once, within five minutes."""

    sha1: str
    url: str

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> Self:
        """Read the answer to a bill's application. Raises ``Unreadable``."""
        if text(body, "hash_type") != "SHA1":
            raise Unreadable("an unknown hash type")
        return cls(sha1=text(body, "hash_value"), url=text(body, "download_url"))


def download(gateway: Gateway, *, day: date, kind: BillKind, sub_mchid: str) -> Statement:
    """Fetch a day's bill and check its hash. Raises ``BillUnavailable`` and ``BillCorrupt``."""
    link = _apply(gateway, day=day, kind=kind, sub_mchid=sub_mchid)
    origin = gateway.transport.origin
    if not link.url.startswith(f"{origin}/"):
        raise BillUnavailable("foreign_address", "the bill is said to be somewhere else", later=False)

    def checked(file: BinaryIO) -> Statement:
        statement = opened(file, kind=kind, owned=True)
        _check_hash(file, link.sha1)
        return statement

    return statements.fetch(
        gateway.transport,
        url=link.url,
        headers=gateway.download_headers(target=link.url.removeprefix(origin)),
        opened=checked,
    )


def opened(file: BinaryIO, *, kind: BillKind, owned: bool = False) -> Statement:
    """Read a bill from a file, packed by gzip or not. Raises ``BillCorrupt``."""
    try:
        digest = statements.digest_of(_unpacked(file))
    except (OSError, EOFError, zlib.error) as error:
        raise BillCorrupt("the file cannot be unpacked") from error
    read = _read_funds if kind is BillKind.FUNDS else partial(_read_trades, refunds_only=kind is BillKind.REFUNDS)
    return Statement(file=file, digest=digest, read=read, owned=owned)


def _apply(gateway: Gateway, *, day: date, kind: BillKind, sub_mchid: str) -> Link:
    asked = {"bill_date": day.isoformat(), "tar_type": "GZIP"}
    if kind is BillKind.FUNDS:
        path, asked["account_type"] = "/v3/bill/fundflowbill", "BASIC"
    else:
        path, asked["bill_type"] = "/v3/bill/tradebill", "REFUND" if kind is BillKind.REFUNDS else "ALL"
        if sub_mchid:
            asked["sub_mchid"] = sub_mchid
    try:
        reply = gateway.call(method="GET", target=f"{path}?{urlencode(asked)}")
        if reply.status == 200:
            return Link.parse(json_object(reply.body))
    except TransportFailed as failure:
        raise BillUnavailable(failure.code, failure.message, later=True) from failure
    except SignatureInvalid as error:
        raise BillUnavailable("bad_signature", error.message, later=True) from error
    except Unreadable as error:
        raise BillUnavailable("unreadable", str(error), later=True) from error
    raise _unavailable(reply)


def _unavailable(reply: Reply) -> BillUnavailable:
    try:
        complaint = errors.read_complaint(reply)
    except Unreadable:
        return BillUnavailable("unreadable", f"HTTP {reply.status}", later=reply.status >= 500)
    empty = complaint.code == "NO_STATEMENT_EXIST"
    later = complaint.code == "STATEMENT_CREATING" or reply.status >= 500 or reply.status == 429
    return BillUnavailable(complaint.code, complaint.message, later=later, empty=empty)


def _check_hash(file: BinaryIO, expected: str) -> None:
    """The hash speaks of the unpacked file. SHA-1 is the vendor's choice; the link to it was signed."""
    digest = hashlib.sha1(usedforsecurity=False)
    for piece in _unpacked(file):
        digest.update(piece)
    if digest.hexdigest() != expected.lower():
        raise BillCorrupt("the file's hash is not the announced one")


def _is_packed(file: BinaryIO) -> bool:
    file.seek(0)
    packed = file.read(2) == _GZIP_MAGIC
    file.seek(0)
    return packed


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    if not _is_packed(file):
        yield from statements.pieces(file)
        return
    with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
        yield from statements.pieces(cast("BinaryIO", unpacked))


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Lines of a bill, packed or not, without the byte order mark that portal downloads start with."""
    source = cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb")) if _is_packed(file) else file
    for number, line in statements.lines(source, encoding="utf-8"):
        yield number, line.removeprefix("\ufeff") if number == 1 else line


def _table(
    file: BinaryIO, required: tuple[str, ...]
) -> Generator[tuple[int, Callable[[str], str]], None, dict[str, str]]:
    """Yield each data line as a look-up by column name; return the summary."""
    places: dict[str, int] = {}
    summary_header: list[str] = []
    for number, line in _lines(file):
        if not line:
            continue
        if not line.startswith("`"):
            if not places:
                places = statements.columns(line.split(","), required, line=number)
            else:
                summary_header = line.split(",")
            continue
        fields = line[1:].split(",`")
        if summary_header:
            if len(fields) != len(summary_header):
                raise BillCorrupt("the summary does not fit its header", line=number)
            return dict(zip(summary_header, fields, strict=True))
        if len(fields) != len(places):
            raise BillCorrupt(f"{len(fields)} fields instead of {len(places)}", line=number)
        yield number, _look_up(places, fields)
    raise BillCorrupt("the summary is missing: the file was cut short")


def _look_up(places: Mapping[str, int], fields: list[str]) -> Callable[[str], str]:
    return lambda name: fields[places[name]].strip() if name in places else ""


def _read_trades(file: BinaryIO, *, refunds_only: bool) -> Generator[BillRow, None, BillTotals | None]:
    table = _table(file, _TRADE_COLUMNS + (_REFUND_COLUMNS if refunds_only else ()))
    while True:
        try:
            number, field = next(table)
        except StopIteration as end:
            return _trade_totals(end.value)
        is_refund = bool(field("微信退款单号").strip("0"))
        if refunds_only and not is_refund:
            continue
        yield BillRow(
            channel=CHANNEL,
            kind=BillRowKind.REFUND if is_refund else BillRowKind.PAYMENT,
            order_no=field("商户订单号"),
            channel_transaction_no=field("微信订单号"),
            refund_no=field("商户退款单号") if is_refund else "",
            channel_refund_no=field("微信退款单号") if is_refund else "",
            amount_fen=abs(statements.fen(field("申请退款金额" if is_refund else "订单金额"), line=number)),
            fee_fen=statements.fen(field("手续费"), line=number),
            accepted_at=statements.moment(field("退款申请时间") or field("交易时间"), line=number),
            succeeded_at=statements.moment(field("退款成功时间" if is_refund else "交易时间"), line=number),
            state=field("退款状态" if is_refund else "交易状态"),
            line=number,
        )


def _trade_totals(summary: Mapping[str, str]) -> BillTotals:
    return BillTotals(
        rows=int(summary.get("总交易单数", "")),
        payments_fen=statements.fen(summary.get("订单总金额", ""), line=0),
        refunds_fen=statements.fen(summary.get("申请退款总金额", ""), line=0),
    )


def _read_funds(file: BinaryIO) -> Generator[BillRow, None, BillTotals | None]:
    table = _table(file, _FUND_COLUMNS)
    while True:
        try:
            number, field = next(table)
        except StopIteration as end:
            return _fund_totals(end.value)
        kind = _fund_kind(field("业务名称"), field("业务类型"))
        amount_fen = abs(statements.fen(field("收支金额(元)"), line=number))
        is_refund = kind in (BillRowKind.REFUND, BillRowKind.REFUND_CLOSED)
        paid_out = field("收支类型") == "支出"
        booked_at = statements.moment(field("记账时间"), line=number)
        yield BillRow(
            channel=CHANNEL,
            kind=kind,
            order_no="" if is_refund else field("业务凭证号"),
            channel_transaction_no="" if is_refund else field("微信支付业务单号"),
            refund_no=field("业务凭证号") if is_refund else "",
            channel_refund_no=field("微信支付业务单号") if is_refund else "",
            amount_fen=amount_fen,
            fee_fen=(amount_fen if paid_out else -amount_fen) if kind is BillRowKind.FEE else 0,
            accepted_at=booked_at,
            succeeded_at=booked_at,
            state=field("收支类型"),
            line=number,
        )


def _fund_kind(name: str, business: str) -> BillRowKind:
    if "退款关闭" in name or "退款关闭" in business:
        return BillRowKind.REFUND_CLOSED
    if "手续费" in business:
        return BillRowKind.FEE
    if "退款" in business:
        return BillRowKind.REFUND
    return BillRowKind.PAYMENT if "交易" in business else BillRowKind.OTHER


def _fund_totals(summary: Mapping[str, str]) -> BillTotals:
    return BillTotals(
        rows=int(summary.get("资金流水总笔数", "")),
        payments_fen=statements.fen(summary.get("收入金额", ""), line=0),
        refunds_fen=statements.fen(summary.get("支出金额", ""), line=0),
    )
