"""Bills: a ZIP of GBK CSVs with ``#`` lines, a tab after every number, refunds negative.

A refund stands on the day on which its money moved.
"""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.alipay.errors import bill_not_exist, invalid_parameter
from simulators.alipay.trades import buyer, moment
from simulators.kit.bills import RefundLine, refund_line, spoil, yuan
from simulators.kit.book import Row, extra_of
from simulators.kit.clock import day_start
from simulators.kit.faults import Fault
from simulators.kit.wire import break_off

if TYPE_CHECKING:
    from simulators.alipay.simulator import AlipaySimulator

READY_S = (24 + 9) * 3600
LINK_S = 30
COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
FLOW_COLUMNS = (
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,"
    "业务类型,备注"
)
SUMMARY_COLUMNS = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,服务费（元）,实收净额（元）"
)


@dataclass(frozen=True, slots=True)
class _Link:
    path: Path
    expires_at: float
    truncated: bool


class BillOffice:
    """Makes bills into files under the state directory; their addresses last thirty seconds."""

    def __init__(self, simulator: AlipaySimulator) -> None:
        self._simulator = simulator
        self._directory = simulator.options.state_dir / "bills"
        self._links: dict[str, _Link] = {}

    def make(self, *, kind: str, day_text: str, faults: list[Fault]) -> str:
        """The address of a bill. Raises Refusal."""
        if kind not in {"trade", "signcustomer"}:
            raise invalid_parameter("bill_type")
        try:
            day = date.fromisoformat(day_text)
        except ValueError as error:
            raise invalid_parameter("bill_date") from error
        now = self._simulator.clock.timestamp()
        if now < day_start(day) + READY_S:
            raise bill_not_exist("账单尚未生成")
        for token in [token for token, link in self._links.items() if link.expires_at < now]:
            self._links.pop(token).path.unlink(missing_ok=True)
        self._directory.mkdir(exist_ok=True)
        token = secrets.token_urlsafe(32)
        path = self._directory / f"{token}.zip"
        stem = f"{self._simulator.keys.seller_id}0156_{day:%Y%m%d}"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, lines in self._files(kind, day, faults):
                entry = _GbkName(f"{stem}_{name}.csv")
                entry.compress_type = zipfile.ZIP_DEFLATED  # the archive's own choice does not reach a given entry
                with archive.open(entry, "w") as file:
                    writer = io.TextIOWrapper(file, encoding="gbk", errors="replace", newline="")
                    writer.writelines(f"{line}\r\n" for line in lines)
                    writer.flush()
                    writer.detach()
        names = {fault.fault for fault in faults}
        life = -1 if "expired" in names else LINK_S
        self._links[token] = _Link(path, now + life, "truncated" in names)
        return f"{self._simulator.base_url}/billdownload/file?token={token}"

    async def download(self, request: web.Request) -> web.StreamResponse:
        """GET the file, unsigned."""
        link = self._links.get(request.query.get("token", ""))
        if link is None or self._simulator.clock.timestamp() > link.expires_at:
            return web.Response(status=403, text="download address invalid or expired")
        answer = web.Response(body=link.path.read_bytes(), content_type="application/octet-stream")
        return await break_off(request, answer) if link.truncated else answer

    def _files(self, kind: str, day: date, faults: list[Fault]) -> Iterator[tuple[str, Iterable[str]]]:
        start, end = day_start(day), day_start(day + timedelta(days=1))
        book = self._simulator.book
        refunds = spoil(map(refund_line, book.moved_between(start, end)), faults, self._simulator.spoiled)
        payments = [row for row in book.payments_between(start, end) if row["status"] != "WAIT_BUYER_PAY"]
        if kind == "signcustomer":
            yield "账务明细", self._flow(day, payments, refunds)
            return
        yield "业务明细", self._details(day, payments, refunds)
        yield "业务明细(汇总)", self._summary(day, payments, refunds)

    def _head(self, title: str, part: str, day: date) -> list[str]:
        return [
            f"#支付宝{title}查询",
            f"#账号：[{self._simulator.keys.seller_id}0156]",
            f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{day + timedelta(days=1):%Y年%m月%d日} 00:00:00]",
            f"#{'-' * 41}{part}{'-' * 40}",
        ]

    def _details(self, day: date, payments: list[Row], refunds: list[RefundLine]) -> Iterator[str]:
        yield from self._head("业务明细", "业务明细列表", day)
        yield COLUMNS
        for row in payments:
            yield _payment_line(row)
        for line in refunds:
            yield _refund_line(line)
        paid, returned = sum(row["amount_fen"] for row in payments), sum(line.amount_fen for line in refunds)
        yield f"#{'-' * 41}业务明细列表结束{'-' * 36}"
        yield f"#交易合计：{len(payments)}笔，商家实收共{yuan(paid)}元，商家优惠共0.00元"
        yield f"#退款合计：{len(refunds)}笔，商家实收退款共{yuan(-returned)}元，商家优惠退款共0.00元"
        yield f"#导出时间：[{self._simulator.clock.now():%Y年%m月%d日 %H:%M:%S}]"

    def _summary(self, day: date, payments: list[Row], refunds: list[RefundLine]) -> Iterator[str]:
        total = sum(row["amount_fen"] for row in payments) - sum(line.amount_fen for line in refunds)
        fees = sum(fee_fen(line.amount_fen) for line in refunds) - sum(fee_fen(row["amount_fen"]) for row in payments)
        yield from self._head("业务汇总", "业务汇总列表", day)
        yield SUMMARY_COLUMNS
        yield f"合计,,{len(payments)},{len(refunds)},{yuan(total)},{yuan(total)},{yuan(fees)},{yuan(total + fees)}"
        yield f"#{'-' * 41}业务汇总列表结束{'-' * 36}"
        yield f"#导出时间：[{self._simulator.clock.now():%Y年%m月%d日 %H:%M:%S}]"

    def _flow(self, day: date, payments: list[Row], refunds: list[RefundLine]) -> Iterator[str]:
        flows = [
            (row["paid_at"], row["transaction_no"], row["order_no"], row["amount_fen"], "在线支付") for row in payments
        ]
        flows += [
            (line.final_at or line.created_at, line.transaction_no, line.order_no, -line.amount_fen, "交易退款")
            for line in refunds
        ]
        yield from self._head("账务明细", "账务明细列表", day)
        yield FLOW_COLUMNS
        balance = 0
        for number, (at, trade_no, order_no, fen, business) in enumerate(sorted(flows)):
            balance += fen
            into, out = (yuan(fen), "") if fen >= 0 else ("", yuan(fen))
            yield (
                f"{day:%Y%m%d}{number:012d}\t,{trade_no}\t,{order_no}\t,门店消费,{moment(at)},,{into},{out},"
                f"{yuan(balance)},支付宝,{business},"
            )
        yield f"#{'-' * 41}账务明细列表结束{'-' * 36}"
        yield f"#导出时间：[{self._simulator.clock.now():%Y年%m月%d日 %H:%M:%S}]"


