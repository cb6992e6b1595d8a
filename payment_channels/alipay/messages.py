"""What we send to Alipay and what comes back, typed.

Source: https://opendocs.alipay.com/open/02ekfk (refund), .../02ekfl (refund query), .../02ekfh (trade query).
Code 10000 says that the request was handled, not that money moved: only ``fund_change`` Y says so. ``refund_fee``
is the sum of all refunds of the sale, never this refund's amount.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from payment_channels.clock import BEIJING
from payment_channels.contract import (
    Done,
    Outcome,
    PaidTo,
    RefundOrder,
    RefundReference,
    SecondLeg,
    Trade,
    TradeReference,
    TradeState,
    Unknown,
    mismatch,
)
from payment_channels.parsing import Unreadable, fen_from_yuan, text, text_or_empty, yuan_from_fen

MAX_REASON_CHARACTERS = 256
#: fund_channel of what paid, where that is a bank's card: the refund then has a second leg, from Alipay to the bank.
_BANK_CHANNELS = ("BANKCARD", "DEBITCARD", "CREDITCARD", "MIXEDCARD")
_SECOND_LEGS = {"S": SecondLeg.DONE, "F": SecondLeg.FAILED, "P": SecondLeg.PENDING}
#: (g) A query that comes right after the refund has no word of the bank yet.
_BANK_BEGINS_WITHIN = timedelta(days=1)
_REFUND_NO = re.compile(r"[0-9A-Za-z_\-]{1,64}\Z", re.ASCII)
_HANDLED = "10000"
_SUCCESS = "REFUND_SUCCESS"
#: Words of older editions of the query. That it failed says no more than no word at all: not received, or failed.
_UNDER_WAY, _FAILED = "REFUND_PROCESSING", ("REFUND_FAIL", "REFUND_FAILED")
_TRADE_STATES = {
    "WAIT_BUYER_PAY": TradeState.UNPAID,
    "TRADE_SUCCESS": TradeState.PAID,
    "TRADE_CLOSED": TradeState.CLOSED,
    "TRADE_FINISHED": TradeState.FINISHED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """An answer's ``code, msg, sub_code, sub_msg``."""

    code: str
    sub_code: str
    message: str

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> Self:
        """Read any answer's status. Raises ``Unreadable``."""
        sub_code = text_or_empty(body, "sub_code").removeprefix("aop.")
        return cls(
            code=text(body, "code"),
            sub_code=sub_code,
            message=text_or_empty(body, "sub_msg") or text_or_empty(body, "msg"),
        )

    @property
    def handled(self) -> bool:
        """Whether the request was handled, with whatever result."""
        return self.code == _HANDLED

    @property
    def name(self) -> str:
        """The most exact code there is."""
        return self.sub_code or self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAnswer:
    """A handled application. ``refunded_in_all_fen`` is cumulative over the sale."""

    channel_transaction_no: str
    order_no: str
    fund_change: str
    refunded_in_all_fen: int
    succeeded_at: datetime | None
    received_account: str
    by_bank: bool
    payer_fen: int | None

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> Self:
        """Read the body of a handled application. Raises ``Unreadable``."""
        return cls(
            channel_transaction_no=text(body, "trade_no"),
            order_no=text(body, "out_trade_no"),
            fund_change=text_or_empty(body, "fund_change"),
            refunded_in_all_fen=_fen(body, "refund_fee"),
            succeeded_at=_moment(body, "gmt_refund_pay"),
            received_account=text_or_empty(body, "buyer_logon_id"),
            by_bank=_paid_by_bank(body),
            payer_fen=_payer_fen(body),
        )

    def outcome(self, order: RefundOrder, *, answered_at: datetime, raw: str) -> Outcome:
        """What the answer proves about ``order``. ``answered_at`` stands in where Alipay gives no time."""
        if not _is_about(order, channel_transaction_no=self.channel_transaction_no, payment_no=self.order_no):
            return mismatch(raw)
        if self.fund_change != "Y":
            return Unknown(code="fund_change_n", message="handled, but no money is said to have moved", raw=raw)
        if self.refunded_in_all_fen < order.amount_fen:
            return mismatch(raw)
        return _done(
            refund_no=order.refund_no,
            amount_fen=order.amount_fen,
            succeeded_at=self.succeeded_at or answered_at,
            payer_fen=self.payer_fen,
            received_account=self.received_account,
            # What came of it is only in the query, some seconds later.
            second_leg=SecondLeg.PENDING if self.by_bank else SecondLeg.NONE,
            raw=raw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAnswer:
    """A handled refund query that knows of the refund. ``second_leg`` is what ``deposit_back_info`` says of the payer's bank."""

    refund_no: str
    channel_transaction_no: str
    payment_no: str
    amount_fen: int
    succeeded_at: datetime | None
    second_leg: SecondLeg
    arrives_at: datetime | None
    payer_fen: int | None
    bank_unsaid: bool  # paid by card, and no word yet of the way to the bank

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> Self | Unknown:
        """Read the body of a handled query; ``Unknown`` where it knows of no successful refund. Raises ``Unreadable``."""
        status = text_or_empty(body, "refund_status").upper()
        if not status or status in _FAILED:
            return Unknown(code="not_found", message="no successful refund of this number")
        if status == _UNDER_WAY:
            return Unknown(code=status, message="the channel is working on it", accepted=True)
        if status != _SUCCESS:
            raise Unreadable(f"an unknown refund_status: {status[:40]}")
        back = body.get("deposit_back_info")
        back = back if isinstance(back, dict) and str(back.get("has_deposit_back")).lower() == "true" else {}
        # What the bank does costs no proof that the channel has paid: a word that we do not know is asked about again.
        said = text_or_empty(back, "dback_status")
        arrives_at = None
        with suppress(Unreadable):
            arrives_at = _moment(back, "est_bank_receipt_time") or _moment(back, "bank_ack_time")
        return cls(
            refund_no=text(body, "out_request_no"),
            channel_transaction_no=text(body, "trade_no"),
            payment_no=text_or_empty(body, "out_trade_no"),
            amount_fen=_fen(body, "refund_amount"),
            succeeded_at=_moment(body, "gmt_refund_pay"),
            second_leg=_SECOND_LEGS.get(said, SecondLeg.PENDING) if said else SecondLeg.NONE,
            arrives_at=arrives_at,
            payer_fen=_payer_fen(body),
            bank_unsaid="deposit_back_info" not in body and _paid_by_bank(body),
        )

    def outcome(self, reference: RefundReference, *, answered_at: datetime, raw: str) -> Outcome:
        """What the answer proves about ``reference``."""
        same_sale = _is_about(reference, channel_transaction_no=self.channel_transaction_no, payment_no=self.payment_no)
        if not (same_sale and self.refund_no == reference.refund_no and self.amount_fen == reference.amount_fen):
            return mismatch(raw)
        succeeded_at = self.succeeded_at or answered_at
        begins = self.bank_unsaid and answered_at - succeeded_at < _BANK_BEGINS_WITHIN
        return _done(
            refund_no=self.refund_no,
            amount_fen=self.amount_fen,
            succeeded_at=succeeded_at,
            payer_fen=self.payer_fen,
            received_account="",
            second_leg=SecondLeg.PENDING if begins else self.second_leg,
            arrives_at=self.arrives_at if self.second_leg is not SecondLeg.FAILED else None,
            raw=raw,
        )


def read_trade(body: Mapping[str, object], *, raw: str) -> Trade:
    """Read the body of a handled trade query. Raises ``Unreadable``.

    TRADE_CLOSED is one word for "never paid" and for "wholly refunded": only what was paid has ``send_pay_date``. What was
    refunded in part stays TRADE_SUCCESS, and Alipay does not say so.
    """
    state = _TRADE_STATES.get(text(body, "trade_status"))
    if state is None:
        raise Unreadable("an unknown trade_status")
    amount_fen, paid_at = _fen(body, "total_amount"), _moment(body, "send_pay_date")
    if state is TradeState.CLOSED and paid_at is not None:
        state = TradeState.REFUNDED
    return Trade(
        payment_no=text(body, "out_trade_no"),
        channel_transaction_no=text(body, "trade_no"),
        amount_fen=amount_fen,
        state=state,
        refunded_fen=amount_fen if state is TradeState.REFUNDED else None,
        payer=text_or_empty(body, "buyer_logon_id"),
        paid_at=paid_at,
        raw=raw,
    )


def fault_in(order: RefundOrder) -> str:
    """Name what makes an order impossible to send, or return an empty string."""
    if not _REFUND_NO.match(order.refund_no):
        return "refund_no is not 1-64 of 0-9 A-Z a-z _ -"
    if not 0 < order.amount_fen <= order.paid_fen:
        return "amount_fen is not within what was paid"
    if not (order.channel_transaction_no or order.payment_no or order.order_no):
        return "neither channel_transaction_no nor order_no is given"
    return ""


def refund_content(order: RefundOrder) -> dict[str, object]:
    """The application of a refund. The same order gives the same content, every time."""
    content: dict[str, object] = _sale(order)
    content["refund_amount"] = yuan_from_fen(order.amount_fen)
    if order.reason:
        content["refund_reason"] = order.reason.encode("utf-8", "replace").decode()[:MAX_REASON_CHARACTERS]
    content["out_request_no"] = order.refund_no
    content["query_options"] = ["refund_detail_item_list", "deposit_back_info"]
    return content


def query_content(reference: RefundReference) -> dict[str, object]:
    """The query of a refund; the time of payment is only given when asked for."""
    content: dict[str, object] = _sale(reference)
    content["out_request_no"] = reference.refund_no
    content["query_options"] = ["refund_detail_item_list", "gmt_refund_pay", "deposit_back_info"]
    return content


def trade_content(reference: TradeReference) -> dict[str, object]:
    """The query of a payment."""
    return _sale(reference)


def _sale(named: RefundOrder | RefundReference | TradeReference) -> dict[str, object]:
    """The one number that names the sale; Alipay prefers its own where both are given."""
    if named.channel_transaction_no:
        return {"trade_no": named.channel_transaction_no}
    return {"out_trade_no": named.payment_no or named.order_no}


def _is_about(named: RefundOrder | RefundReference, *, channel_transaction_no: str, payment_no: str) -> bool:
    """Whether an answer is about the sale that was asked for, by the number it was asked with."""
    if named.channel_transaction_no:
        return channel_transaction_no == named.channel_transaction_no
    return not payment_no or payment_no == (named.payment_no or named.order_no)


def _paid_by_bank(body: Mapping[str, object]) -> bool:
    """Whether ``refund_detail_item_list`` names a bank card."""
    items = body.get("refund_detail_item_list")
    channels = [item.get("fund_channel") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return any(str(channel).startswith(_BANK_CHANNELS) for channel in channels)


#: 资金渠道 that are no money of the payer's: 支付宝红包, 折扣券, 商家红包, 商户优惠券.
#: Source: opendocs.alipay.com/open/common/103259
_COUPONS = frozenset({"COUPON", "DISCOUNT", "MCOUPON", "MDISCOUNT"})


def _payer_fen(body: Mapping[str, object]) -> int | None:
    """What the payer got back: the refund's items without coupons, else 本次商户实际退回金额. It only informs: one that cannot be
    read costs no answer.
    """
    items = body.get("refund_detail_item_list")
    try:
        if isinstance(items, list) and items:
            return sum(fen_from_yuan(str(item["amount"])) for item in items if item["fund_channel"] not in _COUPONS)
        # 0.00 is what some answers say that say nothing.
        return fen_from_yuan(text_or_empty(body, "send_back_fee") or "0") or None
    except (ValueError, TypeError, KeyError):
        return None


def _done(
    *,
    refund_no: str,
    amount_fen: int,
    succeeded_at: datetime,
    payer_fen: int | None,
    received_account: str,
    second_leg: SecondLeg,
    arrives_at: datetime | None = None,
    raw: str,
) -> Done:
    """Alipay gives refunds no number of their own: the request number is their name on both sides."""
    return Done(
        refund_no=refund_no,
        channel_refund_no=refund_no,
        amount_fen=amount_fen,
        succeeded_at=succeeded_at,
        payer_fen=payer_fen if payer_fen is not None and payer_fen <= amount_fen else None,
        received_account=received_account,
        paid_to=PaidTo.BALANCE if second_leg is SecondLeg.FAILED else PaidTo.ORIGINAL,
        second_leg=second_leg,
        arrives_at=arrives_at,
        raw=raw,
    )


def _fen(body: Mapping[str, object], name: str) -> int:
    try:
        return fen_from_yuan(text(body, name))
    except ValueError as error:
        raise Unreadable(f"{name} is not an amount in yuan") from error


def _moment(body: Mapping[str, object], name: str) -> datetime | None:
    value = text_or_empty(body, name)
    if not value:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError as error:
        raise Unreadable(f"{name} is not a time") from error
