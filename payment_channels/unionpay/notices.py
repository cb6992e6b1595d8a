"""UnionPay's back notices: prove the origin, read.

Source: https://open.unionpay.com/tjweb/acproduct/list?apiservId=448 (后台通知). That HTTP 200 ends the repeats is (g).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from payment_channels.contract import ForeignNotice, NoticeRejected, NoticeReply, RawNotice, RefundNotice
from payment_channels.parsing import Unreadable, text
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.unionpay import messages, signing
from payment_channels.unionpay.credentials import Credentials
from payment_channels.unionpay.messages import TradeReport
from payment_channels.unionpay.signing import TrustedSigners

ACKNOWLEDGED: Final = NoticeReply(status=200, content_type="text/plain", body=b"ok")
DECLINED: Final = NoticeReply(status=400, content_type="text/plain", body=b"fail")
_TYPES = (messages.REFUND, *messages.VOIDS.values())


def read(notice: RawNotice, *, credentials: Credentials, signers: TrustedSigners) -> RefundNotice | ForeignNotice:
    """Verify and open a notice. Raises ``NoticeRejected``."""
    try:
        fields = _open(notice.body, signers=signers, at=notice.received_at)
        return _read(fields, credentials=credentials)
    except SignatureInvalid as error:
        raise NoticeRejected(error.code, error.message) from error
    except Unreadable as error:
        raise NoticeRejected("unreadable", str(error)) from error


def _open(body: bytes, *, signers: TrustedSigners, at: datetime) -> Mapping[str, str]:
    fields = signing.open_notice(body)
    signing.check(signers, fields=fields, at=at)
    return fields


def _read(fields: Mapping[str, str], *, credentials: Credentials) -> RefundNotice | ForeignNotice:
    if fields.get("merId") != credentials.mer_id:
        raise NoticeRejected("wrong_merchant", "a notice for another merchant")
    if fields.get("txnType") not in _TYPES:
        return ForeignNotice(about=f"txnType {text(fields, 'txnType')}")
    report = TradeReport.parse_notice(fields)
    raw = messages.hide_cards("&".join(f"{name}={fields[name]}" for name in sorted(fields)))
    return RefundNotice(
        event_id=f"{report.refund_no}-{report.txn_time}-{report.channel_refund_no}-{report.code}",
        refund_no=report.refund_no,
        amount_fen=report.amount_fen or 0,
        outcome=report.outcome(raw=raw),
    )
