"""Alipay as a refund channel. Needs ``alipay`` credentials; see ``credentials.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import BinaryIO, Final, TypeVar

from payment_channels.alipay import bills, errors, messages, signing
from payment_channels.alipay.credentials import Credentials
from payment_channels.alipay.gateway import Answer, Gateway
from payment_channels.alipay.messages import QueryAnswer, RefundAnswer, Status
from payment_channels.clock import Clock, utc_now
from payment_channels.contract import (
    BANK_NOTIFIED,
    BillKind,
    ForeignNotice,
    NoticeRejected,
    NoticeReply,
    Outcome,
    RawNotice,
    RefundNotice,
    RefundOrder,
    RefundReference,
    Refused,
    Retry,
    Trade,
    TradeReference,
    Unknown,
    mismatch,
    trade_is_asked_for,
)
from payment_channels.parsing import Unreadable, fen_from_yuan, json_object, text, text_or_empty
from payment_channels.profile import Profile
from payment_channels.statements import Statement
from payment_channels.transport import Transport, always_an_outcome, opening_notice, proven

#: Source: https://opendocs.alipay.com/open/02ekfl (a query not before 10 s after the refund).
PROFILE = Profile(query_after_s=10.0)


ACKNOWLEDGED: Final = NoticeReply(status=200, content_type="text/plain", body=b"success")
#: 退款冲退完成通知: what became of the way to the payer's bank.
_SECOND_LEG: Final = "alipay.trade.refund.depositback.completed"
DECLINED: Final = NoticeReply(status=200, content_type="text/plain", body=b"fail")


def _paid(parameters: Mapping[str, str]) -> tuple[str, str, int] | None:
    if parameters.get("msg_method") or parameters.get("trade_status") not in ("TRADE_SUCCESS", "TRADE_FINISHED"):
        return None
    with suppress(Unreadable, ValueError):
        amount_fen = fen_from_yuan(text(parameters, "total_amount"))
        return text(parameters, "trade_no"), parameters.get("out_trade_no", ""), amount_fen
    return None


# Source: https://opendocs.alipay.com/open/270/105902 (异步通知). A refund's notice goes to the payment's address and names the
# sum of all refunds of the sale, so it is a reason to ask and no proof of this refund's amount.
def _open(parameters: Mapping[str, str], *, credentials: Credentials) -> RefundNotice | ForeignNotice:
    if parameters.get("app_id") != credentials.app_id:
        raise NoticeRejected("wrong_merchant", "a notice for another application")
    of_bank = parameters.get("msg_method") == _SECOND_LEG
    if of_bank:
        refund_no = text_or_empty(json_object(text(parameters, "biz_content").encode()), "out_request_no")
        if not refund_no:
            # Of a refund that was made without one, in the portal: of no payout of ours.
            return ForeignNotice(about=_SECOND_LEG)
    elif parameters.get("refund_fee") and (parameters.get("out_biz_no") or _refunded(parameters)):
        # One that was made in the portal may come without a number of its own: then it is of no payout of ours.
        refund_no = parameters.get("out_biz_no", "")
    else:
        about = ("msg_method", "notify_type", "trade_status")
        word = next((found for name in about if (found := parameters.get(name))), "unnamed")
        return ForeignNotice(about=word, paid=_paid(parameters))
    return RefundNotice(
        event_id=text(parameters, "notify_id"),
        refund_no=refund_no,
        amount_fen=0,
        outcome=Unknown(
            code=BANK_NOTIFIED if of_bank else "notified",
            message="the channel reports a change",
            accepted=True,
            channel_refund_no=refund_no,
        ),
        channel_transaction_no=parameters.get("trade_no", ""),
        refunded_fen=None if of_bank else _refunded(parameters),
    )


def _refunded(parameters: Mapping[str, str]) -> int | None:
    """The sum of the sale's refunds. It only informs: one that cannot be read costs no notice."""
    with suppress(ValueError):
        return fen_from_yuan(parameters.get("refund_fee", ""))
    return None


