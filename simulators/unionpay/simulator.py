"""The gateway of the UnionPay simulator."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlencode

from aiohttp import web

from simulators.kit.book import CLOSED, PROCESSING, SUCCESS, Accepted, Row, extra_of
from simulators.kit.clock import china
from simulators.kit.common_faults import PROXY
from simulators.kit.control import answer
from simulators.kit.faults import Catalogue, Fault
from simulators.kit.notices import Due, Outgoing
from simulators.kit.simulator import Options, Simulator
from simulators.kit.wire import as_fault_says, break_off, drop, garbage, hang, in_between
from simulators.unionpay import trades
from simulators.unionpay.catalogue import CATALOGUE, MAGIC_MEANING
from simulators.unionpay.codes import ENDINGS, OK, PAYMENT_CODES, PENDING, REFUSALS, SPENT, WORDS, Refusal
from simulators.unionpay.files import settlement_file
from simulators.unionpay.keys import PFX_PASSWORD, UnionpayKeys
from simulators.unionpay.signing import ENCODINGS, as_text, check_request, read_parameters, signed_answer

Parameters = Mapping[str, str]
Outcome = tuple[dict[str, str], str, Fault | None]
Method = Callable[[Parameters], Awaitable[Outcome]]
#: Echoed from the request.
_COMMON = ("version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "accessType", "merId")
_ECHOED = (*_COMMON, "orderId", "txnTime", "txnAmt", "currencyCode", "origQryId", "reqReserved")
_NO_ANSWER = {"timeout_after_accept", "timeout"}
_CUT = {"drop_after_accept", "drop", "drop_before_accept"}
_SERVER_ERROR = {"error_before_commit", "error_after_commit", "error"}
_PENDING_CODES = {
    "slow": PENDING,
    "forever": PENDING,
    "code_03": "03",
    "code_04": "04",
    "code_83": "83",
    "code_A6": "A6",
}
_BROKEN_OFF = {"reset_in_body", "truncated"}
#: What the issuing bank says when a refund fails in the end.
FAILED = "38"


class UnionpaySimulator(Simulator):
    """The acquirer gateway for one merchant."""

    name = "unionpay"
    title = "银联商务收单 UnionPay ACP 5.1.0"
    prefix = ""
    digits = 13
    catalogue: ClassVar[Catalogue] = CATALOGUE
    schedule: ClassVar[Sequence[float]] = (60, 120, 240, 300)
    magic_meaning = MAGIC_MEANING
    default_limits: ClassVar[dict[str, float]] = {"window_days": 330, "open_from_hour": 0, "open_to_hour": 24}

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.keys = UnionpayKeys(options.state_dir)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The three addresses."""
        return [
            web.post("/gateway/api/backTransReq.do", self._guarded(self.transact)),
            web.post("/gateway/api/queryTrans.do", self._guarded(self.query)),
            web.post("/filedownload/", self._guarded(self.download)),
        ]

    def control_routes(self) -> Sequence[web.AbstractRouteDef]:
        """Rotation of the signing certificate."""
        return [web.post("/rotate", self.rotate)]

    def account(self) -> dict[str, object]:
        """One merchant."""
        return {
            "base_url": self.base_url,
            "front_url": f"{self.base_url}/gateway/api",
            "back_trans_url": f"{self.base_url}/gateway/api/backTransReq.do",
            "query_url": f"{self.base_url}/gateway/api/queryTrans.do",
            "file_url": f"{self.base_url}/filedownload/",
            "control_url": self.control_url,
            "mer_id": self.keys.mer_id,
            "cert_id": self.keys.merchant_cert_id,
            "sign_cert_path": str(self.keys.merchant_path),
            "sign_cert_pfx_path": str(self.keys.merchant_pfx_path),
            "sign_cert_pfx_password": PFX_PASSWORD,
            "root_cert_path": str(self.keys.root_path),
            "middle_cert_path": str(self.keys.middle_path),
        }

    def portal_key(self, *, order_no: str, refund_no: str) -> str:
        """Portal refunds have no txnTime of ours."""
        return f"{refund_no}|portal"

    # Transactions

    async def transact(self, parameters: Parameters) -> Outcome:
        """backTransReq.do: refund 04, void 31, pre-authorisation cancel 32."""
        await self.delay("refund")
        order = trades.read_order(parameters)
        payment = self.book.payment(transaction_no=order.orig_query_id)
        order_no = payment["order_no"] if payment is not None else ""
        fault = self.faults.take("refund", order_no, order.order_id)
        name = fault.fault if fault is not None else ""
        if name in {"drop_before_accept", "error_before_commit", *PROXY}:
            return {}, name, fault
        if name in REFUSALS:
            raise Refusal(REFUSALS[name])
        if self.book.refund(order.key) is not None:
            raise Refusal("12")
        if payment is None:
            raise Refusal("35")
        if name in SPENT:
            await self._spend(order, payment, SPENT[name])
            raise Refusal(SPENT[name])
        trades.check_rules(order, payment, now=self.clock.timestamp(), limits=self.limits)
        # A spent order number is never taken again, so that the remembered shortage is the sale's.
        if order.kind != "preauth_cancel" and self.is_short(key=order_no, amount_fen=order.amount_fen):
            raise Refusal("64")
        refund = self._take_on(order, payment, fault)
        await self.store.durable()
        if name == "notice_before_reply" and fault is not None:
            self.settle(refund["key"])
            await asyncio.sleep(fault.number("delay_s", 1.0))
        if not name and self.magic_of(order.amount_fen) == "timeout":
            name = "timeout_after_accept"
        code = str(extra_of(refund).get("code") or OK)
        shown = {**_echo(parameters), "queryId": refund["channel_refund_no"], "respCode": code, "respMsg": WORDS[code]}
        return shown, name, fault

    async def _spend(self, order: trades.Order, payment: Row, code: str) -> None:
        """Refused, and the number kept: a repeat is a duplicate, and a query says that it failed. No money moves."""
        self.accept(
            Accepted(
                key=order.key,
                refund_no=order.order_id,
                order_no=payment["order_no"],
                transaction_no=payment["transaction_no"],
                amount_fen=order.amount_fen,
                outcome=CLOSED,
                settle_at=None,
                fingerprint="",
                notify_url="",
                kind=order.kind,
                extra={"txn_time": order.txn_time, "biz_type": order.biz_type, "failed": code},
            )
        )
        self.settle(order.key)
        await self.store.durable()

    def _take_on(self, order: trades.Order, payment: Row, fault: Fault | None) -> Row:
        name = fault.fault if fault is not None else ""
        outcome, settle_at = self.default_outcome(order.amount_fen)
        code = PENDING if self.magic_of(order.amount_fen) == "processing" else OK
        if fault is not None and name in _PENDING_CODES:
            outcome, code = SUCCESS, _PENDING_CODES[name]
            settle_at = (
                None if name == "forever" else self.due_in(fault.number("delay_s", 5.0 if name == "slow" else 1.0))
            )
        elif name == "closed" or name in ENDINGS or outcome == "ABNORMAL":
            outcome, settle_at = CLOSED, self.due_in()
        return self.accept(
            Accepted(
                key=order.key,
                refund_no=order.order_id,
                order_no=payment["order_no"],
                transaction_no=payment["transaction_no"],
                amount_fen=order.amount_fen,
                outcome=outcome,
                settle_at=settle_at,
                fingerprint="",
                notify_url=order.back_url,
                kind=order.kind,
                extra={
                    "code": code,
                    "txn_time": order.txn_time,
                    "biz_type": order.biz_type,
                    "failed": ENDINGS.get(name, FAILED),
                },
            )
        )

    async def query(self, parameters: Parameters) -> Outcome:
        """queryTrans.do: respCode speaks of the query, origRespCode of the trade."""
        await self.delay("query")
        if parameters.get("queryId"):
            return self._query_payment(parameters, self.book.payment(transaction_no=parameters["queryId"]))
        order_id, txn_time = trades.read_key(parameters)
        refund = self.book.refund(f"{order_id}|{txn_time}")
        if refund is None:
            return self._query_payment(parameters, self.book.payment(order_no=order_id))
        fault = self.faults.take("query", refund["order_no"], order_id)
        name = fault.fault if fault is not None else ""
        if name in REFUSALS:
            raise Refusal(REFUSALS[name])
        shown = {name: value for name, value in _echo(parameters).items() if name in _COMMON}
        shown |= {"orderId": order_id, "txnTime": txn_time, "respCode": OK, "respMsg": WORDS[OK]}
        if name == "query_lag":
            raise Refusal("34")
        return {**shown, **self._trade(refund, pending=name == "stale_processing")}, name, fault

    def _query_payment(self, parameters: Parameters, payment: Row | None) -> Outcome:
        """What became of a purchase. Nothing here tells of its refunds."""
        named = parameters.get("queryId") or parameters.get("orderId", "")
        fault = self.faults.take("query", payment["order_no"] if payment is not None else "", named)
        name = fault.fault if fault is not None else ""
        if name in REFUSALS:
            raise Refusal(REFUSALS[name])
        if payment is None or name == "query_lag":
            raise Refusal("34")
        code = str(extra_of(payment).get("orig_resp_code") or PAYMENT_CODES.get(payment["status"], OK))
        shown = {name: value for name, value in _echo(parameters).items() if name in _COMMON}
        shown |= {
            "respCode": OK,
            "respMsg": WORDS[OK],
            "txnType": "01",
            "orderId": payment["order_no"],
            "txnTime": f"{china(payment['paid_at']):%Y%m%d%H%M%S}",
            "queryId": payment["transaction_no"],
            "txnAmt": str(payment["amount_fen"]),
            "currencyCode": "156",
            "accNo": "6226****0403",
            "origRespCode": code,
            "origRespMsg": WORDS[code],
        }
        return shown, name, fault

    def _trade(self, refund: Row, *, pending: bool = False) -> dict[str, str]:
        """What a query and a notice say of a refund."""
        extra = extra_of(refund)
        failed = str(extra.get("failed") or FAILED)
        code = {PROCESSING: str(extra.get("code") or PENDING), SUCCESS: OK}.get(refund["status"], failed)
        if pending or (refund["status"] == PROCESSING and code in (OK, "A6")):
            code = PENDING
        shown = {
            "txnType": next(number for number, kind in trades.KINDS.items() if kind == refund["kind"]),
            "origQryId": refund["transaction_no"],
            "queryId": refund["channel_refund_no"],
            "txnAmt": str(refund["amount_fen"]),
            "currencyCode": "156",
            "origRespCode": code,
            "origRespMsg": WORDS[code],
            "traceNo": trades.trace_no(refund),
            "traceTime": f"{china(refund['created_at']):%m%d%H%M%S}",
        }
        if code == OK:
            day = trades.clearing_date(refund["final_at"])
            shown |= {"settleDate": f"{day:%m%d}", "settleAmt": shown["txnAmt"], "settleCurrencyCode": "156"}
        return shown

    async def download(self, parameters: Parameters) -> Outcome:
        """The settlement file."""
        await self.delay("bill")
        if parameters["txnType"] != "76":
            raise Refusal("10", "txnType")
        faults = self.faults.take_all("bill")
        names = {fault.fault for fault in faults}
        if "error" in names:
            return {}, "error", None
        shown = {name: value for name, value in _echo(parameters).items() if name in _COMMON}
        shown |= settlement_file(self, parameters, faults)
        shown |= {"settleDate": parameters["settleDate"], "fileType": "00", "respCode": OK, "respMsg": WORDS[OK]}
        return shown, next(iter(names & {"bad_signature", "truncated"}), ""), None

    async def rotate(self, request: web.Request) -> web.Response:
        """POST /rotate: a new signing certificate under the same root."""
        serial = await asyncio.to_thread(self.keys.rotate)
        return answer({"serial": serial}, status=201)

    # Notices

    def compose(self, due: Due, fault: str) -> Outgoing:
        """A signed form to backUrl."""
        refund = self.book.refund(due.key)
        if refund is None:
            raise LookupError(due.key)
        stale = fault.startswith("stale")
        said = self._trade(refund, pending=stale)
        code = said.pop("origRespCode")
        del said["origRespMsg"]
        shown = {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": "01",
            "merId": self.keys.mer_id,
            "txnSubType": "00",
            "bizType": str(extra_of(refund).get("biz_type") or "000201"),
            "accessType": "0",
            **said,
            "orderId": refund["refund_no"],
            "txnTime": str(extra_of(refund).get("txn_time") or ""),
            "respCode": code,
            "respMsg": WORDS[code],
        }
        if fault == "wrong_amount":
            shown["txnAmt"] = shown["settleAmt"] = str(refund["amount_fen"] + 1)
        elif fault == "unknown_number":
            shown["orderId"] = f"X{secrets.token_hex(12)}"
        elif fault.startswith("foreign"):
            # It has no complaints: its other notices are of purchases, and of purchases with a coupon.
            coupon = {"couponInfo": "[{}]"} if fault == "foreign_coupon" else {}
            shown |= {"txnType": "01", "orderId": refund["order_no"], **coupon}
        fault = "bad_signature" if fault == "foreign_forged" else fault
        signed = signed_answer(shown, keys=self.keys, encoding="UTF-8", fault=fault)
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return Outgoing(headers=headers, body=urlencode(signed).encode())

    def acknowledged(self, status: int, body: bytes) -> bool:
        """HTTP 200."""
        return status == 200

    def settled(self, refund: Row) -> None:
        """Only a success is told."""
        if refund["status"] == SUCCESS:
            super().settled(refund)

    # Answers

    def _guarded(self, method: Method) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Check the signature, call, sign the answer or spoil it."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            parameters = await read_parameters(request)
            fault: Fault | None = None
            name = ""
            try:
                check_request(parameters, keys=self.keys)
                shown, name, fault = await method(parameters)
            except Refusal as error:
                shown = {**_echo(parameters), "respCode": error.code, "respMsg": error.message}
            return await self._reply(request, shown, parameters.get("encoding", ""), name, fault)

        return guarded

    async def _reply(
        self, request: web.Request, shown: dict[str, str], encoding: str, name: str, fault: Fault | None
    ) -> web.StreamResponse:
        if name in _NO_ANSWER:
            return await hang(request, seconds=self.options.hold_s, stopping=self.stopping)
        if name in _CUT:
            return drop(request)
        if name in _SERVER_ERROR:
            return web.Response(status=500, text="Internal Server Error")
        if name == "garbage":
            return garbage()
        if name in PROXY:
            return in_between(name)
        if name == "latency" and fault is not None:
            await asyncio.sleep(fault.number("delay_s", 2.0))
        body = as_text(signed_answer(shown, keys=self.keys, encoding=encoding, fault=name), encoding)
        response = web.Response(body=body, content_type="text/html", charset=ENCODINGS.get(encoding.upper(), "utf-8"))
        return await break_off(request, response) if name in _BROKEN_OFF else as_fault_says(response, name)


def _echo(parameters: Parameters) -> dict[str, str]:
    return {name: parameters[name] for name in _ECHOED if parameters.get(name)}
