"""WeChat Pay's trade and fund-flow bills.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791907 (申请交易账单), .../4012791918 (申请资金账单).
Every data field starts with a backtick, so a comma in a product's name does no harm; the headers do not.
The last two lines are the summary's header and the summary. Refund rows stand on the day of acceptance.
"""

import hashlib
import re
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import BinaryIO, Self
from urllib.parse import urlencode

from payment_channels import statements, tables
from payment_channels.contract import (
    BillCorrupt,
    BillKind,
    BillNotes,
    BillRow,
    BillRowKind,
    BillTotals,
    BillUnavailable,
)
from payment_channels.parsing import Unreadable, json_object, text
from payment_channels.statements import Statement
from payment_channels.tables import Field, Layout
from payment_channels.transport import Reply
from payment_channels.wechat import errors
from payment_channels.wechat.gateway import Gateway

CHANNEL = "wechat"
_SUCCESS, _REVOKED, _REFUND = "SUCCESS", "REVOKED", "REFUND"
#: Names of the older statement of ordinary settlement, and what they are called now.
_OLD_NAMES = {"总金额": "订单金额", "子商户号": "特约商户号"}
_FREE_TEXT = ("商品名称", "商户数据包", "费率备注", "设备号")
_SUMMARY = ("总交易单数", "资金流水总笔数")
_TRADES = Layout(
    key="微信订单号",
    required=(("微信订单号",), ("商户订单号",), ("交易状态",), ("订单金额",)),
    free_text=_FREE_TEXT,
    summary=_SUMMARY,
    synonyms=_OLD_NAMES,
)
_REFUNDS = Layout(
    key="微信订单号",
    required=(
        ("微信订单号",),
        ("微信退款单号",),
        ("商户退款单号",),
        ("申请退款金额", "退款金额"),
        ("退款成功时间", "退款状态"),
        ("退款申请时间", "交易时间"),
    ),
    free_text=_FREE_TEXT,
    summary=_SUMMARY,
    synonyms=_OLD_NAMES,
)
_FUNDS = Layout(
    key="资金流水单号",
    required=(
        ("记账时间",),
        ("微信支付业务单号",),
        ("业务名称",),
        ("业务类型",),
        ("收支类型",),
        ("收支金额(元)",),
        ("业务凭证号",),
    ),
    free_text=("备注", "资金变更提交申请人", "业务名称"),
    summary=_SUMMARY,
)
_YUAN, _CURRENCY = ("", "CNY", "RMB", "人民币"), re.compile(r"[A-Z]{3}\Z")
_NET_OF_FEE = re.compile(r"退款总金额[\s:]*([0-9.,]+)\s*元[;,\s]*含手续费[\s:]*([0-9.,]+)\s*元")
#: Who moved money, where it was a program: the merchant's number.
_BY_PROGRAM = re.compile(r"([0-9]{8,10})API\Z", re.IGNORECASE)


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


def opened(
    file: BinaryIO, *, kind: BillKind, owned: bool = False, own_numbers: frozenset[str] = frozenset()
) -> Statement:
    """Read a bill from a file, as it is or as the portal packed it; ``own_numbers`` are the account's. Raises ``BillCorrupt``."""
    file = statements.peeled(file)
    digest = statements.digest_of_file(file, wanted=_is_table, holds=_HOLDS[kind is BillKind.FUNDS])
    notes = BillNotes(own_numbers=own_numbers)
    read = (
        partial(_read_funds, notes=notes)
        if kind is BillKind.FUNDS
        else partial(_read_trades, refunds_only=kind is BillKind.REFUNDS, notes=notes)
    )
    return Statement(file=file, digest=digest, read=read, owned=owned, notes=notes)


#: By whether it is a fund flow.
_HOLDS = {is_flow: tables.holds(CHANNEL, "funds" if is_flow else "trades") for is_flow in (False, True)}


def _is_table(name: str) -> bool:
    return name.lower().endswith((".csv", ".txt"))


def _apply(gateway: Gateway, *, day: date, kind: BillKind, sub_mchid: str) -> Link:
    asked = {"bill_date": day.isoformat(), "tar_type": "GZIP"}
    if kind is BillKind.FUNDS:
        path, asked["account_type"] = "/v3/bill/fundflowbill", "BASIC"
    else:
        path, asked["bill_type"] = "/v3/bill/tradebill", "REFUND" if kind is BillKind.REFUNDS else "ALL"
        if sub_mchid:
            asked["sub_mchid"] = sub_mchid
    with statements.applying():
        reply = gateway.call(method="GET", target=f"{path}?{urlencode(asked)}")
        if reply.status == 200:
            return Link.parse(json_object(reply.body))
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
    for piece in statements.pieces_of(file, wanted=_is_table):
        digest.update(piece)
    if digest.hexdigest() != expected.lower():
        raise BillCorrupt("the file's hash is not the announced one")


