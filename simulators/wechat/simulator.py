"""The gateway of the WeChat Pay simulator."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from aiohttp import web

from simulators.kit.book import ABNORMAL, CLOSED, PROCESSING, SUCCESS, Accepted, Row, extra_of
from simulators.kit.clock import rfc3339
from simulators.kit.common_faults import PROXY
from simulators.kit.control import answer
from simulators.kit.faults import Catalogue, Fault
from simulators.kit.notices import Due, Outgoing
from simulators.kit.reading import BadOrder
from simulators.kit.simulator import Options, Simulator
from simulators.kit.wire import as_fault_says, break_off, drop, garbage, hang, in_between, read_json
from simulators.wechat import bills, refunds
from simulators.wechat.catalogue import CATALOGUE, MAGIC_MEANING
from simulators.wechat.errors import (
    REFUSALS,
    ApiError,
    bad_param,
    invalid,
    not_exists,
    sign_error,
    system_error,
)
from simulators.wechat.keys import WechatKeys
from simulators.wechat.notices import refund_notice
from simulators.wechat.signing import check_request, encrypt, signed_headers, tampered
from simulators.wechat.throttle import Throttle

Handler = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]
MODES = ("public_key", "certificate")
#: Transport faults of an answer; their names differ between refund and query only in what was accepted before.
_NO_ANSWER = {"timeout_after_accept", "timeout"}
_CUT = {"drop_after_accept", "drop", "drop_before_accept"}
_SERVER_ERROR = {"error_after_commit", "error"}
#: Where the money goes instead of the way it came.
_DESTINATIONS = {
    "to_balance": {"channel": "BALANCE", "user_received_account": "支付用户零钱"},
    "to_other_balance": {"channel": "OTHER_BALANCE", "user_received_account": "支付用户零钱通"},
    "to_other_card": {"channel": "OTHER_BANKCARD", "user_received_account": "工商银行借记卡4455"},
}
_ENDS = {"abnormal": ABNORMAL, "closed": CLOSED}


class WechatSimulator(Simulator):
    """WeChat Pay v3 for one merchant (or one service provider with any sub-merchants)."""

    name = "wechat"
    title = "微信支付 WeChat Pay API v3"
    prefix = "5030"
    catalogue: ClassVar[Catalogue] = CATALOGUE
    schedule: ClassVar[Sequence[float]] = (
        15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
    )  # fmt: skip
    magic_meaning = MAGIC_MEANING
    #: ``per_second`` and ``errors_per_second`` 0: not enforced (the vendor's are 150 and 6).
    default_limits: ClassVar[dict[str, float]] = {
        "window_days": 365,
        "max_partials": 50,
        "partial_spacing_s": 60,
        "per_second": 0,
        "errors_per_second": 0,
    }

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.keys = WechatKeys(options.state_dir)
        mode = self.store.setting("signing_mode", MODES[0])
        self.signing_mode = str(mode)
        self.throttle = Throttle(self.limits)
        self.bill_office = bills.BillOffice(self)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The API's addresses."""
        base = "/v3/refund/domestic/refunds"
        return [
            web.post(base, self._guarded(self.apply)),
            web.get(base + "/{refund_no}", self._guarded(self.query)),
            web.post(base + "/{refund_id}/apply-abnormal-refund", self._guarded(self.apply_abnormal)),
            *(
                web.post(f"/v3/pay{who}/transactions/out-trade-no/{{number}}/{{act}}", self._guarded(self.end_order))
                for who in ("", "/partner")
            ),
            *(
                web.get(f"/v3/pay{who}/transactions/{kind}/{{number}}", self._guarded(self.query_order))
                for who in ("", "/partner")
                for kind in ("id", "out-trade-no")
            ),
            web.get("/v3/certificates", self._guarded(self.certificates)),
            web.get("/v3/bill/tradebill", self._guarded(self.bill_office.trade_bill)),
            web.get("/v3/bill/fundflowbill", self._guarded(self.bill_office.fund_flow_bill)),
            web.get("/v3/billdownload/file", self._guarded(self.bill_office.download)),
        ]

    def control_routes(self) -> Sequence[web.AbstractRouteDef]:
        """Rotation of platform certificates and the signing mode."""
        return [web.post("/rotate", self.rotate), web.post("/signing", self.set_signing)]

    def account(self) -> dict[str, object]:
        """See the class: one merchant."""
        return {
            "base_url": self.base_url,
            "control_url": self.control_url,
            "mchid": self.keys.mchid,
            "merchant_serial": self.keys.merchant_serial,
            "merchant_private_key_path": str(self.keys.merchant_key_path),
            "merchant_certificate_path": str(self.keys.merchant_certificate_path),
            "api_v3_key": self.keys.api_v3_key,
            "public_key_id": self.keys.public_key_id,
            "public_key_path": str(self.keys.public_key_path),
        }

    # Refunds

    async def apply(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """POST /v3/refund/domestic/refunds."""
        await self.delay("refund")
        application = refunds.read_application(body)
        payment = self.book.payment(order_no=application.order_no, transaction_no=application.transaction_no)
        order_no = payment["order_no"] if payment is not None else application.order_no
        fault = self.faults.take("refund", order_no, application.refund_no)
        name = fault.fault if fault is not None else ""
        if (refused := _before(request, "refund", name)) is not None:
            return refused
        if payment is None:
            raise not_exists("订单号不存在")
        refunds.check_sub_mchid(application.sub_mchid, payment)
        refund = self._take_on(application, payment, fault)
        await self.store.durable()
        if name == "notice_before_reply" and fault is not None:
            self.settle(refund["key"])
            await asyncio.sleep(fault.number("delay_s", 1.0))
            refund = self.book.refund(refund["key"]) or refund
        if not name and self.magic_of(refund["amount_fen"]) == "timeout" and refunds.is_open(refund):
            name = "timeout_after_accept"
        payment = self.book.payment(order_no=order_no) or payment
        return await self._reply(request, refunds.refund_object(refund, payment), fault=fault, name=name)

    def _take_on(self, application: refunds.Application, payment: Row, fault: Fault | None) -> Row:
        """The refund under this number: the one already known, or a new one within the rules."""
        known = self.book.refund(application.refund_no)
        fingerprint = application.fingerprint(payment["order_no"])
        if known is not None:
            if known["fingerprint"] != fingerprint:
                raise invalid(refunds.OTHER_DETAILS)
            return known
        refunds.check_rules(application, payment, now=self.clock.timestamp(), limits=self.limits)
        if self.is_short(key=application.refund_no, amount_fen=application.amount_fen):
            raise ApiError(*REFUSALS["refund"]["not_enough"])
        outcome, settle_at = self.default_outcome(application.amount_fen)
        if fault is not None and fault.fault == "forever":
            settle_at = None
        elif fault is not None and fault.fault in {"slow", "abnormal", "closed"}:
            outcome = _ENDS.get(fault.fault, SUCCESS)
            usual_s = 5.0 if fault.fault == "slow" else self.options.settle_ms / 1000
            settle_at = self.due_in(fault.number("delay_s", usual_s))
        return self.accept(
            Accepted(
                key=application.refund_no,
                refund_no=application.refund_no,
                order_no=payment["order_no"],
                transaction_no=payment["transaction_no"],
                amount_fen=application.amount_fen,
                outcome=outcome,
                settle_at=settle_at,
                fingerprint=fingerprint,
                notify_url=application.notify_url,
                extra={
                    "funds_account": application.funds_account,
                    "from": application.sources,
                    "reason": application.reason,
                    **_DESTINATIONS.get(fault.fault if fault is not None else "", {}),
                },
            )
        )

    async def query(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """GET /v3/refund/domestic/refunds/{out_refund_no}."""
        await self.delay("query")
        refund_no = request.match_info["refund_no"]
        refund = self.book.refund(refund_no)
        fault = self.faults.take("query", refund["order_no"] if refund is not None else "", refund_no)
        name = fault.fault if fault is not None else ""
        if name in REFUSALS["query"]:
            raise ApiError(*REFUSALS["query"][name])
        if refund is None or name == "query_lag":
            raise not_exists("退款单不存在")
        payment = self._payment_of(refund)
        refunds.check_sub_mchid(request.query.get("sub_mchid", ""), payment)
        status = PROCESSING if name == "stale_processing" else ""
        return await self._reply(request, refunds.refund_object(refund, payment, status=status), fault=fault, name=name)

    async def query_order(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """GET /v3/pay/transactions/id/{transaction_id} and .../out-trade-no/{out_trade_no}."""
        await self.delay("query")
        number, by_channel = request.match_info["number"], "/transactions/id/" in request.path
        payment = self.book.payment(transaction_no=number) if by_channel else self.book.payment(order_no=number)
        fault = self.faults.take("query", payment["order_no"] if payment is not None else number, number)
        name = fault.fault if fault is not None else ""
        if name in REFUSALS["query"]:
            raise ApiError(*REFUSALS["query"][name])
        if payment is None or name == "query_lag" or (by_channel and not refunds.was_paid(payment)):
            raise ApiError(*REFUSALS["query"]["order_not_exist"])
        sub_mchid = request.query.get("sub_mchid", "")
        refunds.check_sub_mchid(sub_mchid, payment)
        if request.query.get("sp_mchid" if sub_mchid else "mchid") != self.keys.mchid:
            raise bad_param("/mchid", request.query.get("mchid", ""), "must be the merchant's")
        return await self._reply(request, refunds.order_object(payment, mchid=self.keys.mchid), fault=fault, name=name)

    async def apply_abnormal(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund."""
        await self.delay("refund")
        refund = self.book.refund_by_channel_no(request.match_info["refund_id"])
        given = refunds.read_object(body)
        if refund is None or given.get("out_refund_no") != refund["refund_no"]:
            raise not_exists("退款单不存在")
        fault = self.faults.take("abnormal", refund["order_no"], refund["refund_no"])
        name = fault.fault if fault is not None else ""
        if (refused := _before(request, "abnormal", name)) is not None:
            return refused
        payment = self._payment_of(refund)
        refunds.check_sub_mchid(str(given.get("sub_mchid") or ""), payment)
        if refund["status"] != ABNORMAL:
            raise invalid("退款单不是异常状态")
        received, channel = self._payee(request, given)
        self.book.change_outcome(
            key=refund["key"],
            outcome=SUCCESS,
            settle_at=self.due_in(),
            extra={**extra_of(refund), "user_received_account": received, "channel": channel},
        )
        self.rearm(refund["key"])
        await self.store.durable()
        fresh = self.book.refund(refund["key"]) or refund
        return await self._reply(request, refunds.refund_object(fresh, payment), fault=fault, name=name)

    async def end_order(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """POST .../out-trade-no/{out_trade_no}/close and /reverse: an unpaid order is closed, a paid one reversed whole."""
        number, act = request.match_info["number"], request.match_info["act"]
        if act not in {"close", "reverse"}:
            raise not_exists("接口不存在")
        await self.delay("refund")
        given, payment = refunds.read_object(body), self.book.payment(order_no=number)
        fault = self.faults.take(act, number)
        name = fault.fault if fault is not None else ""
        if (refused := _before(request, act, name)) is not None:
            return refused
        if payment is None:
            raise ApiError(*REFUSALS["query"]["order_not_exist"])
        refunds.check_sub_mchid(str(given.get("sub_mchid") or ""), payment)
        if payment["status"] == "WAIT_BUYER_PAY":
            self.book.set_payment_status(order_no=number, status=CLOSED)
        elif act == "close" and payment["status"] != CLOSED:
            raise invalid("该订单已支付，不能关闭")
        elif payment["status"] == SUCCESS:
            self._reverse(payment)
        await self.store.durable()
        return await self._reply(request, None, fault=fault, name=name)

    def _reverse(self, payment: Row) -> None:
        """The whole payment goes back, under no refund's number: bills show it as REVOKED."""
        if payment["refunded_fen"]:
            raise invalid("已退款的订单不能撤销")
        key = f"{bills.REVERSAL}|{payment['order_no']}"
        self.accept(
            Accepted(
                key=key,
                refund_no=key,
                order_no=payment["order_no"],
                transaction_no=payment["transaction_no"],
                amount_fen=payment["amount_fen"],
                outcome=SUCCESS,
                settle_at=self.due_in(),
                fingerprint="",
                kind=bills.REVERSAL,
            )
        )
        self.settle(key)
        self.book.set_payment_status(order_no=payment["order_no"], status="REVOKED")

    def _payee(self, request: web.Request, given: dict[str, object]) -> tuple[str, str]:
        """Account as it is shown, and channel."""
        if given.get("type") == "MERCHANT_BANK_CARD":
            return "商户结算银行账户", "OTHER_BANKCARD"
        if given.get("type") != "USER_BANK_CARD":
            raise bad_param("/type", given.get("type"), "USER_BANK_CARD or MERCHANT_BANK_CARD")
        serial = request.headers.get("Wechatpay-Serial", "")
        opened: dict[str, str] = {}
        for name in ("bank_type", "bank_account", "real_name"):
            value = given.get(name)
            if not isinstance(value, str) or not value:
                raise bad_param(f"/{name}", "", "is required for a user's card")
            try:
                opened[name] = value if name == "bank_type" else self.keys.decrypt(base64.b64decode(value), serial)
            except ValueError as error:
                raise bad_param(f"/{name}", "", "cannot be decrypted with the key of Wechatpay-Serial") from error
        if not opened["bank_account"].isdecimal() or not 8 <= len(opened["bank_account"]) <= 32:
            raise bad_param("/bank_account", "", "is not a card number")
        return f"{opened['bank_type']}{opened['bank_account'][-4:]}", "OTHER_BANKCARD"

    # Certificates

    async def certificates(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """GET /v3/certificates."""
        fault = self.faults.take("certificates")
        listed = [
            {
                "serial_no": known.serial,
                "effective_time": rfc3339(known.certificate.not_valid_before_utc.timestamp()),
                "expire_time": rfc3339(known.certificate.not_valid_after_utc.timestamp()),
                "encrypt_certificate": encrypt(
                    known.pem(), api_v3_key=self.keys.api_v3_key, associated_data="certificate"
                ),
            }
            for known in self.keys.certificates
        ]
        # The list is signed by the certificate in force, whatever the mode: it is how that one is learnt.
        name = fault.fault if fault is not None else ""
        serial = self.keys.certificates[-1].serial
        return await self._reply(request, {"data": listed}, fault=fault, name=name, serial=serial)

    async def rotate(self, request: web.Request) -> web.Response:
        """POST /rotate: a new platform certificate signs from now on."""
        fresh = await asyncio.to_thread(self.keys.rotate)
        return answer({"serial_no": fresh.serial, "certificates": len(self.keys.certificates)}, status=201)

    async def set_signing(self, request: web.Request) -> web.Response:
        """POST /signing {"mode": "public_key" | "certificate"}."""
        mode = (await read_json(request)).get("mode")
        if mode not in MODES:
            raise BadOrder(f"mode must be one of {MODES}")
        self.signing_mode = str(mode)
        self.store.remember("signing_mode", mode)
        await self.store.durable()
        return answer({"mode": mode})

    # Notices

    def compose(self, due: Due, fault: str) -> Outgoing:
        """An encrypted, signed notice."""
        refund = self.book.refund(due.key)
        if refund is None:
            raise LookupError(due.key)
        return refund_notice(
            refund,
            self._payment_of(refund),
            event=due.event,
            fault=fault,
            keys=self.keys,
            serial=self._serial(),
            timestamp=self.clock.wire_timestamp(),
        )

    def acknowledged(self, status: int, body: bytes) -> bool:
        """200 or 204."""
        return status in {200, 204}

    # Answers

    def _guarded(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Check the signature, turn refusals into signed answers."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            try:
                self.throttle.check()
                if self._serial_asked(request) is None:
                    raise sign_error("Wechatpay-Serial names no known key")
                check_request(request, body, keys=self.keys, clock=self.clock)
                return await handler(request, body)
            except ApiError as error:
                self.throttle.count_error()
                return self.signed(request, error.payload(), status=error.status)

        return guarded

    async def _reply(
        self,
        request: web.Request,
        payload: dict[str, object] | None,
        *,
        fault: Fault | None,
        name: str = "",
        serial: str = "",
    ) -> web.StreamResponse:
        """The answer, or what the fault makes of it. None: 204."""
        if name in _NO_ANSWER:
            return await hang(request, seconds=self.options.hold_s, stopping=self.stopping)
        if name in _CUT:
            return drop(request)
        if name in _SERVER_ERROR:
            raise system_error()
        if name == "garbage":
            return garbage()
        if name in PROXY:
            return in_between(name)
        if name == "latency" and fault is not None:
            await asyncio.sleep(fault.number("delay_s", 2.0))
        signed = self.signed(request, payload, fault=name, serial=serial)
        return await break_off(request, signed) if name == "reset_in_body" else as_fault_says(signed, name)

    def signed(
        self,
        request: web.Request,
        payload: dict[str, object] | None,
        *,
        status: int = 200,
        fault: str = "",
        serial: str = "",
    ) -> web.Response:
        body = b"" if payload is None else json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed_headers(
            body,
            keys=self.keys,
            serial=serial or self._serial_asked(request) or self._serial(),
            timestamp=self.clock.wire_timestamp(),
            fault=fault,
        )
        headers |= {"Request-ID": secrets.token_hex(16), "Content-Type": "application/json; charset=utf-8"}
        if payload is None:
            return web.Response(status=204, headers=headers)
        return web.Response(
            body=tampered(body) if fault == "tampered_response" else body, status=status, headers=headers
        )

    def _serial(self) -> str:
        """What signs by default: the public key, or the platform certificate in force."""
        return self.keys.public_key_id if self.signing_mode == MODES[0] else self.keys.certificates[-1].serial

    def _serial_asked(self, request: web.Request) -> str | None:
        """What signs this answer; a caller names it by Wechatpay-Serial. None when it names an unknown one."""
        asked = request.headers.get("Wechatpay-Serial", "")
        if not asked:
            return self._serial()
        if self.keys.signing_key(asked) is None:
            return None
        # A caller that still names an old certificate gets the one in force: it must fetch the list.
        return asked if asked == self.keys.public_key_id else self.keys.certificates[-1].serial

    def _payment_of(self, refund: Row) -> Row:
        payment = self.book.payment(order_no=refund["order_no"])
        if payment is None:
            raise not_exists("订单号不存在")
        return payment


def _before(request: web.Request, operation: str, name: str) -> web.Response | None:
    """Faults before anything is accepted: the answer, or None. Raises ApiError."""
    if name == "drop_before_accept":
        return drop(request)
    if name in PROXY:
        return in_between(name)
    if name in REFUSALS[operation]:
        raise ApiError(*REFUSALS[operation][name])
    return None
