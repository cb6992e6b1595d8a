"""WeChat Pay v3 as a refund channel. Needs ``wechat`` credentials; see ``credentials.py``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import BinaryIO
from urllib.parse import quote, urlencode

from payment_channels.clock import Clock, utc_now
from payment_channels.contract import (
    AbnormalRefundOrder,
    BillKind,
    ForeignNotice,
    NoticeReply,
    Outcome,
    PayeeKind,
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
from payment_channels.parsing import Unreadable, json_object
from payment_channels.profile import Profile
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.rules import blame_clock
from payment_channels.statements import Statement
from payment_channels.transport import Reply, Transport, always_an_outcome
from payment_channels.wechat import bills, errors, messages, notices, signing
from payment_channels.wechat.credentials import Credentials
from payment_channels.wechat.gateway import Gateway
from payment_channels.wechat.messages import RefundState

_REFUNDS = "/v3/refund/domestic/refunds"


def build(credentials: Mapping[str, str], profile: Profile, base_url: str) -> WeChatRefundChannel:
    """Build the adapter of one channel account. Raises ``CredentialsInvalid``."""
    return WeChatRefundChannel(
        credentials=Credentials.parse(credentials), profile=profile, base_url=base_url, clock=utc_now
    )


class WeChatRefundChannel:
    """One WeChat Pay merchant, ready to use from many threads at once."""

    def __init__(self, *, credentials: Credentials, profile: Profile, base_url: str, clock: Clock) -> None:
        self._credentials = credentials
        self._profile = profile
        self._clock = clock
        transport = Transport(
            base_url=base_url,
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
        body = messages.refund_body(order, sub_mchid=self._credentials.sub_mchid, funding=self._profile.funding)
        try:
            reply = self._gateway.call(method="POST", target=_REFUNDS, body=body)
        except SignatureInvalid as error:
            return error.outcome()
        if not 200 <= reply.status < 300:
            outcome = errors.outcome_of_application(reply, maybe_received=order.maybe_received)
            return blame_clock(outcome) if self._gateway.transport.clock_is_off else outcome
        return self._state(
            reply,
            refund_no=order.refund_no,
            channel_transaction_no=order.channel_transaction_no,
            amount_fen=order.amount_fen,
        )

    @always_an_outcome
    def query_refund(self, reference: RefundReference) -> Outcome:
        """See ``RefundChannel``."""
        target = f"{_REFUNDS}/{quote(reference.refund_no, safe='')}"
        if self._credentials.sub_mchid:
            target = f"{target}?{urlencode({'sub_mchid': self._credentials.sub_mchid})}"
        try:
            reply = self._gateway.call(method="GET", target=target)
        except SignatureInvalid as error:
            return error.outcome()
        if not 200 <= reply.status < 300:
            return errors.outcome_of_query(reply)
        return self._state(
            reply,
            refund_no=reference.refund_no,
            channel_transaction_no=reference.channel_transaction_no,
            amount_fen=reference.amount_fen,
        )

    @always_an_outcome
    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        """See ``TradeQueries``. WeChat Pay says that a payment was refunded, never how much of it."""
        target = messages.trade_target(reference, mchid=self._credentials.mchid, sub_mchid=self._credentials.sub_mchid)
        try:
            reply = self._gateway.call(method="GET", target=target)
        except SignatureInvalid as error:
            return error.outcome()
        if not 200 <= reply.status < 300:
            return errors.outcome_of_query(reply)
        raw = reply.body.decode("utf-8", "replace")
        try:
            trade = messages.read_trade(json_object(reply.body), raw=raw)
        except Unreadable as error:
            return Unknown(code="unreadable", message=str(error), raw=raw)
        return trade if trade_is_asked_for(trade, reference) else messages.mismatch(raw)

    def read_notice(self, notice: RawNotice) -> RefundNotice | ForeignNotice:
        """See ``RefundChannel``."""
        return notices.read(
            notice,
            credentials=self._credentials,
            keys=self._gateway.keys,
            closed_number=self._profile.closed_number,
        )

    def acknowledge(self) -> NoticeReply:
        """See ``RefundChannel``."""
        return notices.ACKNOWLEDGED

    def decline(self, reason: str) -> NoticeReply:
        """See ``RefundChannel``."""
        return notices.declined(reason)

    @always_an_outcome
    def apply_abnormal_refund(self, order: AbnormalRefundOrder) -> Outcome:
        """See ``AbnormalRefunds``."""
        if fault := messages.fault_in_payee(order):
            return Refused(code="invalid_order", message=fault, retry=Retry.NEVER, remedy="check_request")
        target = f"{_REFUNDS}/{quote(order.channel_refund_no, safe='')}/apply-abnormal-refund"
        try:
            key = self._gateway.keys.encryption_key(at=self._clock())
            to_card = order.payee is PayeeKind.CUSTOMER_CARD
            body = messages.abnormal_refund_body(
                order,
                sub_mchid=self._credentials.sub_mchid,
                card_number=signing.encrypt(key.key, order.card_number) if to_card else "",
                holder_name=signing.encrypt(key.key, order.holder_name) if to_card else "",
            )
            reply = self._gateway.call(method="POST", target=target, body=body, serial=key.key_id)
        except SignatureInvalid as error:
            return error.outcome()
        if not 200 <= reply.status < 300:
            return errors.outcome_of_application(reply, maybe_received=False)
        return self._state(reply, refund_no=order.refund_no, channel_transaction_no="", amount_fen=order.amount_fen)

    def download_bill(self, *, day: date, kind: BillKind = BillKind.REFUNDS) -> Statement:
        """See ``Bills``."""
        return bills.download(self._gateway, day=day, kind=kind, sub_mchid=self._credentials.sub_mchid)

    def open_bill(self, *, file: BinaryIO, day: date, kind: BillKind = BillKind.REFUNDS) -> Statement:
        """See ``Bills``; the rows carry their own days."""
        own = self._credentials.mchid, self._credentials.sub_mchid
        return bills.opened(file, kind=kind, own_numbers=frozenset(filter(None, own)))

    def _state(self, reply: Reply, *, refund_no: str, channel_transaction_no: str, amount_fen: int) -> Outcome:
        raw = reply.body.decode("utf-8", "replace")
        try:
            state = RefundState.parse_answer(json_object(reply.body))
        except Unreadable as error:
            return Unknown(code="unreadable", message=str(error), raw=raw)
        if not state.is_about(
            refund_no=refund_no,
            channel_transaction_no=channel_transaction_no or state.channel_transaction_no,
            amount_fen=amount_fen,
        ):
            return messages.mismatch(raw)
        return state.outcome(closed_number=self._profile.closed_number, raw=raw)
