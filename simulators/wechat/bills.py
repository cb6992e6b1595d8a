"""Trade and fund-flow bills: UTF-8 CSV with a backtick before every field, amounts in yuan.

Refund rows stand on the day of acceptance and show the state at the moment the bill was made (next day, 10:00).
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from aiohttp import web

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
from simulators.kit.book import ABNORMAL, CLOSED, PROCESSING, SUCCESS, Row, extra_of
from simulators.kit.clock import china, day_start
from simulators.kit.faults import Fault
from simulators.kit.wire import break_off
from simulators.wechat.errors import ApiError, bad_param, system_error
from simulators.wechat.refunds import fee_fen

if TYPE_CHECKING:
    from simulators.wechat.simulator import WechatSimulator

READY_S = (24 + 10) * 3600
KEPT_DAYS = 92
LINK_S = 300
APP_ID = "wx0000000000000001"
RATE = "0.60%"

_LEFT = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额"
)
_REFUND_TIMES = ",退款申请时间,退款成功时间"
_REFUND_PART = ",微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
_RIGHT = ",商品名称,商户数据包,手续费,费率,订单金额"
HEADERS = {
    "ALL": f"{_LEFT}{_REFUND_PART}{_RIGHT},申请退款金额,费率备注",
    "SUCCESS": f"{_LEFT}{_RIGHT},费率备注",
    "REFUND": f"{_LEFT}{_REFUND_TIMES}{_REFUND_PART}{_RIGHT},申请退款金额,费率备注",
}
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
#: Ordinary settlement, for which older merchants are signed up: names of its columns, and those that it has not.
_ORDINARY = {
    "特约商户号": "子商户号",
    "应结订单金额": "总金额",
    "代金券金额": "代金券或立减优惠金额",
    "充值券退款金额": "代金券或立减优惠退款金额",
    "应结订单总金额": "总交易额",
    "退款总金额": "总退款金额",
    "充值券退款总金额": "总代金券或立减优惠退款金额",
}
_NOT_ORDINARY = {"订单金额", "申请退款金额", "费率备注", "订单总金额", "申请退款总金额"}
FLOW_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,"
    "备注,业务凭证号"
)
FLOW_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
#: A refund's kind in the book: a payment reversed whole by the till.
REVERSAL = "reversal"
_STATES = {SUCCESS: "SUCCESS", PROCESSING: "PROCESSING", ABNORMAL: "CHANGE", CLOSED: "REFUNDCLOSE"}


@dataclass(frozen=True, slots=True)
class Link:
    """A made bill, to be fetched by its token."""

    path_name: str
    expires_at: float
    zipped: bool
    spoiled: frozenset[str]


class BillOffice:
    """Makes bills into files under the state directory and hands them out by links that last five minutes."""

    def __init__(self, simulator: WechatSimulator) -> None:
        self._simulator = simulator
        self._directory = simulator.options.state_dir / "bills"
        self._links: dict[str, Link] = {}

    async def trade_bill(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """GET /v3/bill/tradebill."""
        kind = request.query.get("bill_type", "ALL")
        if kind not in HEADERS:
            raise bad_param("/bill_type", kind, "ALL, SUCCESS or REFUND")
        day, faults = await self._asked(request)
        sub_mchid = request.query.get("sub_mchid", "")
        return self._hand_out(request, self._trade_text(day, kind, faults, sub_mchid=sub_mchid), faults)

    async def fund_flow_bill(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """GET /v3/bill/fundflowbill."""
        account = request.query.get("account_type", "BASIC")
        if account not in {"BASIC", "OPERATION", "FEES"}:
            raise bad_param("/account_type", account, "BASIC, OPERATION or FEES")
        day, faults = await self._asked(request)
        flows = self._flows(day) if account == "BASIC" else []
        return self._hand_out(request, _flow_text(flows, {fault.fault for fault in faults}), faults)

    async def download(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """GET the file. The caller signs its request; the answer carries no signature."""
        link = self._links.get(request.query.get("token", ""))
        if link is None or self._simulator.clock.timestamp() > link.expires_at:
            raise ApiError(400, "PARAM_ERROR", "下载地址无效或已过期")
        content = spoiled_file((self._directory / link.path_name).read_bytes(), link.spoiled)
        plain = web.Response(body=content, content_type="application/gzip" if link.zipped else "text/plain")
        return await break_off(request, plain) if "truncated" in link.spoiled else plain

    async def _asked(self, request: web.Request) -> tuple[date, list[Fault]]:
        simulator = self._simulator
        await simulator.delay("bill")
        text, tar_type = request.query.get("bill_date", ""), request.query.get("tar_type", "")
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise bad_param("/bill_date", text, "must be yyyy-MM-dd") from error
        if tar_type not in {"", "GZIP"}:
            raise bad_param("/tar_type", tar_type, "GZIP")
        faults = simulator.faults.take_all("bill")
        names = {fault.fault for fault in faults}
        if "error" in names:
            raise system_error()
        now = simulator.clock.timestamp()
        if "creating" in names or now < day_start(day) + READY_S:
            raise ApiError(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
        if "no_statement" in names or now > day_start(day) + KEPT_DAYS * 86_400:
            raise _no_statement()
        return day, faults

    def _hand_out(self, request: web.Request, text: Iterable[str], faults: list[Fault]) -> web.Response:
        simulator, names = self._simulator, {fault.fault for fault in faults}
        token, zipped = secrets.token_urlsafe(32), request.query.get("tar_type") == "GZIP"
        self._forget_expired()
        self._directory.mkdir(exist_ok=True)
        digest, path = hashlib.sha1(usedforsecurity=False), self._directory / token
        with gzip.open(path, "wb", compresslevel=6) if zipped else path.open("wb") as file:
            for line in text:
                encoded = line.encode()
                digest.update(encoded)
                file.write(encoded)
        life = -1 if "expired" in names else LINK_S
        self._links[token] = Link(token, simulator.clock.timestamp() + life, zipped, frozenset(names))
        value = digest.hexdigest()
        if "wrong_hash" in names:
            value = value[::-1]
        return simulator.signed(
            request,
            {
                "hash_type": "SHA1",
                "hash_value": value,
                "download_url": f"{simulator.base_url}/v3/billdownload/file?token={token}",
            },
        )

    def _forget_expired(self) -> None:
        now = self._simulator.clock.timestamp()
        for token in [token for token, link in self._links.items() if link.expires_at < now]:
            (self._directory / self._links.pop(token).path_name).unlink(missing_ok=True)

    def _trade_text(self, day: date, kind: str, faults: list[Fault], *, sub_mchid: str) -> Iterator[str]:
        """A service provider's bill has all its merchants, or the one that ``sub_mchid`` names."""
        start, end = day_start(day), day_start(day + timedelta(days=1))
        book, mchid = self._simulator.book, self._simulator.keys.mchid
        lines = [] if kind == "SUCCESS" else [refund_line(row) for row in book.refunds_between(start, end)]
        lines = [line for line in lines if sub_mchid in ("", line.payment.get("sub_mchid"))]
        lines = spoil(lines, faults, self._simulator.spoiled, reversal=REVERSAL)
        payments = [] if kind == "REFUND" else list(book.payments_between(start, end))
        payments = [row for row in payments if sub_mchid in ("", extra_of(row).get("sub_mchid"))]
        if not lines and not payments:
            raise _no_statement()
        forms = {fault.fault for fault in faults}
        rows = [_payment(row, mchid, forms) for row in payments]
        rows += [_refund(line, mchid, forms, made_at=start + READY_S) for line in lines]
        if "odd_row" in forms:
            odd = rows[-1]
            rows.append({**odd, **dict.fromkeys(_AMOUNTS, NO_AMOUNT), "微信订单号": f"8{odd['微信订单号']}"[:28]})
        return _trade_lines(rows, kind, forms, paid=payments, refunded=lines)

    def _flows(self, day: date) -> list[tuple[float, str, str, str, int, str]]:
        """(instant, channel number, name, business type, signed fen, voucher) of a day, in order of time."""
        start, end = day_start(day), day_start(day + timedelta(days=1))
        book = self._simulator.book
        flows = [
            (row["paid_at"], row["transaction_no"], "交易", "交易", row["amount_fen"], row["order_no"])
            for row in book.payments_between(start, end)
        ]
        for row in book.refunds_between(start, end):
            flows.append(
                (row["created_at"], row["channel_refund_no"], "退款", "退款", -row["amount_fen"], row["refund_no"])
            )
        for row in book.closed_between(start, end):
            flows.append(
                (row["final_at"], row["channel_refund_no"], "退款关闭", "退款关闭", row["amount_fen"], row["refund_no"])
            )
        if not flows:
            raise _no_statement()
        return sorted(flows)