R = TypeVar("R")


def build(credentials: Mapping[str, str], profile: Profile, base_url: str) -> AlipayRefundChannel:
    """Build the adapter of one channel account. Raises ``CredentialsInvalid``.

    ``base_url`` may be given with or without ``/gateway.do``.
    """
    return AlipayRefundChannel(
        credentials=Credentials.parse(credentials), profile=profile, base_url=base_url, clock=utc_now
    )


class AlipayRefundChannel:
    """One Alipay application, ready to use from many threads at once."""

    def __init__(self, *, credentials: Credentials, profile: Profile, base_url: str, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        transport = Transport.to(base_url.removesuffix("/gateway.do"), profile=profile, now=clock)
        self._gateway = Gateway(credentials=credentials, transport=transport, clock=clock)

    @property
    def clock_is_off(self) -> bool:
        """See ``Signing``."""
        return self._gateway.transport.clock_is_off

    @always_an_outcome
    def refund(self, order: RefundOrder) -> Outcome:
        """See ``RefundChannel``."""
        if fault := messages.fault_in(order):
            return Refused(code="invalid_order", message=fault, retry=Retry.NEVER, remedy="check_request")

        def read(answer: Answer) -> Outcome:
            status = Status.parse(answer.body)
            if not status.handled:
                return errors.outcome_of_application(status, raw=answer.raw, maybe_received=order.maybe_received)
            return RefundAnswer.parse(answer.body).outcome(order, answered_at=self._clock(), raw=answer.raw)

        return self._ask("alipay.trade.refund", messages.refund_content(order), read)

    @always_an_outcome
    def query_refund(self, reference: RefundReference) -> Outcome:
        """See ``RefundChannel``. Alipay never proves that a refund will not happen."""

        def read(answer: Answer) -> Outcome:
            status = Status.parse(answer.body)
            if not status.handled:
                return errors.outcome_of_query(status, raw=answer.raw)
            found = QueryAnswer.parse(answer.body)
            if isinstance(found, Unknown):
                return replace(found, raw=answer.raw)
            return found.outcome(reference, answered_at=self._clock(), raw=answer.raw)

        return self._ask("alipay.trade.fastpay.refund.query", messages.query_content(reference), read)

    @opening_notice()
    def read_notice(self, notice: RawNotice) -> RefundNotice | ForeignNotice:
        """See ``RefundChannel``."""
        parameters = signing.open_notice(self._credentials.keys_of, notice.body)
        return _open(parameters, credentials=self._credentials)

    def acknowledge(self) -> NoticeReply:
        """See ``RefundChannel``."""
        return ACKNOWLEDGED

    def decline(self, reason: str) -> NoticeReply:  # the channel takes no reason
        """See ``RefundChannel``."""
        return DECLINED

    @always_an_outcome
    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        """See ``TradeQueries``."""

        def read(answer: Answer) -> Trade | Unknown:
            status = Status.parse(answer.body)
            if not status.handled:
                return errors.outcome_of_query(status, raw=answer.raw)
            trade = messages.read_trade(answer.body, raw=answer.raw)
            return trade if trade_is_asked_for(trade, reference) else mismatch(answer.raw)

        return self._ask("alipay.trade.query", messages.trade_content(reference), read)

    def download_bill(self, *, day: date, kind: BillKind = BillKind.REFUNDS) -> Statement:
        """See ``Bills``."""
        return bills.download(self._gateway, day=day, kind=kind)

    def open_bill(self, *, file: BinaryIO, day: date, kind: BillKind = BillKind.REFUNDS) -> Statement:
        """See ``Bills``; the rows carry their own days."""
        return bills.opened(file, kind=kind)

    def _ask(self, method: str, content: Mapping[str, object], read: Callable[[Answer], R]) -> R | Unknown:
        return proven(lambda: self._gateway.call(method=method, content=content), read)
