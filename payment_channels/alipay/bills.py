"""Alipay's trade bill: a zip of GBK CSVs, one of them the details.

Source: https://opendocs.alipay.com/open/02e7gp (查询对账单下载地址). Lines that begin with ``#`` are remarks and
totals, a tab follows every long number, refunds are negative, and the address is good for 30 seconds.
The file carries no announced hash; the zip's own checksums are what can be checked.
"""

import re
import unicodedata
from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import BinaryIO

from payment_channels import statements, tables
from payment_channels.alipay.gateway import Gateway
from payment_channels.alipay.messages import Status
from payment_channels.clock import BEIJING
from payment_channels.contract import (
    BillCorrupt,
    BillKind,
    BillNotes,
    BillRow,
    BillRowKind,
    BillTotals,
    BillUnavailable,
)
from payment_channels.parsing import text
from payment_channels.statements import Statement
from payment_channels.tables import Field, Layout

CHANNEL = "alipay"
_METHOD = "alipay.data.dataservice.bill.downloadurl.query"
_LAYOUT = Layout(
    key="支付宝交易号",
    required=(
        ("支付宝交易号",),
        ("商户订单号",),
        ("业务类型",),
        ("完成时间",),
        ("订单金额(元)",),
        ("退款批次号/请求号",),
    ),
    free_text=("商品名称", "门店名称", "对方账户", "券名称", "操作员", "终端号", "备注"),
)
_ACCOUNT = re.compile(r"#账号:\[([0-9]+)\]")
_EXPORTED_AT = re.compile(
    b"|".join(re.escape("#导出时间：[".encode(name)) + rb"[^\]]*\]" for name in ("gb18030", "utf-8"))
)
_DATE = r"([0-9]{4})[-年]([0-9]{2})[-月]([0-9]{2})日? ([0-9]{2}):([0-9]{2}):([0-9]{2})"
_PERIOD = re.compile(rf"#起始日期:\[{_DATE}\]\s*终止日期:\[{_DATE}\]")
_TOTAL = re.compile(
    r"#(交易|退款)合计:([0-9]+)笔,商家实收(?:退款)?共(-?[0-9.,]+)元(?:,商家优惠(?:退款)?共(-?[0-9.,]+)元)?"
)


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
    file = statements.peeled(file)
    digest = statements.digest_of_file(file, wanted=_is_details, holds=_HOLDS, but=_EXPORTED_AT)
    notes = BillNotes()
    read = partial(_read_trades, refunds_only=kind is BillKind.REFUNDS, notes=notes)
    return Statement(file=file, digest=digest, read=read, owned=owned, notes=notes)


def _supported(kind: BillKind) -> None:
    if kind is BillKind.FUNDS:
        raise BillUnavailable("no_such_kind", "only the trade bill is read", later=False)


def _apply(gateway: Gateway, *, day: date) -> str:
    with statements.applying():
        answer = gateway.call(method=_METHOD, content={"bill_type": "trade", "bill_date": day.isoformat()})
        status = Status.parse(answer.body)
        if status.handled:
            return text(answer.body, "bill_download_url")
    # "Does not exist" is also the answer while the bill is still being made.
    missing = "not_exist" in status.name.lower().replace("-", "_")
    later = missing or status.code in ("20000", "40005") or "system_error" in status.name.lower()
    raise BillUnavailable(status.name, status.message, later=later, empty=missing)


_HOLDS = tables.holds(CHANNEL, "trades")


def _is_details(name: str) -> bool:
    """The details and their summary differ by name only."""
    return name.lower().endswith((".csv", ".txt")) and "汇总" not in name


