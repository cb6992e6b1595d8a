"""UnionPay ACP as a refund channel. Needs ``unionpay`` credentials; see ``credentials.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, time
from typing import BinaryIO, Final, TypeVar

from payment_channels.clock import Clock, utc_now
from payment_channels.contract import (
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
    VoidKind,
    mismatch,
    trade_is_asked_for,
)
from payment_channels.parsing import text, text_or_empty
from payment_channels.profile import Profile
from payment_channels.statements import Statement
from payment_channels.transport import Transport, always_an_outcome, opening_notice, proven
from payment_channels.unionpay import bills, errors, messages, signing
from payment_channels.unionpay.credentials import Credentials
from payment_channels.unionpay.gateway import Answer, Gateway
from payment_channels.unionpay.messages import TradeReport

#: The clearing day, and the statement's with it, ends at 23:00 (ACP 5.1.0).
PROFILE = Profile(bill_cutoff=time(23, 0), bill_grace_s=600)


ACKNOWLEDGED: Final = NoticeReply(status=200, content_type="text/plain", body=b"ok")
DECLINED: Final = NoticeReply(status=400, content_type="text/plain", body=b"fail")
_PAYMENT: Final = "01"
_TYPES = (messages.REFUND, *messages.VOIDS.values())


# Source: https://open.unionpay.com/tjweb/acproduct/list?apiservId=448 (后台通知). That HTTP 200 ends the repeats is (g).
def _read(fields: Mapping[str, str], *, credentials: Credentials) -> RefundNotice | ForeignNotice:
    if fields.get("merId") != credentials.mer_id:
        raise NoticeRejected("wrong_merchant", "a notice for another merchant")
    if fields.get("txnType") not in _TYPES:
        made = fields.get("txnType") == _PAYMENT and fields.get("respCode") in errors.SUCCEEDED
        amount, number = fields.get("txnAmt", ""), fields.get("queryId", "")
        is_named = made and number and amount.isascii() and amount.isdecimal()
        paid = (number, fields.get("orderId", ""), int(amount)) if is_named else None
        return ForeignNotice(about=f"txnType {text(fields, 'txnType')}", paid=paid)
    report = TradeReport.parse_notice(fields)
    raw = messages.hide_cards("&".join(f"{name}={fields[name]}" for name in sorted(fields)))
    return RefundNotice(
        event_id=f"{report.refund_no}-{report.txn_time}-{report.channel_refund_no}-{report.code}-{report.amount_fen}",
        refund_no=report.refund_no,
        amount_fen=report.amount_fen or 0,
        outcome=report.outcome(raw=raw),
        channel_transaction_no=fields.get("origQryId", ""),
    )


R = TypeVar("R")

_APPLY = "/backTransReq.do"
_QUERY = "/queryTrans.do"


def build(credentials: Mapping[str, str], profile: Profile, base_url: str) -> UnionPayRefundChannel:
    """Build the adapter of one channel account. Raises ``CredentialsInvalid``.

    ``base_url`` is what stands before ``/backTransReq.do``. Settlement files come from the profile's ``file_url``.
    """
    return UnionPayRefundChannel(
        credentials=Credentials.parse(credentials), profile=profile, base_url=base_url, clock=utc_now
    )


class UnionPayRefundChannel:
    """One UnionPay merchant, ready to use from many threads at once."""

    def __init__(self, *, credentials: Credentials, profile: Profile, base_url: str, clock: Clock) -> None:
        self._credentials = credentials
        self._profile = profile
        self._clock = clock
        transport = Transport.to(base_url, profile=profile, now=clock)
        self._files = Transport.to(profile.file_url, profile=profile, now=clock) if profile.file_url else transport
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
        return self._apply(order, txn_type=messages.REFUND)

    @always_an_outcome
    def query_refund(self, reference: RefundReference) -> Outcome:
        """See ``RefundChannel``. Needs ``sent_at``; finds voids as well."""
        if reference.sent_at is None:
            return Unknown(code="not_found", message="never sent, so that there is no txnTime to ask for")
        fields = messages.query_fields(reference, sent_at=reference.sent_at, profile=self._profile)

        def read(answer: Answer) -> Outcome:
            code = errors.code_of(answer.body, "respCode")
            if code != errors.ACCEPTED:
                return errors.outcome_of_query(code, text_or_empty(answer.body, "respMsg"), raw=answer.raw)
            report = TradeReport.parse_query(answer.body)
            return report.outcome(raw=answer.raw) if report.is_about(reference) else mismatch(answer.raw)

        return self._ask(_QUERY, fields, read)

    @always_an_outcome
    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        """See ``TradeQueries``."""
        if not reference.channel_transaction_no and reference.paid_at is None:
            return Unknown(code="not_found", message="neither queryId nor txnTime is known to ask with")

        def read(answer: Answer) -> Trade | Unknown:
            code = errors.code_of(answer.body, "respCode")
            if code != errors.ACCEPTED:
                return errors.outcome_of_query(code, text_or_empty(answer.body, "respMsg"), raw=answer.raw)
            trade = messages.read_trade(answer.body, raw=answer.raw)
            if isinstance(trade, Unknown) or trade_is_asked_for(trade, reference):
                return trade
            return mismatch(answer.raw)

        return self._ask(_QUERY, messages.trade_fields(reference, profile=self._profile), read)

    @opening_notice()
    def read_notice(self, notice: RawNotice) -> RefundNotice | ForeignNotice:
        """See ``RefundChannel``."""
        fields = signing.open_notice(notice.body)
        signing.check(self._gateway.signers, fields=fields, at=notice.received_at)
        return _read(fields, credentials=self._credentials)

    def acknowledge(self) -> NoticeReply:
        """See ``RefundChannel``."""
        return ACKNOWLEDGED

    def decline(self, reason: str) -> NoticeReply:  # the channel takes no reason
        """See ``RefundChannel``."""
        return DECLINED

    @always_an_outcome
    def void(self, order: RefundOrder, kind: VoidKind = VoidKind.PURCHASE) -> Outcome:
        """See ``Voids``."""
        if fault := messages.fault_in(order, whole=True):
            return Refused(code="invalid_order", message=fault, retry=Retry.NEVER, remedy="check_request")
        return self._apply(order, txn_type=messages.VOIDS[kind])

    def download_bill(self, *, day: date, kind: BillKind = BillKind.REFUNDS) -> Statement:
        """See ``Bills``; ``day`` is the clearing day."""
        return bills.download(self._gateway, transport=self._files, day=day, kind=kind, clock=self._clock)

    def open_bill(self, *, file: BinaryIO, day: date, kind: BillKind = BillKind.REFUNDS) -> Statement:
        """See ``Bills``; the rows carry no year, so that ``day`` matters."""
        return bills.opened(file, day=day, kind=kind, own_numbers=frozenset({self._credentials.mer_id}))

    def _apply(self, order: RefundOrder, *, txn_type: str) -> Outcome:
        fields = messages.application_fields(order, txn_type=txn_type, profile=self._profile)
        return self._ask(_APPLY, fields, lambda answer: messages.read_application(answer.body, order, raw=answer.raw))

    def _ask(self, target: str, fields: Mapping[str, str], read: Callable[[Answer], R]) -> R | Unknown:
        return proven(lambda: self._gateway.call(target=target, fields=fields), read)
