"""WeChat Pay v3 as a refund channel. Needs ``wechat`` credentials; see ``credentials.py``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, time
from typing import BinaryIO, Final
from urllib.parse import quote, urlencode

from payment_channels.clock import Clock, utc_now
from payment_channels.contract import (
    AbnormalRefundOrder,
    BillKind,
    ForeignNotice,
    NoticeRejected,
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
    mismatch,
    trade_is_asked_for,
)
from payment_channels.parsing import Unreadable, json_object, member, text, text_or_empty, whole
from payment_channels.profile import BillBasis, Profile
from payment_channels.statements import Statement
from payment_channels.transport import Reply, Transport, always_an_outcome, opening_notice, unreadable
from payment_channels.wechat import bills, errors, messages, signing
from payment_channels.wechat.credentials import Credentials
from payment_channels.wechat.gateway import Gateway
from payment_channels.wechat.messages import RefundState

#: Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791865 (refunds: 365 days, 50 partial refunds of an order, a minute
#: between two of them); bills are there from 10:00 on, by the day of acceptance.
PROFILE = Profile(partial_spacing_s=60.0, bill_basis=BillBasis.ACCEPTED, bill_ready_at=time(10, 0))


ACKNOWLEDGED: Final = NoticeReply(status=204, content_type="application/json", body=b"")


# Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791882 (支付成功回调通知).
def _paid(about: str, resource: Mapping[str, object], credentials: Credentials) -> tuple[str, str, int] | None:
    if about != "TRANSACTION.SUCCESS":
        return None
    with suppress(Unreadable, NoticeRejected):
        content = json_object(signing.decrypt(credentials.api_v3_key, resource))
        ours = content.get("sp_mchid", content.get("mchid")) == credentials.mchid
        if ours and content.get("trade_state") == "SUCCESS":
            amount_fen = whole(member(content, "amount"), "total")
            return text(content, "transaction_id"), text_or_empty(content, "out_trade_no"), amount_fen
    return None


# Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791886 (退款结果通知).
def _open(body: bytes, *, credentials: Credentials, closed_number: Retry) -> RefundNotice | ForeignNotice:
    envelope = json_object(body)
    about = text(envelope, "event_type")
    # What is about something else may come without a resource, or sealed otherwise.
    resource = member(envelope, "resource") if about.partition(".")[0] == "REFUND" else envelope.get("resource")
    resource = resource if isinstance(resource, dict) else {}
    if about.partition(".")[0] != "REFUND" or resource.get("original_type") not in ("refund", "", None):
        return ForeignNotice(about=about, paid=_paid(about, resource, credentials))
    plain = signing.decrypt(credentials.api_v3_key, resource)
    content = json_object(plain)
    # A service provider's notices name it as sp_mchid, and the merchant as sub_mchid.
    if content.get("sp_mchid", content.get("mchid")) != credentials.mchid:
        raise NoticeRejected("wrong_merchant", "a notice for another merchant")
    if credentials.sub_mchid and content.get("sub_mchid") != credentials.sub_mchid:
        raise NoticeRejected("wrong_merchant", "a notice for another sub-merchant")
    state = RefundState.parse_notice(content)
    return RefundNotice(
        event_id=text(envelope, "id"),
        refund_no=state.refund_no,
        amount_fen=state.amount_fen,
        outcome=state.outcome(closed_number=closed_number, raw=plain.decode("utf-8", "replace")),
        channel_transaction_no=state.channel_transaction_no,
    )


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
        transport = Transport.to(base_url, profile=profile, now=clock)
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
        body = messages.refund_body(order, sub_mchid=self._credentials.sub_mchid, funding=self._profile.funding)
        reply = self._gateway.call(method="POST", target=_REFUNDS, body=body)
        if not 200 <= reply.status < 300:
            return errors.outcome_of_application(reply, maybe_received=order.maybe_received)
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
        reply = self._gateway.call(method="GET", target=target)
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
        reply = self._gateway.call(method="GET", target=target)
        if not 200 <= reply.status < 300:
            return errors.outcome_of_query(reply)
        raw = reply.body.decode("utf-8", "replace")
        try:
            trade = messages.read_trade(json_object(reply.body), raw=raw)
        except Unreadable as error:
            return unreadable(error, raw=raw)
        return trade if trade_is_asked_for(trade, reference) else mismatch(raw)

    @opening_notice()
    def read_notice(self, notice: RawNotice) -> RefundNotice | ForeignNotice:
        """See ``RefundChannel``."""
        signing.check(self._gateway.keys, headers=notice.headers, body=notice.body, at=notice.received_at)
        return _open(notice.body, credentials=self._credentials, closed_number=self._profile.closed_number)

    def acknowledge(self) -> NoticeReply:
        """See ``RefundChannel``."""
        return ACKNOWLEDGED

    def decline(self, reason: str) -> NoticeReply:
        """See ``RefundChannel``."""
        body = json.dumps({"code": "FAIL", "message": reason}, ensure_ascii=False).encode("utf-8", "replace")
        return NoticeReply(status=400, content_type="application/json", body=body)

    @always_an_outcome
    def apply_abnormal_refund(self, order: AbnormalRefundOrder) -> Outcome:
        """See ``AbnormalRefunds``."""
        if fault := messages.fault_in_payee(order):
            return Refused(code="invalid_order", message=fault, retry=Retry.NEVER, remedy="check_request")
        target = f"{_REFUNDS}/{quote(order.channel_refund_no, safe='')}/apply-abnormal-refund"
        key = self._gateway.keys.encryption_key(at=self._clock())
        to_card = order.payee is PayeeKind.CUSTOMER_CARD
        body = messages.abnormal_refund_body(
            order,
            sub_mchid=self._credentials.sub_mchid,
            card_number=signing.encrypt(key.key, order.card_number) if to_card else "",
            holder_name=signing.encrypt(key.key, order.holder_name) if to_card else "",
        )
        reply = self._gateway.call(method="POST", target=target, body=body, serial=key.key_id)
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
            return unreadable(error, raw=raw)
        if not state.is_about(
            refund_no=refund_no,
            channel_transaction_no=channel_transaction_no or state.channel_transaction_no,
            amount_fen=amount_fen,
        ):
            return mismatch(raw)
        return state.outcome(closed_number=self._profile.closed_number, raw=raw)
