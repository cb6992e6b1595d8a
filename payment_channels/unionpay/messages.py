"""What we send to UnionPay and what comes back, typed.

Source: https://open.unionpay.com/tjweb/acproduct/APIList?acpAPIId=754&apiservId=448 (退货, 消费撤销, 交易状态查询).
merId + orderId + txnTime name a trade, so that ``txnTime`` is made of ``first_sent_at`` and never of now.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from payment_channels.clock import BEIJING
from payment_channels.contract import (
    Done,
    Outcome,
    PaidTo,
    RefundOrder,
    RefundReference,
    Trade,
    TradeReference,
    TradeState,
    Unknown,
    VoidKind,
    mismatch,
)
from payment_channels.parsing import Unreadable, text, text_or_empty
from payment_channels.profile import Profile
from payment_channels.unionpay import errors

REFUND = "04"
VOIDS = {VoidKind.PURCHASE: "31", VoidKind.PRE_AUTHORISATION: "32"}
#: UnionPay's own placeholder for "send no notice".
_NO_NOTICE = "http://www.specialUrl.com"
_ORDER_ID = re.compile(r"[0-9A-Za-z]{8,40}\Z", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,12}\Z", re.ASCII)
_CURRENCY = "156"
#: Some contracts make UnionPay answer with whole card numbers, which must not come to rest with us.
_CARD = re.compile(r"(accNo=|\A)([0-9]{6})[0-9]{2,9}([0-9]{4})(?![0-9])", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeReport:
    """A refund or void as UnionPay reports it, in a query's answer or in a notice. Amount in fen."""

    refund_no: str
    txn_time: str
    channel_refund_no: str
    code: str
    message: str
    amount_fen: int | None
    booked_at: datetime
    received_account: str

    @classmethod
    def parse_query(cls, fields: Mapping[str, str]) -> Self:
        """Read a handled query, where ``origRespCode`` speaks of the trade. Raises ``Unreadable``."""
        return cls._parse(
            fields, code=errors.code_of(fields, "origRespCode"), message=text_or_empty(fields, "origRespMsg")
        )

    @classmethod
    def parse_notice(cls, fields: Mapping[str, str]) -> Self:
        """Read a notice, where ``respCode`` does. Raises ``Unreadable``."""
        return cls._parse(fields, code=errors.code_of(fields, "respCode"), message=text_or_empty(fields, "respMsg"))

    @classmethod
    def _parse(cls, fields: Mapping[str, str], *, code: str, message: str) -> Self:
        amount = text_or_empty(fields, "txnAmt")
        if amount and not _AMOUNT.match(amount):
            raise Unreadable("txnAmt is not an amount in fen")
        if fields.get("currencyCode", _CURRENCY) != _CURRENCY:
            raise Unreadable("currencyCode is not CNY")
        txn_time = text(fields, "txnTime")
        return cls(
            refund_no=text(fields, "orderId"),
            txn_time=txn_time,
            channel_refund_no=text_or_empty(fields, "queryId"),
            code=code,
            message=message,
            amount_fen=int(amount) if amount else None,
            booked_at=_booked_at(txn_time, text_or_empty(fields, "traceTime")),
            received_account=hide_cards(text_or_empty(fields, "accNo")),
        )

    def outcome(self, *, raw: str) -> Outcome:
        """What this report proves about the trade it names. Raises ``Unreadable`` for a success without amount."""
        if self.code not in errors.SUCCEEDED:
            return errors.outcome_of_failed_trade(
                self.code, self.message, channel_refund_no=self.channel_refund_no, raw=raw
            )
        if self.amount_fen is None or not self.channel_refund_no:
            raise Unreadable("a success without txnAmt or queryId")
        return Done(
            refund_no=self.refund_no,
            channel_refund_no=self.channel_refund_no,
            amount_fen=self.amount_fen,
            succeeded_at=self.booked_at,
            received_account=self.received_account,
            paid_to=PaidTo.ORIGINAL,
            raw=raw,
        )

    def is_about(self, reference: RefundReference) -> bool:
        """Whether this is the trade that was asked for; a failed one may come without its amount."""
        same_time = reference.sent_at is not None and self.txn_time == txn_time(reference.sent_at)
        return same_time and self.refund_no == reference.refund_no and self.amount_fen in (reference.amount_fen, None)


def read_application(fields: Mapping[str, str], order: RefundOrder, *, raw: str) -> Outcome:
    """What the answer to an application proves. 00 is only an acceptance. Raises ``Unreadable``."""
    code, message = errors.code_of(fields, "respCode"), text_or_empty(fields, "respMsg")
    # Some acquirers fill the amount up with zeros.
    same_amount = fields.get("txnAmt", str(order.amount_fen)).lstrip("0") == str(order.amount_fen)
    if fields.get("orderId", order.refund_no) != order.refund_no or not same_amount:
        return mismatch(raw)
    if code not in errors.SUCCEEDED:
        return errors.outcome_of_application(code, message, raw=raw, maybe_received=order.maybe_received)
    return Unknown(
        code=code,
        message=message or "the channel is working on it",
        accepted=True,
        channel_refund_no=text_or_empty(fields, "queryId"),
        raw=raw,
    )


