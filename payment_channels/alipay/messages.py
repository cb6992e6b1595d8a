"""What we send to Alipay and what comes back, typed.

Source: https://opendocs.alipay.com/open/02ekfk (refund), .../02ekfl (refund query), .../02ekfh (trade query).
Code 10000 says that the request was handled, not that money moved: only ``fund_change`` Y says so. ``refund_fee``
is the sum of all refunds of the sale, never this refund's amount.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from payment_channels.amounts import fen_from_yuan, yuan_from_fen
from payment_channels.clock import BEIJING
from payment_channels.contract import Done, Outcome, RefundOrder, RefundReference, Trade, TradeState, Unknown
from payment_channels.parsing import Unreadable, text, text_or_empty

MAX_REASON_CHARACTERS = 256
_REFUND_NO = re.compile(r"[0-9A-Za-z_\-]{1,64}\Z", re.ASCII)
_HANDLED = "10000"
_SUCCESS = "REFUND_SUCCESS"
_TRADE_STATES = {
    "WAIT_BUYER_PAY": TradeState.WAITING,
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
        )

    def outcome(self, order: RefundOrder, *, answered_at: datetime, raw: str) -> Outcome:
        """What the answer proves about ``order``. ``answered_at`` stands in where Alipay gives no time."""
        same_sale = self.channel_transaction_no == order.channel_transaction_no or not order.channel_transaction_no
        same_order = self.order_no == order.order_no or not order.order_no
        if not (same_sale and same_order):
            return mismatch(raw)
        if self.fund_change != "Y":
            return Unknown(code="fund_change_n", message="handled, but no money is said to have moved", raw=raw)
        if self.refunded_in_all_fen < order.amount_fen:
            return mismatch(raw)
        return _done(
            refund_no=order.refund_no,
            amount_fen=order.amount_fen,
            succeeded_at=self.succeeded_at or answered_at,
            received_account=self.received_account,
            raw=raw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAnswer:
    """A handled refund query that knows of the refund."""

    refund_no: str
    channel_transaction_no: str
    amount_fen: int
    succeeded_at: datetime | None

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> Self | None:
        """Read the body of a handled query; None where it knows of no successful refund. Raises ``Unreadable``."""
        status = text_or_empty(body, "refund_status")
        if not status:
            return None
        if status != _SUCCESS:
            raise Unreadable("an unknown refund_status")
        return cls(
            refund_no=text(body, "out_request_no"),
            channel_transaction_no=text(body, "trade_no"),
            amount_fen=_fen(body, "refund_amount"),
            succeeded_at=_moment(body, "gmt_refund_pay"),
        )

    def outcome(self, reference: RefundReference, *, answered_at: datetime, raw: str) -> Outcome:
        """What the answer proves about ``reference``."""
        asked_sale = reference.channel_transaction_no
        same_sale = not asked_sale or self.channel_transaction_no == asked_sale
        if not (same_sale and self.refund_no == reference.refund_no and self.amount_fen == reference.amount_fen):
            return mismatch(raw)
        return _done(
            refund_no=self.refund_no,
            amount_fen=self.amount_fen,
            succeeded_at=self.succeeded_at or answered_at,
            received_account="",
            raw=raw,
        )


def read_trade(body: Mapping[str, object]) -> Trade:
    """Read the body of a handled trade query. Raises ``Unreadable``."""
    state = _TRADE_STATES.get(text(body, "trade_status"))
    if state is None:
        raise Unreadable("an unknown trade_status")
    return Trade(
        order_no=text(body, "out_trade_no"),
        channel_transaction_no=text(body, "trade_no"),
        amount_fen=_fen(body, "total_amount"),
        state=state,
    )


def mismatch(raw: str) -> Unknown:
    """The outcome where Alipay reports another refund than the one asked for."""
    return Unknown(
        code="mismatch",
        message="the answer is about another number, sale or amount",
        attention=True,
        remedy="compare",
        raw=raw,
    )


def fault_in(order: RefundOrder) -> str:
    """Name what makes an order impossible to send, or return an empty string."""
    if not _REFUND_NO.match(order.refund_no):
        return "refund_no is not 1-64 of 0-9 A-Z a-z _ -"
    if not 0 < order.amount_fen <= order.paid_fen:
        return "amount_fen is not within what was paid"
    if not order.channel_transaction_no and not order.order_no:
        return "neither channel_transaction_no nor order_no is given"
    return ""


def refund_content(order: RefundOrder) -> dict[str, object]:
    """The application of a refund. The same order gives the same content, every time."""
    content: dict[str, object] = _sale(order_no=order.order_no, channel_transaction_no=order.channel_transaction_no)
    content["refund_amount"] = yuan_from_fen(order.amount_fen)
    if order.reason:
        content["refund_reason"] = order.reason.encode("utf-8", "replace").decode()[:MAX_REASON_CHARACTERS]
    content["out_request_no"] = order.refund_no
    return content


def query_content(reference: RefundReference) -> dict[str, object]:
    """The query of a refund; the time of payment is only given when asked for."""
    content: dict[str, object] = _sale(
        order_no=reference.order_no, channel_transaction_no=reference.channel_transaction_no
    )
    content["out_request_no"] = reference.refund_no
    content["query_options"] = ["gmt_refund_pay", "deposit_back_info"]
    return content


def trade_content(*, order_no: str, channel_transaction_no: str) -> dict[str, object]:
    """The query of a payment."""
    return _sale(order_no=order_no, channel_transaction_no=channel_transaction_no)


def _sale(*, order_no: str, channel_transaction_no: str) -> dict[str, object]:
    return {"trade_no": channel_transaction_no} if channel_transaction_no else {"out_trade_no": order_no}


def _done(*, refund_no: str, amount_fen: int, succeeded_at: datetime, received_account: str, raw: str) -> Done:
    """Alipay gives refunds no number of their own: the request number is their name on both sides."""
    return Done(
        refund_no=refund_no,
        channel_refund_no=refund_no,
        amount_fen=amount_fen,
        succeeded_at=succeeded_at,
        received_account=received_account,
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
