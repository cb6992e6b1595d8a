"""Alipay as a refund channel. Needs ``alipay`` credentials; see ``credentials.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import BinaryIO, TypeVar

from payment_channels.alipay import bills, errors, messages, notices
from payment_channels.alipay.credentials import Credentials
from payment_channels.alipay.gateway import Answer, Gateway, ServerError
from payment_channels.alipay.messages import QueryAnswer, RefundAnswer, Status
from payment_channels.clock import Clock, utc_now
from payment_channels.contract import (
    BillKind,
    ForeignNotice,
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
    trade_is_asked_for,
)
from payment_channels.parsing import Unreadable
from payment_channels.profile import Profile
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.rules import blame_clock
from payment_channels.statements import Statement
from payment_channels.transport import Transport, always_an_outcome

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
        transport = Transport(
            base_url=base_url.removesuffix("/gateway.do"),
            timeout_s=profile.timeout_s,
            connect_timeout_s=profile.connect_timeout_s,
            pool_size=profile.pool_size,
            max_per_second=profile.max_per_second,
            now=clock,
        )
        self._gateway = Gateway(credentials=credentials, transport=transport, clock=clock)

    @always_an_outcome
    def refund(self, order: RefundOrder) -> Outcome:
        """See ``RefundChannel``."""
        if fault := messages.fault_in(order):
            return Refused(code="invalid_order", message=fault, retry=Retry.NEVER, remedy="check_request")

        def read(answer: Answer) -> Outcome:
            status = Status.parse(answer.body)
            if not status.handled:
                outcome = errors.outcome_of_application(status, raw=answer.raw, maybe_received=order.maybe_received)
                return blame_clock(outcome) if self._gateway.transport.clock_is_off else outcome
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
            if found is None:
                return Unknown(code="not_found", message="no successful refund of this number", raw=answer.raw)
            return found.outcome(reference, answered_at=self._clock(), raw=answer.raw)

        return self._ask("alipay.trade.fastpay.refund.query", messages.query_content(reference), read)

    def read_notice(self, notice: RawNotice) -> RefundNotice | ForeignNotice:
        """See ``RefundChannel``."""
        return notices.read(notice, credentials=self._credentials)

    def acknowledge(self) -> NoticeReply:
        """See ``RefundChannel``."""
        return notices.ACKNOWLEDGED

    def decline(self, reason: str) -> NoticeReply:  # the channel takes no reason
        """See ``RefundChannel``."""
        return notices.DECLINED

    @always_an_outcome
    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        """See ``TradeQueries``."""

        def read(answer: Answer) -> Trade | Unknown:
            status = Status.parse(answer.body)
            if not status.handled:
                return errors.outcome_of_query(status, raw=answer.raw)
            trade = messages.read_trade(answer.body, raw=answer.raw)
            return trade if trade_is_asked_for(trade, reference) else messages.mismatch(answer.raw)

        return self._ask("alipay.trade.query", messages.trade_content(reference), read)

    def download_bill(self, *, day: date, kind: BillKind = BillKind.REFUNDS) -> Statement:
        """See ``Bills``."""
        return bills.download(self._gateway, day=day, kind=kind)

    def open_bill(self, *, file: BinaryIO, day: date, kind: BillKind = BillKind.REFUNDS) -> Statement:
        """See ``Bills``; the rows carry their own days."""
        return bills.opened(file, kind=kind)

    def _ask(self, method: str, content: Mapping[str, object], read: Callable[[Answer], R]) -> R | Unknown:
        """Call and read; whatever is no readable, signed answer proves nothing."""
        raw = ""
        try:
            answer = self._gateway.call(method=method, content=content)
            raw = answer.raw
            return read(answer)
        except SignatureInvalid as error:
            return error.outcome()
        except ServerError as error:
            return Unknown(code="server_error", message=str(error))
        except Unreadable as error:
            return Unknown(code="unreadable", message=str(error), raw=raw)