class _GbkName(zipfile.ZipInfo):
    """An entry whose name is written in GBK without the flag that says UTF-8, as the vendor's archives have it."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def fee_fen(amount_fen: int) -> int:
    """The service fee at 0.60%, commercially rounded to fen; returned with a refund."""
    return (amount_fen * 60 + 5_000) // 10_000


def _payment_line(row: Row) -> str:
    extra, amount = extra_of(row), yuan(row["amount_fen"])
    paid_at = moment(row["paid_at"])
    fields = [f"{row['transaction_no']}\t", f"{row['order_no']}\t", "交易", extra.get("subject") or "门店消费", paid_at]
    fields += [paid_at, extra.get("store_id", ""), extra.get("store_name", ""), "", extra.get("terminal_id", "")]
    fields += [buyer(row), amount, amount, *["0.00"] * 5, "", "0.00", "0.00", "", yuan(-fee_fen(row["amount_fen"]))]
    return _line([*fields, "0.00", ""])


def _refund_line(line: RefundLine) -> str:
    extra, amount = line.payment, yuan(-line.amount_fen)
    final_at = moment(line.final_at or line.created_at)
    fields = [f"{line.transaction_no}\t", f"{line.order_no}\t", "退款", extra.get("subject") or "门店消费"]
    fields += [moment(line.created_at), final_at, extra.get("store_id", ""), extra.get("store_name", ""), ""]
    fields += [extra.get("terminal_id", ""), extra.get("buyer_logon_id") or "159****5620", amount, amount]
    fields += [*["0.00"] * 5, "", "0.00", "0.00", f"{line.refund_no}\t", yuan(fee_fen(line.amount_fen)), "0.00"]
    return _line([*fields, line.extra.get("reason") or ""])


def _line(fields: Iterable[object]) -> str:
    """Fields without what would break the row."""
    return ",".join(str(field).replace(",", "，").replace("\n", " ") for field in fields)
