"""What we send to WeChat Pay and what comes back, typed. Source: .../doc/v3/merchant/4012587971."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from urllib.parse import quote, urlencode

from payment_channels.contract import (
    AbnormalRefundOrder,
    Done,
    Outcome,
    PaidTo,
    PayeeKind,
    RefundOrder,
    Refused,
    Retry,
    Trade,
    TradeReference,
    TradeState,
    Unknown,
)
from payment_channels.parsing import Unreadable, instant, member, text, text_or_empty, whole

MAX_REASON_BYTES = 80
_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}\Z", re.ASCII)
_CARD_NUMBER = re.compile(r"[0-9]{8,32}\Z", re.ASCII)
_CURRENCY = "CNY"


class RefundStatus(StrEnum):
    """WeChat Pay's states of a refund."""

    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    PROCESSING = "PROCESSING"
    ABNORMAL = "ABNORMAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundState:
    """A refund as WeChat Pay reports it, in an answer or in a notice. Amount in fen."""

    refund_no: str
    channel_refund_no: str
    channel_transaction_no: str
    status: RefundStatus
    amount_fen: int
    succeeded_at: datetime | None
    received_account: str
    channel: str
    payer_fen: int | None

    @classmethod
    def parse_answer(cls, body: Mapping[str, object]) -> Self:
        """Read the body of an application's or query's answer. Raises ``Unreadable``."""
        amount = member(body, "amount")
        if text(amount, "currency") != _CURRENCY:
            raise Unreadable("currency is not CNY")
        return cls._parse(body, status=text(body, "status"), amount=amount)

    @classmethod
    def parse_notice(cls, body: Mapping[str, object]) -> Self:
        """Read a notice's decrypted resource, which names the state otherwise. Raises ``Unreadable``."""
        amount = member(body, "amount")
        return cls._parse(body, status=text(body, "refund_status"), amount=amount)

    @classmethod
    def _parse(cls, body: Mapping[str, object], *, status: str, amount: Mapping[str, object]) -> Self:
        amount_fen, payer_fen = whole(amount, "refund"), amount.get("payer_refund")
        try:
            known = RefundStatus(status)
        except ValueError as error:
            raise Unreadable("an unknown refund status") from error
        return cls(
            refund_no=text(body, "out_refund_no"),
            channel_refund_no=text(body, "refund_id"),
            channel_transaction_no=text_or_empty(body, "transaction_id"),
            status=known,
            amount_fen=amount_fen,
            succeeded_at=instant(body, "success_time") if known is RefundStatus.SUCCESS else None,
            received_account=text_or_empty(body, "user_received_account"),
            channel=text_or_empty(body, "channel"),
            # 用户退款金额: without what coupons paid. It only informs: one that makes no sense costs no answer.
            payer_fen=payer_fen if type(payer_fen) is int and 0 <= payer_fen <= amount_fen else None,
        )

    def outcome(self, *, closed_number: Retry, raw: str) -> Outcome:
        """What this state proves about the refund it names."""
        if self.succeeded_at is not None:
            return Done(
                refund_no=self.refund_no,
                channel_refund_no=self.channel_refund_no,
                amount_fen=self.amount_fen,
                succeeded_at=self.succeeded_at,
                payer_fen=self.payer_fen,
                received_account=self.received_account,
                paid_to=_paid_to(self.channel, self.received_account),
                raw=raw,
            )
        if self.status is RefundStatus.CLOSED:
            return Refused(
                code=self.status.value,
                message="the channel closed the refund",
                retry=closed_number,
                remedy="new_number",
                channel_refund_no=self.channel_refund_no,
                raw=raw,
            )
        stuck = self.status is RefundStatus.ABNORMAL
        return Unknown(
            code=self.status.value,
            message="the channel could not deliver the money" if stuck else "the channel is working on it",
            accepted=True,
            attention=stuck,
            remedy="payee_account" if stuck else "",
            channel_refund_no=self.channel_refund_no,
            raw=raw,
        )

    def is_about(self, *, refund_no: str, channel_transaction_no: str, amount_fen: int) -> bool:
        """Whether this is the refund that was asked for."""
        same_sale = not self.channel_transaction_no or self.channel_transaction_no == channel_transaction_no
        return self.refund_no == refund_no and self.amount_fen == amount_fen and same_sale


#: 退款渠道 (ORIGINAL 原路退款, BALANCE 退回到余额, OTHER_BALANCE and OTHER_BANKCARD 原账户异常退到其他余额账户、银行卡).
_CHANNELS = {
    "ORIGINAL": PaidTo.ORIGINAL,
    "BALANCE": PaidTo.BALANCE,
    "OTHER_BALANCE": PaidTo.OTHER_BALANCE,
    "OTHER_BANKCARD": PaidTo.OTHER_CARD,
}


def _paid_to(channel: str, account: str) -> PaidTo:
    """Where the money went. A notice has no ``channel``. ``user_received_account`` names a card, the payer's 零钱 or 零钱通, or
    the merchant's 基本账户 or 结算银行账户.
    """
    if account.startswith("商户"):
        return PaidTo.MERCHANT
    if channel:
        return _CHANNELS.get(channel, PaidTo.UNSAID)
    return PaidTo.BALANCE if "零钱" in account else PaidTo.UNSAID