def _no_statement() -> ApiError:
    return ApiError(400, "NO_STATEMENT_EXIST", "账单文件不存在")


def _data(fields: Iterable[object]) -> str:
    return ",".join(f"`{field}" for field in fields) + "\r\n"


def _head(names: Iterable[str], forms: Collection[str]) -> str:
    return ",".join(full_width(name) if "full_width" in forms else name for name in names) + "\r\n"


def _time(timestamp: float) -> str:
    return f"{china(timestamp):%Y-%m-%d %H:%M:%S}"


_AMOUNTS = ("应结订单金额", "退款金额", "订单金额", "申请退款金额")


def _trade_lines(
    rows: list[dict[str, object]],
    kind: str,
    forms: Collection[str],
    *,
    paid: Sequence[Row],
    refunded: Sequence[RefundLine],
) -> Iterator[str]:
    names, totals = HEADERS[kind].split(","), SUMMARY.split(",")
    paid_fen, refunded_fen = sum(row["amount_fen"] for row in paid), sum(line.amount_fen for line in refunded)
    by_merchant = [sum(discounts(row["amount_fen"], forms)[0] for row in paid)]
    by_merchant.append(sum(discounts(line.amount_fen, forms)[0] for line in refunded))
    total: dict[str, object] = {
        "总交易单数": len(rows),
        "应结订单总金额": yuan(paid_fen - by_merchant[0]),
        "退款总金额": yuan(refunded_fen - by_merchant[1]),
        "充值券退款总金额": yuan(sum(discounts(line.amount_fen, forms)[1] for line in refunded)),
        "手续费总金额": f"{sum(Decimal(str(row['手续费'])) for row in rows if row.get('订单金额') != NO_AMOUNT):.5f}",
        "订单总金额": yuan(paid_fen),
        "申请退款总金额": yuan(refunded_fen),
    }
    if "ordinary_settlement" in forms:
        names, totals = ([name for name in listed if name not in _NOT_ORDINARY] for listed in (names, totals))
        for row in rows:
            row |= {"应结订单金额": row["订单金额"], "退款金额": row["申请退款金额"]}
        total |= {"应结订单总金额": total["订单总金额"], "退款总金额": total["申请退款总金额"]}
    shown = [_ORDINARY.get(name, name) if "ordinary_settlement" in forms else name for name in names]
    more = ["优惠明细", "门店编号"] if "extra_columns" in forms else []
    yield "\ufeff" + _head([*shown, *more], forms)
    for row in rows:
        yield _data([*(row.get(name, "") for name in names), *("无" for _ in more)])
    yield _head((_ORDINARY.get(name, name) if "ordinary_settlement" in forms else name for name in totals), forms)
    yield _data(total[name] for name in totals)


