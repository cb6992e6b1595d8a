"""Bills: a ZIP of GBK CSVs with ``#`` lines, a tab after every number, refunds negative.

A refund stands on the day on which its money moved.
"""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.alipay.errors import bill_not_exist, invalid_parameter
from simulators.alipay.trades import BUYER, buyer, moment
from simulators.kit.bills import (
    NO_AMOUNT,
    RefundLine,
    discounts,
    fee_text,
    full_width,
    named,
    refund_line,
    spoil,
    spoiled_file,
    yuan,
)
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
    spoiled: frozenset[str]


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
        self._links[token] = _Link(path, now + life, frozenset(names))
        return f"{self._simulator.base_url}/billdownload/file?token={token}"

    async def download(self, request: web.Request) -> web.StreamResponse:
        """GET the file, unsigned."""
        link = self._links.get(request.query.get("token", ""))
        if link is None or self._simulator.clock.timestamp() > link.expires_at:
            return web.Response(status=403, text="download address invalid or expired")
        content = spoiled_file(link.path.read_bytes(), link.spoiled)
        answer = web.Response(body=content, content_type="application/octet-stream")
        return await break_off(request, answer) if "truncated" in link.spoiled else answer

    def _files(self, kind: str, day: date, faults: list[Fault]) -> Iterator[tuple[str, Iterable[str]]]:
        start, end = day_start(day), day_start(day + timedelta(days=1))
        book = self._simulator.book
        refunds = spoil(map(refund_line, book.moved_between(start, end)), faults, self._simulator.spoiled)
        payments = [row for row in book.payments_between(start, end) if row["status"] != "WAIT_BUYER_PAY"]
        if kind == "signcustomer":
            yield "账务明细", self._flow(day, payments, refunds)
            return
        yield "业务明细", self._details(day, payments, refunds, {fault.fault for fault in faults})
        yield "业务明细(汇总)", self._summary(day, payments, refunds)

    def _head(self, title: str, part: str, day: date) -> list[str]:
        return [
            f"#支付宝{title}查询",
            f"#账号：[{self._simulator.keys.seller_id}0156]",
            f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{day + timedelta(days=1):%Y年%m月%d日} 00:00:00]",
            f"#{'-' * 41}{part}{'-' * 40}",
        ]

    def _details(
        self, day: date, payments: list[Row], refunds: list[RefundLine], forms: Collection[str]
    ) -> Iterator[str]:
        more = ["花呗分期数", "结算批次"] if "extra_columns" in forms else []
        rows = [_payment(row, forms) for row in payments] + [_refund(line, forms) for line in refunds]
        if "odd_row" in forms and rows:
            rows.append({**rows[-1], "订单金额（元）": NO_AMOUNT, "商家实收（元）": NO_AMOUNT})
        names = COLUMNS.split(",")
        yield from self._head("业务明细", "业务明细列表", day)
        yield ",".join(full_width(name) if "full_width" in forms else name for name in [*names, *more])
        for row in rows:
            yield ",".join([*(str(row.get(name, "")) for name in names), *("无" for _ in more)])
        paid, returned = [row["amount_fen"] for row in payments], [line.amount_fen for line in refunds]
        paid_off, returned_off = (sum(discounts(fen, forms)[0] for fen in fens) for fens in (paid, returned))
        yield f"#{'-' * 41}业务明细列表结束{'-' * 36}"
        yield f"#交易合计：{len(paid)}笔，商家实收共{yuan(sum(paid) - paid_off)}元，商家优惠共{yuan(paid_off)}元"
        yield (
            f"#退款合计：{len(returned) + ('odd_row' in forms)}笔，商家实收退款共{yuan(returned_off - sum(returned))}元，"
            f"商家优惠退款共{yuan(-returned_off)}元"
        )
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


def _common(extra: dict[str, object], forms: Collection[str]) -> dict[str, object]:
    return {
        "商品名称": named(_tame(extra.get("subject") or "门店消费"), forms),
        "门店编号": extra.get("store_id", ""),
        "门店名称": _tame(extra.get("store_name", "")),
        "终端号": extra.get("terminal_id", ""),
        **dict.fromkeys(
            ("支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）", "商家优惠（元）", "券核销金额（元）"), "0.00"
        ),
        **dict.fromkeys(("商家红包消费金额（元）", "卡消费金额（元）", "分润（元）"), "0.00"),
    }


def _amounts(amount_fen: int, forms: Collection[str]) -> dict[str, object]:
    """Of a payment, or negative of a refund: discounts have the other sign, the fee too."""
    by_merchant, by_platform = discounts(abs(amount_fen), forms)
    sign = -1 if amount_fen < 0 else 1
    fee = fee_text(-amount_fen, forms) if "fine_fees" in forms else yuan(-sign * fee_fen(abs(amount_fen)))
    return {
        "订单金额（元）": yuan(amount_fen),
        "商家实收（元）": yuan(amount_fen - sign * by_merchant),
        "支付宝优惠（元）": yuan(-sign * by_platform),
        "商家优惠（元）": yuan(-sign * by_merchant),
        "服务费（元）": fee,
    }


def _payment(row: Row, forms: Collection[str]) -> dict[str, object]:
    paid_at = moment(row["paid_at"])
    return {
        **_common(extra_of(row), forms),
        **_amounts(row["amount_fen"], forms),
        "支付宝交易号": f"{row['transaction_no']}\t",
        "商户订单号": f"{row['order_no']}\t",
        "业务类型": "交易",
        "创建时间": paid_at,
        "完成时间": paid_at,
        "对方账户": buyer(row),
    }


def _refund(line: RefundLine, forms: Collection[str]) -> dict[str, object]:
    return {
        **_common(line.payment, forms),
        **_amounts(-line.amount_fen, forms),
        "支付宝交易号": f"{line.transaction_no}\t",
        "商户订单号": f"{line.order_no}\t",
        "业务类型": "退款",
        "创建时间": moment(line.created_at),
        "完成时间": moment(line.final_at or line.created_at),
        "对方账户": line.payment.get("buyer_logon_id") or BUYER,
        "退款批次号/请求号": f"{line.refund_no}\t",
        "备注": _tame(line.extra.get("reason") or ""),
    }


def _tame(value: object) -> str:
    """A text without what would break the row."""
    return str(value).replace(",", "，").replace("\n", " ")