def _read_trades(
    file: BinaryIO, *, refunds_only: bool, notes: BillNotes
) -> Generator[BillRow, None, BillTotals | None]:
    table = tables.Table(_REFUNDS if refunds_only else _TRADES, notes, CHANNEL)
    fees = statements.Fees()

    def amount(field: Field) -> int:
        is_return = bool(_number(field("微信退款单号"))) or field("交易状态").upper() in (_REVOKED, _REFUND)
        name = "订单金额" if not is_return else "申请退款金额" if "申请退款金额" in table.has else "退款金额"
        return abs(statements.fen(field(name), line=0))

    def build(field: Field, line: int) -> BillRow | None:
        currency = field("货币种类").upper()
        if currency not in _YUAN:
            if _CURRENCY.match(currency):
                raise BillCorrupt(f"an amount in {currency}", line=line, code="row_currency", said=currency)
            # A name's commas put back in the wrong place: the columns before the currency hold their neighbours' values.
            raise BillCorrupt("the fields do not stand under their columns", line=line, code="row_fields")
        notes.named.update(filter(None, (_number(field("商户号")), _number(field("特约商户号")))))
        refund_no = statements.number(_number(field("微信退款单号")), line=line)
        status = field("交易状态").upper()
        # One that has no number of the channel's yet is a refund all the same.
        is_void, is_refund = status == _REVOKED, bool(refund_no) or status == _REFUND
        if refunds_only and not is_refund and not is_void:
            if notes.on_payment and status == _SUCCESS:
                with suppress(BillCorrupt):
                    number = statements.number(field("微信订单号"), line=line)
                    notes.on_payment(number, _number(field("商户订单号")), amount(field))
            return None
        is_return = is_refund or is_void
        state = field("退款状态" if is_refund else "交易状态")
        asked = is_return and "退款申请时间" in table.has
        accepted_at = statements.moment(field("退款申请时间" if asked else "交易时间"), line=line)
        if is_return and "退款成功时间" in table.has:
            succeeded_at = statements.moment(field("退款成功时间"), line=line)
        elif is_return and state.upper() not in (_SUCCESS, _REVOKED):
            succeeded_at = None  # without the column only the state says whether it was paid
        else:
            succeeded_at = statements.moment(field("交易时间"), line=line)
        fee, rate = field("手续费"), field("费率")
        if not fee and rate and not rate.endswith("%"):
            raise BillCorrupt("a fee stands under its rate", line=line, code="row_fields")
        return BillRow(
            channel=CHANNEL,
            kind=BillRowKind.REFUND if is_refund else BillRowKind.VOID if is_void else BillRowKind.PAYMENT,
            order_no=field("商户订单号"),
            channel_transaction_no=statements.number(field("微信订单号"), line=line),
            refund_no=statements.number(_number(field("商户退款单号")), line=line) if is_return else "",
            channel_refund_no=refund_no,
            amount_fen=amount(field),
            fee_fen=fees.fen(fee, line=line) if fee else None,
            accepted_at=accepted_at,
            succeeded_at=succeeded_at,
            state=state,
            line=line,
        )

    with statements.unpacked(file, wanted=_is_table, holds=_HOLDS[False]) as content:
        for row, _ in table.rows(content, build, amount):
            yield row
    is_old = "申请退款金额" not in table.has
    return statements.sum_of(_trade_totals(summary, old=is_old) for summary in table.summaries)


def _number(text_: str) -> str:
    """A number, or nothing where the file writes 0 for none."""
    return text_ if text_.strip("0") else ""


def _trade_totals(summary: Mapping[str, str], *, old: bool) -> BillTotals:
    refunds = ("总退款金额", "退款总金额") if old else ("申请退款总金额",)
    return BillTotals(
        rows=_total(summary, ("总交易单数",)) // 100,
        payments_fen=_total(summary, ("总交易额", "订单总金额", "应结订单总金额")),
        refunds_fen=_total(summary, refunds),
    )


def _total(summary: Mapping[str, str], names: tuple[str, ...]) -> int:
    found = next((summary[name] for name in names if name in summary), "")
    return abs(statements.fen(found, line=0))


def _read_funds(file: BinaryIO, *, notes: BillNotes) -> Generator[BillRow, None, BillTotals | None]:
    table = tables.Table(_FUNDS, notes, CHANNEL)

    def amount(field: Field) -> int:
        return abs(statements.fen(field("收支金额(元)"), line=0))

    def build(field: Field, line: int) -> BillRow:
        kind = _fund_kind(field("业务名称"), field("业务类型"))
        amount_fen = amount(field)
        is_refund = kind in (BillRowKind.REFUND, BillRowKind.REFUND_CLOSED)
        paid_out = field("收支类型") == "支出"
        notes.named.update(_BY_PROGRAM.findall(field("资金变更提交申请人")))
        booked_at = statements.moment(field("记账时间"), line=line)
        fee_fen = (amount_fen if paid_out else -amount_fen) if kind is BillRowKind.FEE else 0
        if is_refund and (gross := _NET_OF_FEE.search(field("备注"))):
            # The row is net: the fee came back with the refund, and its remark says so.
            fee_fen = -statements.fen(gross[2], line=line)
            if amount_fen - fee_fen != statements.fen(gross[1], line=line):
                raise BillCorrupt("remark and amount disagree", line=line, code="row_remark", said=gross[0])
            amount_fen -= fee_fen
        return BillRow(
            channel=CHANNEL,
            kind=kind,
            order_no="" if is_refund else field("业务凭证号"),
            channel_transaction_no="" if is_refund else statements.number(field("微信支付业务单号"), line=line),
            refund_no=statements.number(field("业务凭证号"), line=line) if is_refund else "",
            channel_refund_no=statements.number(field("微信支付业务单号"), line=line) if is_refund else "",
            amount_fen=amount_fen,
            fee_fen=fee_fen,
            accepted_at=booked_at,
            succeeded_at=booked_at,
            state=field("收支类型"),
            line=line,
        )

    with statements.unpacked(file, wanted=_is_table, holds=_HOLDS[True]) as content:
        for row, _ in table.rows(content, build, amount):
            yield row
    return statements.sum_of(map(_fund_totals, table.summaries))


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
        rows=_total(summary, ("资金流水总笔数",)) // 100,
        payments_fen=_total(summary, ("收入金额",)),
        refunds_fen=_total(summary, ("支出金额",)),
    )