def _common(extra: dict[str, object], mchid: str, forms: Collection[str]) -> dict[str, object]:
    return {
        "公众账号ID": APP_ID,
        "商户号": mchid,
        "特约商户号": extra.get("sub_mchid") or "0",
        "用户标识": extra.get("openid", "oSimulated0000000000000000001"),
        "交易类型": "MICROPAY",
        "付款银行": extra.get("bank_type", "CMB_CREDIT"),
        "货币种类": "CNY",
        "商品名称": named(extra.get("body", "门店消费"), forms),
        "费率": RATE,
    }


def _payment(row: Row, mchid: str, forms: Collection[str]) -> dict[str, object]:
    by_merchant, by_platform = discounts(row["amount_fen"], forms)
    return {
        **_common(extra_of(row), mchid, forms),
        "交易时间": _time(row["paid_at"]),
        "微信订单号": row["transaction_no"],
        "商户订单号": row["order_no"],
        "交易状态": "SUCCESS",
        "应结订单金额": yuan(row["amount_fen"] - by_merchant),
        "代金券金额": yuan(by_platform),
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "充值券退款金额": "0.00",
        "手续费": fee_text(row["amount_fen"], forms),
        "订单金额": yuan(row["amount_fen"]),
        "申请退款金额": "0.00",
    }