def _read_trades(
    file: BinaryIO, *, refunds_only: bool, notes: BillNotes
) -> Generator[BillRow, None, BillTotals | None]:
    remarks = _Remarks(notes)
    table = tables.Table(replace(_LAYOUT, is_remark=remarks.read), notes, CHANNEL)
    fees = statements.Fees()
    received_fen = total_fen = 0

    def amount(field: Field) -> int:
        return abs(statements.fen(field("订单金额(元)"), line=0))

    def build(field: Field, line: int) -> BillRow:
        business = field("业务类型")
        is_refund = "退款" in business
        refund_no = statements.number(field("退款批次号/请求号"), line=line) if is_refund else ""
        completed_at = statements.moment(field("完成时间"), line=line)
        created_at = statements.moment(field("创建时间"), line=line)
        if is_refund and created_at and (completed_at is None or created_at.date() != completed_at.date()):
            created_at = completed_at  # the payment's, which this row repeats
        fee_fen = abs(fees.fen(field("服务费(元)") or "0", line=line)) if "服务费(元)" in table.has else None
        return BillRow(
            channel=CHANNEL,
            kind=BillRowKind.REFUND if is_refund else BillRowKind.PAYMENT if "交易" in business else BillRowKind.OTHER,
            order_no=field("商户订单号"),
            channel_transaction_no=statements.number(field("支付宝交易号"), line=line),
            refund_no=refund_no,
            channel_refund_no=refund_no,
            amount_fen=amount(field),
            fee_fen=-fee_fen if is_refund and fee_fen else fee_fen,
            accepted_at=created_at or completed_at,
            succeeded_at=completed_at,
            state=business,
            line=line,
        )

    with statements.unpacked(file, wanted=_is_details, holds=_HOLDS) as details:
        for row, field in table.rows(details, build, amount):
            if row.kind is BillRowKind.REFUND:
                total_fen += row.amount_fen
                if "商家实收(元)" in table.has:
                    received_fen += abs(statements.fen(field("商家实收(元)"), line=row.line))
            if row.kind is BillRowKind.REFUND or not refunds_only:
                yield row
            elif notes.on_payment and row.kind is BillRowKind.PAYMENT:
                notes.on_payment(row.channel_transaction_no, row.order_no, row.amount_fen)
    return remarks.totals(total_fen=total_fen, received_fen=received_fen if "商家实收(元)" in table.has else None)


class _Remarks:
    """The lines that begin with ``#``: account and days above the table, its end and the totals below."""

    def __init__(self, notes: BillNotes) -> None:
        self._notes = notes
        self._is_open = False
        self._totals: dict[str, tuple[int, int, int]] = {}

    def read(self, line: str) -> bool:
        line = line.lstrip('"')
        if not line.startswith("#"):
            return False
        line = unicodedata.normalize("NFKC", line)
        if found := _ACCOUNT.match(line):
            self._notes.named.add(found[1])
            if len(self._notes.named) > 1:
                raise BillCorrupt("statements of two accounts", code="bill_zip")
        elif found := _PERIOD.match(line):
            first, last = (_instant(found.groups()[at : at + 6]) for at in (0, 6))
            begin, end = first.date(), max(first, last - timedelta(seconds=1)).date()
            # Of several statements one below the other all days count.
            before = self._notes.period or (begin, end)
            self._notes.period = min(before[0], begin), max(before[1], end)
        elif found := _TOTAL.match(line):
            received, discounts = (abs(statements.fen(part or "0", line=0)) for part in (found[3], found[4]))
            before_ = self._totals.get(found[1], (0, 0, 0))
            said = (int(found[2]), received, received + discounts)
            self._totals[found[1]] = (before_[0] + said[0], before_[1] + said[1], before_[2] + said[2])
        elif "明细列表" in line:
            self._is_open = "结束" not in line
        return True

    def totals(self, *, total_fen: int, received_fen: int | None) -> BillTotals | None:
        """The statement's own totals, of refunds in the rows' terms: it sums up what the merchant received, discounts apart.

        Raises ``BillCorrupt`` where the table has no end.
        """
        if self._is_open:
            raise BillCorrupt("the table does not end: the file was cut short")
        if self._totals.keys() != {"交易", "退款"}:
            return None
        (payments, payments_fen, _), (refunds, received, with_discounts) = self._totals["交易"], self._totals["退款"]
        # What rows that were set aside received is not known: then the totals have to stand for themselves.
        adds_up = received_fen is not None and not self._notes.odd_count
        refunds_fen = total_fen + received - (received_fen or 0) if adds_up else with_discounts
        return BillTotals(rows=payments + refunds, payments_fen=payments_fen, refunds_fen=refunds_fen)


def _instant(parts: Sequence[str]) -> datetime:
    year, month, day, hour, minute, second = map(int, parts)
    return datetime(year, month, day, hour, minute, second, tzinfo=BEIJING)