#: trade_state (SUCCESS 支付成功, REFUND 转入退款, NOTPAY, CLOSED, REVOKED 已撤销, USERPAYING, PAYERROR 支付失败).
_TRADE_STATES = {
    "SUCCESS": TradeState.PAID,
    "REFUND": TradeState.REFUNDED,
    "NOTPAY": TradeState.UNPAID,
    "USERPAYING": TradeState.UNPAID,
    "PAYERROR": TradeState.UNPAID,
    "CLOSED": TradeState.CLOSED,
    "REVOKED": TradeState.REVERSED,
}


def trade_target(reference: TradeReference, *, mchid: str, sub_mchid: str) -> str:
    """The address of an order. Source: .../doc/v3/merchant/4013070354 and .../4013070356, .../doc/v3/partner/4012738969."""
    partner = "/partner" if sub_mchid else ""
    who = {"sp_mchid": mchid, "sub_mchid": sub_mchid} if sub_mchid else {"mchid": mchid}
    number = reference.channel_transaction_no or reference.payment_no or reference.order_no
    kind = "id" if reference.channel_transaction_no else "out-trade-no"
    return f"/v3/pay{partner}/transactions/{kind}/{quote(number, safe='')}?{urlencode(who)}"


def read_trade(body: Mapping[str, object], *, raw: str) -> Trade:
    """Read the body of an order. Raises ``Unreadable``."""
    state = _TRADE_STATES.get(text(body, "trade_state"))
    if state is None:
        raise Unreadable("an unknown trade_state")
    # An order that nobody paid may come without its amount.
    amount = member(body, "amount") if "amount" in body else {}
    payer = member(body, "payer") if "payer" in body else {}
    return Trade(
        payment_no=text(body, "out_trade_no"),
        channel_transaction_no=text_or_empty(body, "transaction_id"),
        amount_fen=whole(amount, "total") if amount else 0,
        state=state,
        refunded_fen=0 if state is TradeState.PAID else None,
        payer=text_or_empty(payer, "openid") or text_or_empty(payer, "sp_openid"),
        paid_at=instant(body, "success_time") if body.get("success_time") else None,
        raw=raw,
    )


def fault_in(order: RefundOrder) -> str:
    """Name what makes an order impossible to send, or return an empty string."""
    if not _REFUND_NO.match(order.refund_no):
        return "refund_no is not 1-64 of 0-9 A-Z a-z _ - | * @"
    if not 0 < order.amount_fen <= order.paid_fen:
        return "amount_fen is not within what was paid"
    if not (order.channel_transaction_no or order.payment_no or order.order_no):
        return "neither channel_transaction_no nor order_no is given"
    return ""


def fault_in_payee(order: AbnormalRefundOrder) -> str:
    """Name what makes an abnormal refund impossible to send, never quoting card or name; or return an empty string."""
    if not order.channel_refund_no:
        return "channel_refund_no is not given"
    if order.payee is PayeeKind.MERCHANT_ACCOUNT:
        return ""
    if not order.bank_type or not order.holder_name:
        return "bank_type and holder_name are needed for a card"
    return "" if _CARD_NUMBER.match(order.card_number) else "card_number is not 8-32 digits"


def refund_body(order: RefundOrder, *, sub_mchid: str, funding: str) -> bytes:
    """The application of a refund. The same order gives the same bytes, every time."""
    body: dict[str, object] = {"sub_mchid": sub_mchid} if sub_mchid else {}
    if order.channel_transaction_no:
        body["transaction_id"] = order.channel_transaction_no
    else:
        body["out_trade_no"] = order.payment_no or order.order_no
    body["out_refund_no"] = order.refund_no
    if reason := cut_to_bytes(order.reason, MAX_REASON_BYTES):
        body["reason"] = reason
    if order.notify_url:
        body["notify_url"] = order.notify_url
    if funding:
        body["funds_account"] = funding
    body["amount"] = {"refund": order.amount_fen, "total": order.paid_fen, "currency": _CURRENCY}
    return _encode(body)


def abnormal_refund_body(order: AbnormalRefundOrder, *, sub_mchid: str, card_number: str, holder_name: str) -> bytes:
    """The application to send a stuck refund elsewhere; card number and name already encrypted."""
    body: dict[str, object] = {"sub_mchid": sub_mchid} if sub_mchid else {}
    body["out_refund_no"] = order.refund_no
    if order.payee is PayeeKind.MERCHANT_ACCOUNT:
        body["type"] = "MERCHANT_BANK_CARD"
        return _encode(body)
    body["type"] = "USER_BANK_CARD"
    body["bank_type"] = order.bank_type
    body["bank_account"] = card_number
    body["real_name"] = holder_name
    return _encode(body)


def cut_to_bytes(value: str, limit: int) -> str:
    """Shorten a text to ``limit`` bytes of UTF-8 without cutting a character in two."""
    return value.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def _encode(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