def _refund(line: RefundLine, mchid: str, forms: Collection[str], *, made_at: float) -> dict[str, object]:
    ended = line.final_at is not None and line.final_at <= made_at
    status = line.status if ended else PROCESSING
    reversed_ = line.kind == REVERSAL
    by_merchant, by_platform = discounts(line.amount_fen, forms)
    return {
        **_common(line.payment, mchid, forms),
        "交易时间": _time(line.created_at),
        "微信订单号": line.transaction_no,
        "商户订单号": line.order_no,
        "交易状态": "REVOKED" if reversed_ else "REFUND",
        "应结订单金额": "0.00",
        "代金券金额": "0.00",
        "退款申请时间": _time(line.created_at),
        "退款成功时间": _time(line.final_at) if line.final_at is not None and status == SUCCESS else "",
        "微信退款单号": "0" if reversed_ else line.channel_refund_no,
        "商户退款单号": "0" if reversed_ else line.refund_no,
        "退款金额": yuan(line.amount_fen - by_merchant),
        "充值券退款金额": yuan(by_platform),
        "退款类型": line.extra.get("channel", "ORIGINAL"),
        "退款状态": _STATES[status],
        "手续费": "0.00000" if reversed_ else fee_text(-line.amount_fen, forms),
        "订单金额": "0.00",
        "申请退款金额": yuan(line.amount_fen),
    }


def _flow_text(flows: list[tuple[float, str, str, str, int, str]], forms: Collection[str]) -> Iterator[str]:
    more = ["结算批次"] if "extra_columns" in forms else []
    yield "\ufeff" + _head([*FLOW_HEADER.split(","), *more], forms)
    left, moved = 0, []
    for number, (moment, channel_no, name, business, fen, voucher) in enumerate(flows):
        remark = ""
        if "net_of_fee" in forms and business == "退款":
            fee = fee_fen(-fen)
            remark = f"退款总金额{yuan(-fen)}元;含手续费{yuan(fee)}元"
            fen += fee
        left += fen
        moved.append(fen)
        side = "收入" if fen >= 0 else "支出"
        fields = [
            _time(moment),
            channel_no,
            f"{channel_no}{number:04d}",
            name,
            business,
            side,
            yuan(abs(fen)),
            yuan(left),
        ]
        yield _data([*fields, "system", remark, voucher, *("无" for _ in more)])
    into, out = [fen for fen in moved if fen >= 0], [-fen for fen in moved if fen < 0]
    yield _head(FLOW_SUMMARY.split(","), forms)
    yield _data([len(flows), len(into), yuan(sum(into)), len(out), yuan(sum(out))])
