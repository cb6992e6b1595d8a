"""UnionPay ACP as a refund channel. Needs ``unionpay`` credentials; see ``credentials.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import BinaryIO, TypeVar

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
    VoidKind,
    trade_is_asked_for,
)
from payment_channels.parsing import Unreadable, text, text_or_empty
from payment_channels.profile import Profile
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.rules import blame_clock
from payment_channels.statements import Statement
from payment_channels.transport import Transport, always_an_outcome
from payment_channels.unionpay import bills, errors, messages, notices
from payment_channels.unionpay.credentials import Credentials
from payment_channels.unionpay.gateway import Answer, Gateway, ServerError
from payment_channels.unionpay.messages import TradeReport

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
        transport = _transport(base_url, profile=profile, clock=clock)
        self._files = _transport(profile.file_url, profile=profile, clock=clock) if profile.file_url else transport
        self._gateway = Gateway(credentials=credentials, transport=transport, clock=clock)

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
            code = text(answer.fields, "respCode")
            if code != errors.ACCEPTED:
                return errors.outcome_of_query(code, text_or_empty(answer.fields, "respMsg"), raw=answer.raw)
            report = TradeReport.parse_query(answer.fields)
            return report.outcome(raw=answer.raw) if report.is_about(reference) else messages.mismatch(answer.raw)

        return self._ask(_QUERY, fields, read)

    @always_an_outcome
    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        """See ``TradeQueries``."""
        if not reference.channel_transaction_no and reference.paid_at is None:
            return Unknown(code="not_found", message="neither queryId nor txnTime is known to ask with")

        def read(answer: Answer) -> Trade | Unknown:
            code = text(answer.fields, "respCode")
            if code != errors.ACCEPTED:
                return errors.outcome_of_query(code, text_or_empty(answer.fields, "respMsg"), raw=answer.raw)
            trade = messages.read_trade(answer.fields, raw=answer.raw)
            if isinstance(trade, Unknown) or trade_is_asked_for(trade, reference):
                return trade
            return messages.mismatch(answer.raw)

        return self._ask(_QUERY, messages.trade_fields(reference, profile=self._profile), read)

    def read_notice(self, notice: RawNotice) -> RefundNotice | ForeignNotice:
        """See ``RefundChannel``."""
        return notices.read(notice, credentials=self._credentials, signers=self._gateway.signers)

    def acknowledge(self) -> NoticeReply:
        """See ``RefundChannel``."""
        return notices.ACKNOWLEDGED

    def decline(self, reason: str) -> NoticeReply:  # the channel takes no reason
        """See ``RefundChannel``."""
        return notices.DECLINED

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
        outcome = self._ask(
            _APPLY, fields, lambda answer: messages.read_application(answer.fields, order, raw=answer.raw)
        )
        return blame_clock(outcome) if self._gateway.transport.clock_is_off else outcome

    def _ask(self, target: str, fields: Mapping[str, str], read: Callable[[Answer], R]) -> R | Unknown:
        """Call and read; whatever is no readable, signed answer proves nothing."""
        raw = ""
        try:
            answer = self._gateway.call(target=target, fields=fields)
            raw = answer.raw
            return read(answer)
        except SignatureInvalid as error:
            return error.outcome()
        except ServerError as error:
            return Unknown(code="server_error", message=str(error))
        except Unreadable as error:
            return Unknown(code="unreadable", message=str(error), raw=raw)


def _transport(base_url: str, *, profile: Profile, clock: Clock) -> Transport:
    return Transport(
        base_url=base_url,
        timeout_s=profile.timeout_s,
        connect_timeout_s=profile.connect_timeout_s,
        pool_size=profile.pool_size,
        max_per_second=profile.max_per_second,
        now=clock,
    )