#: origRespCode of a payment -> what became of it. 70: passed on, waits for the card holder.
_TRADE_STATES = {
    "00": TradeState.PAID,
    "A6": TradeState.PAID,
    "45": TradeState.REFUNDED,
    "46": TradeState.REVERSED,
    "70": TradeState.UNPAID,
}


def trade_fields(reference: TradeReference, *, profile: Profile) -> dict[str, str]:
    """The query of a payment, by ``queryId`` where it is known, else by the number and time that the shop sent."""
    named = {"queryId": reference.channel_transaction_no}
    if not reference.channel_transaction_no and reference.paid_at is not None:
        named = {"orderId": reference.payment_no or reference.order_no, "txnTime": txn_time(reference.paid_at)}
    return {"txnType": "00", "txnSubType": "00", "bizType": profile.biz_type or "000201", **named}


def read_trade(fields: Mapping[str, str], *, raw: str) -> Trade | Unknown:
    """Read a handled query of a payment. Raises ``Unreadable``. UnionPay says of no payment how much of it was refunded.

    A code that leaves open whether the card was debited says nothing: it is no proof that nothing was paid.
    """
    code = errors.code_of(fields, "origRespCode")
    if code not in _TRADE_STATES and not errors.says_not_paid(code):
        return Unknown(code=code, message=text_or_empty(fields, "origRespMsg"), raw=raw)
    amount = text_or_empty(fields, "txnAmt")
    if amount and not _AMOUNT.match(amount):
        raise Unreadable("txnAmt is not an amount in fen")
    state = _TRADE_STATES.get(code, TradeState.CLOSED)
    sent = text_or_empty(fields, "txnTime")
    return Trade(
        payment_no=text_or_empty(fields, "orderId"),
        channel_transaction_no=text_or_empty(fields, "queryId"),
        amount_fen=int(amount) if amount else 0,
        state=state,
        payer=hide_cards(text_or_empty(fields, "accNo")),
        paid_at=_booked_at(sent, text_or_empty(fields, "traceTime"))
        if sent and state is not TradeState.UNPAID
        else None,
        raw=raw,
    )


def fault_in(order: RefundOrder, *, whole: bool = False) -> str:
    """Name what makes an order impossible to send, or return an empty string. ``whole``: a void takes all back."""
    if not _ORDER_ID.match(order.refund_no):
        return "refund_no is not 8-40 of 0-9 A-Z a-z"
    if not 0 < order.amount_fen <= order.paid_fen:
        return "amount_fen is not within what was paid"
    if whole and order.amount_fen != order.paid_fen:
        return "a void takes back the whole payment"
    if not order.channel_transaction_no:
        return "channel_transaction_no is not given"
    return "" if order.first_sent_at is not None else "first_sent_at is not given"


def application_fields(order: RefundOrder, *, txn_type: str, profile: Profile) -> dict[str, str]:
    """The application of a refund or void. The same order gives the same fields, every time."""
    return {
        "txnType": txn_type,
        "txnSubType": "00",
        "bizType": profile.biz_type or "000201",
        "channelType": profile.channel_type or "07",
        "orderId": order.refund_no,
        "txnTime": txn_time(order.first_sent_at) if order.first_sent_at else "",
        "origQryId": order.channel_transaction_no,
        "txnAmt": str(order.amount_fen),
        "currencyCode": _CURRENCY,
        "backUrl": order.notify_url or _NO_NOTICE,
    }


def query_fields(reference: RefundReference, *, sent_at: datetime, profile: Profile) -> dict[str, str]:
    """The query of a refund or void by the number and time it was sent under."""
    return {
        "txnType": "00",
        "txnSubType": "00",
        "bizType": profile.biz_type or "000201",
        "orderId": reference.refund_no,
        "txnTime": txn_time(sent_at),
    }


def hide_cards(message: str) -> str:
    """A message or a bare card number with only the first six and the last four digits left of a card number."""
    return _CARD.sub(r"\1\2****\3", message)


def txn_time(instant: datetime) -> str:
    """``YYYYMMDDhhmmss`` in Beijing."""
    return instant.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def _booked_at(sent: str, trace_time: str) -> datetime:
    """UnionPay's clock: ``traceTime`` (MMDDhhmmss) in the year of ``txnTime``, which stands in where it is absent."""
    try:
        sent_at = datetime.strptime(sent, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
        if not trace_time:
            return sent_at
        booked_at = datetime.strptime(f"{sent[:4]}{trace_time}", "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
        # Over New Year either of the two may be the earlier one.
        return booked_at.replace(year=booked_at.year + round((sent_at - booked_at).days / 365))
    except ValueError as error:
        raise Unreadable("txnTime or traceTime is not a time") from error
