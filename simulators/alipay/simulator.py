"""The gateway of the Alipay simulator: one address, the method says what is asked."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlencode

from aiohttp import web

from simulators.alipay import trades
from simulators.alipay.bills import BillOffice
from simulators.alipay.catalogue import CATALOGUE, MAGIC_MEANING
from simulators.alipay.errors import CANCEL_REFUSALS, QUERY_REFUSALS, REFUSALS, Refusal, bill_not_exist, refusal
from simulators.alipay.keys import AlipayKeys
from simulators.alipay.signing import CHARSETS, check_request, read_parameters, signed_answer, signed_notice
from simulators.kit.book import CLOSED, SUCCESS, Accepted, Row, extra_of
from simulators.kit.common_faults import PROXY
from simulators.kit.faults import Catalogue, Fault
from simulators.kit.notices import Due, Outgoing
from simulators.kit.simulator import Options, Simulator
from simulators.kit.wire import as_fault_says, break_off, drop, garbage, hang, in_between

Content = Mapping[str, object]
Outcome = tuple[dict[str, object], Fault | None]
Method = Callable[[Content], Awaitable[Outcome]]
#: The way on to the payer's bank: S arrived, F refused, P under way.
_SECOND_LEGS = {
    "abnormal": "F",
    "bank_pending": "P",
    "bank_done": "S",
    "bank_done_later": "P",
    "bank_refused_later": "P",
}
_SECOND_LEGS_LATER = {"bank_done_later": "S", "bank_refused_later": "F"}
#: The event of a notice about it.
_SECOND_LEG = "depositback"
#: Of older editions of the refund query.
_OLDER_WORDS = {"word_processing": "REFUND_PROCESSING", "word_failed": "REFUND_FAIL"}
_NO_ANSWER = {"timeout_after_accept", "timeout"}
_CUT = {"drop_after_accept", "drop", "drop_before_accept"}
_SERVER_ERROR = {"http_500", "http_500_after_commit"}


class AlipaySimulator(Simulator):
    """Alipay for one application of one seller."""

    name = "alipay"
    title = "支付宝 Alipay"
    prefix = "2088"
    catalogue: ClassVar[Catalogue] = CATALOGUE
    schedule: ClassVar[Sequence[float]] = (240, 600, 600, 3600, 7200, 21600, 54000)
    magic_meaning = MAGIC_MEANING
    #: Refunds of one trade are at least three seconds apart.
    default_limits: ClassVar[dict[str, float]] = {"window_days": 365, "spacing_s": 3}

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.keys = AlipayKeys(options.state_dir)
        self.bill_office = BillOffice(self)
        self._methods: dict[str, Method] = {
            "alipay.trade.refund": self.refund,
            "alipay.trade.fastpay.refund.query": self.query,
            "alipay.trade.query": self.query_trade,
            "alipay.trade.cancel": self.cancel,
            "alipay.data.dataservice.bill.downloadurl.query": self.bill_address,
        }

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """gateway.do, and where bills are fetched."""
        return [
            web.post("/gateway.do", self.gateway),
            web.get("/gateway.do", self.gateway),
            web.get("/billdownload/file", self.bill_office.download),
        ]

    def account(self) -> dict[str, object]:
        """One application."""
        return {
            "base_url": self.base_url,
            "gateway_url": f"{self.base_url}/gateway.do",
            "control_url": self.control_url,
            "app_id": self.keys.app_id,
            "seller_id": self.keys.seller_id,
            "app_private_key_path": str(self.keys.app_private_key_path),
            "alipay_public_key_path": str(self.keys.public_key_path),
            "app_cert_path": str(self.keys.app_cert_path),
            "alipay_cert_path": str(self.keys.own_cert_path),
            "alipay_root_cert_path": str(self.keys.root_cert_path),
        }

    def portal_key(self, *, order_no: str, refund_no: str) -> str:
        """Request numbers are unique within their trade."""
        payment = self.book.payment(order_no=order_no)
        return f"{payment['transaction_no'] if payment is not None else order_no}|{refund_no}"

    async def gateway(self, request: web.Request) -> web.StreamResponse:
        """Check the signature, call the method, sign the answer."""
        parameters = await read_parameters(request)
        fault: Fault | None = None
        anonymous = False
        try:
            check_request(parameters, keys=self.keys)
            payload, fault = await self._method(parameters["method"])(trades.read_content(parameters))
        except Refusal as error:
            payload, anonymous = error.payload(), error.anonymous
        except _CutBefore:
            return drop(request)
        except _ServerErrorBefore:
            return _server_error()
        except _AnsweredInBetween as error:
            return in_between(str(error))
        return await self._reply(request, parameters, payload, fault, anonymous=anonymous)

    def _method(self, name: str) -> Method:
        if name not in self._methods:
            raise Refusal("40002", "isv.invalid-method", "不存在的方法名", anonymous=True)
        return self._methods[name]

    async def _reply(
        self,
        request: web.Request,
        parameters: Mapping[str, str],
        payload: dict[str, object],
        fault: Fault | None,
        *,
        anonymous: bool,
    ) -> web.StreamResponse:
        """The answer, or what the fault makes of it."""
        name = fault.fault if fault is not None else ""
        if name in _NO_ANSWER:
            return await hang(request, seconds=self.options.hold_s, stopping=self.stopping)
        if name in _CUT:
            return drop(request)
        if name in _SERVER_ERROR:
            return _server_error()
        if name == "garbage":
            return garbage()
        if name in PROXY:
            return in_between(name)
        if name == "error_after_commit":
            payload = refusal("error_before_commit").payload()
        elif name == "latency" and fault is not None:
            await asyncio.sleep(fault.number("delay_s", 2.0))
        asked = parameters.get("charset", "").lower()
        charset = asked if asked in CHARSETS else "utf-8"
        body = signed_answer(
            parameters.get("method", ""),
            payload,
            keys=self.keys,
            charset=charset,
            fault=name,
            anonymous=anonymous,
            cert_sn=self.keys.own_cert_sn if parameters.get("app_cert_sn") else "",
        )
        response = web.Response(body=body, content_type="text/html", charset=charset)
        return await break_off(request, response) if name == "reset_in_body" else as_fault_says(response, name)

    # Methods

    async def refund(self, content: Content) -> Outcome:
        """alipay.trade.refund."""
        await self.delay("refund")
        call = trades.read_refund(content)
        payment = self.book.payment(order_no=call.order_no, transaction_no=call.trade_no)
        order_no = payment["order_no"] if payment is not None else call.order_no
        fault = self.faults.take("refund", order_no, call.request_no or order_no)
        name = fault.fault if fault is not None else ""
        _refuse(name, REFUSALS)
        if payment is None:
            raise refusal("trade_not_exist")
        refund, changed = self._take_on(call, payment, fault)
        await self.store.durable()
        if name == "notice_before_reply" and fault is not None:
            await asyncio.sleep(fault.number("delay_s", 1.0))
        if fault is None and changed and self.magic_of(call.amount_fen) == "timeout":
            fault = Fault(operation="refund", fault="timeout_after_accept")
        payment = self.book.payment(order_no=order_no) or payment
        answer = trades.refund_answer(
            payment,
            refund,
            cumulative_fen=trades.moved_fen(self.book.refunds_of_order(order_no)),
            changed=changed and name != "fund_change_n",
            options=call.options,
        )
        if name == "no_fund_change":
            del answer["fund_change"]
        return answer, fault

    def _take_on(self, call: trades.RefundCall, payment: Row, fault: Fault | None) -> tuple[Row, bool]:
        """The refund under this number, and whether this very call moved its money."""
        request_no = call.request_no or payment["order_no"]
        key = f"{payment['transaction_no']}|{request_no}"
        known = self.book.refund(key)
        if known is not None and known["amount_fen"] != call.amount_fen:
            raise refusal("discordant_repeat")
        if known is not None and known["status"] != CLOSED:
            return known, False
        trades.check_rules(call, payment, now=self.clock.timestamp(), limits=self.limits)
        if self.is_short(key=key, amount_fen=call.amount_fen):
            raise refusal("not_enough")
        outcome, settle_at, later = self._plan(call.amount_fen, fault)
        named = fault.fault if fault is not None else self.magic_of(call.amount_fen)
        by_bank = _SECOND_LEGS.get(named) or extra_of(payment).get("dback_status")
        extra: dict[str, object] = {"reason": call.reason, **({"dback_status": by_bank} if by_bank else {})}
        if fault is not None and named in _SECOND_LEGS_LATER:
            leg_s = fault.number("delay_s", 1.0)
            extra |= {"dback_then": _SECOND_LEGS_LATER[named], "dback_at": self.clock.timestamp() + leg_s}
        if known is not None:
            # A refund that failed may be asked for again under the same number.
            self.reopen(known, outcome=outcome, settle_at=settle_at, extra=extra)
        else:
            self.accept(
                Accepted(
                    key=key,
                    refund_no=request_no,
                    order_no=payment["order_no"],
                    transaction_no=payment["transaction_no"],
                    amount_fen=call.amount_fen,
                    outcome=outcome,
                    settle_at=settle_at,
                    fingerprint="",
                    notify_url=str(extra_of(payment).get("notify_url") or ""),
                    extra=extra,
                )
            )
        if not later:
            self.settle(key)
        if fault is not None and "dback_then" in extra:
            self.office.owe(
                key=key,
                refund_no=request_no,
                order_no=payment["order_no"],
                url=str(extra_of(payment).get("notify_url") or ""),
                event=_SECOND_LEG,
                delay_s=fault.number("delay_s", 1.0),
            )
        return self._known(key), not later

    def _plan(self, amount_fen: int, fault: Fault | None) -> tuple[str, float | None, bool]:
        """Outcome, when, and whether that is later than this call."""
        name = fault.fault if fault is not None else ""
        if name == "forever":
            return SUCCESS, None, True
        if fault is not None and name in {"slow", "closed"}:
            due = self.due_in(fault.number("delay_s", 5.0 if name == "slow" else 0.2))
            return (CLOSED if name == "closed" else SUCCESS), due, True
        if self.magic_of(amount_fen) == "processing":
            return SUCCESS, self.due_in(self.options.magic_delay_s), True
        return SUCCESS, self.due_in(), False

    async def query(self, content: Content) -> Outcome:
        """alipay.trade.fastpay.refund.query."""
        await self.delay("query")
        order_no, trade_no = trades.read_trade(content)
        request_no = trades.text(content, "out_request_no", 64)
        payment = self.book.payment(order_no=order_no, transaction_no=trade_no)
        fault = self.faults.take("query", payment["order_no"] if payment is not None else order_no, request_no)
        name = fault.fault if fault is not None else ""
        if name in QUERY_REFUSALS:
            raise refusal(name, QUERY_REFUSALS)
        if payment is None:
            raise refusal("trade_not_exist")
        if not request_no:
            raise Refusal("40004", "ACQ.INVALID_PARAMETER", "参数无效：out_request_no")
        options = content.get("query_options")
        answer = trades.query_answer(
            payment,
            self.book.refund(f"{payment['transaction_no']}|{request_no}"),
            request_no=request_no,
            lag=name in {"query_lag", "stale_processing"},
            options=tuple(map(str, options)) if isinstance(options, list) else (),
            now=self.clock.timestamp(),
        )
        if name in _OLDER_WORDS:
            answer = {**answer, "refund_status": _OLDER_WORDS[name]}
        return answer, fault

    async def query_trade(self, content: Content) -> Outcome:
        """alipay.trade.query."""
        await self.delay("query")
        order_no, trade_no = trades.read_trade(content)
        payment = self.book.payment(order_no=order_no, transaction_no=trade_no)
        fault = self.faults.take("query", payment["order_no"] if payment is not None else order_no, trade_no)
        name = fault.fault if fault is not None else ""
        if name in QUERY_REFUSALS:
            raise refusal(name, QUERY_REFUSALS)
        if payment is None:
            raise refusal("trade_not_exist")
        return trades.trade_answer(payment), fault

    async def cancel(self, content: Content) -> Outcome:
        """alipay.trade.cancel: closes an unpaid trade, refunds a paid one in full. Again: the same answer."""
        await self.delay("refund")
        order_no, trade_no = trades.read_trade(content)
        payment = self.book.payment(order_no=order_no, transaction_no=trade_no)
        fault = self.faults.take("cancel", payment["order_no"] if payment is not None else order_no, trade_no)
        _refuse(fault.fault if fault is not None else "", CANCEL_REFUSALS)
        answer: dict[str, object] = {"code": "10000", "msg": "Success", "retry_flag": "N"}
        if payment is None:
            return {**answer, "out_trade_no": order_no}, fault
        answer |= {"out_trade_no": payment["order_no"], "trade_no": payment["transaction_no"]}
        if payment["status"] in {"WAIT_BUYER_PAY", CLOSED}:
            self.book.set_payment_status(order_no=payment["order_no"], status=CLOSED)
            await self.store.durable()
            return {**answer, "action": "close"}, fault
        key = f"{payment['transaction_no']}|cancel"
        if self.book.refund(key) is None:
            if payment["refunded_fen"]:
                raise Refusal("40004", "ACQ.TRADE_STATUS_ERROR", "已部分退款的交易不能撤销")
            self.accept(
                Accepted(
                    key=key,
                    refund_no=f"cancel-{payment['order_no']}",
                    order_no=payment["order_no"],
                    transaction_no=payment["transaction_no"],
                    amount_fen=payment["amount_fen"],
                    outcome=SUCCESS,
                    settle_at=self.due_in(),
                    fingerprint="",
                    kind="cancel",
                )
            )
            self.settle(key)
            await self.store.durable()
        return {**answer, "action": "refund"}, fault

    async def bill_address(self, content: Content) -> Outcome:
        """alipay.data.dataservice.bill.downloadurl.query."""
        await self.delay("bill")
        kind, day_text = trades.text(content, "bill_type", 16), trades.text(content, "bill_date", 10)
        faults = self.faults.take_all("bill")
        names = {fault.fault for fault in faults}
        if "error" in names:
            raise refusal("error_before_commit")
        if names & {"creating", "no_statement"}:
            raise bill_not_exist("账单尚未生成" if "creating" in names else "账单不存在")
        address = self.bill_office.make(kind=kind, day_text=day_text, faults=faults)
        return {"code": "10000", "msg": "Success", "bill_download_url": address}, None

    # Notices

    def compose(self, due: Due, fault: str) -> Outgoing:
        """A signed form to the payment's address."""
        refund = self._known(due.key)
        payment = self.book.payment(order_no=refund["order_no"])
        if payment is None:
            raise LookupError(due.order_no)
        cumulative = trades.moved_fen(self.book.refunds_of_order(refund["order_no"]))
        parameters = trades.notice_parameters(
            payment,
            refund,
            cumulative_fen=cumulative + (1 if fault == "wrong_amount" else 0),
            app_id=self.keys.app_id if fault != "other_app" else f"2021{secrets.randbelow(10**12):012d}",
            seller_id=self.keys.seller_id,
            now=self.clock.timestamp(),
            with_refund=not fault.startswith(("stale", "foreign")),
        )
        if due.event == _SECOND_LEG and not fault.startswith("foreign"):
            parameters = trades.second_leg_parameters(
                payment, refund, app_id=parameters["app_id"], now=self.clock.timestamp()
            )
        if fault in {"foreign", "foreign_forged"}:
            parameters["notify_type"] = "alipay.merchant.tradecomplain.changed"
        elif fault == "foreign_coupon":
            parameters["notify_type"] = "alipay.marketing.activity.voucher.used"
        if fault == "unknown_number":
            parameters["out_biz_no"] = f"X{secrets.token_hex(12)}"
        body = urlencode(
            signed_notice(parameters, keys=self.keys, fault="bad_signature" if fault == "foreign_forged" else fault)
        ).encode()
        return Outgoing(headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, body=body)

    def acknowledged(self, status: int, body: bytes) -> bool:
        """The body ``success`` and nothing else."""
        return status == 200 and body.strip() == b"success"

    def settled(self, refund: Row) -> None:
        """Only a success is told."""
        if refund["status"] == SUCCESS and refund["kind"] == "refund":
            super().settled(refund)

    def _known(self, key: str) -> Row:
        refund = self.book.refund(key)
        if refund is None:
            raise LookupError(key)
        return refund


class _CutBefore(Exception):
    """The connection is to be dropped before anything happens."""


class _AnsweredInBetween(Exception):
    """Something on the way answers; names the fault."""


class _ServerErrorBefore(Exception):
    """HTTP 500 before anything happens."""


def _refuse(name: str, refusals: Mapping[str, tuple[str, str, str]]) -> None:
    """Faults before anything is accepted."""
    if name == "drop_before_accept":
        raise _CutBefore
    if name == "http_500":
        raise _ServerErrorBefore
    if name in PROXY:
        raise _AnsweredInBetween(name)
    if name in refusals:
        raise refusal(name, refusals)


def _server_error() -> web.Response:
    return web.Response(status=500, text="Internal Server Error")
