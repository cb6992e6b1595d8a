"""Alipay's notices: prove the origin, read.

Source: https://opendocs.alipay.com/open/270/105902 (异步通知). A refund's notice goes to the payment's address and
names the sum of all refunds of the sale, so it is a reason to ask and no proof of this refund's amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from payment_channels.alipay import signing
from payment_channels.alipay.credentials import Credentials
from payment_channels.contract import NoticeRejected, NoticeReply, RawNotice, RefundNotice, Unknown
from payment_channels.parsing import Unreadable, text
from payment_channels.rsa_keys import SignatureInvalid

ACKNOWLEDGED: Final = NoticeReply(status=200, content_type="text/plain", body=b"success")
DECLINED: Final = NoticeReply(status=200, content_type="text/plain", body=b"fail")


def read(notice: RawNotice, *, credentials: Credentials) -> RefundNotice:
    """Verify and open a notice. Raises ``NoticeRejected``."""
    try:
        return _open(signing.open_notice(credentials.alipay_key, notice.body), credentials=credentials)
    except SignatureInvalid as error:
        raise NoticeRejected(error.code, error.message) from error
    except Unreadable as error:
        raise NoticeRejected("unreadable", str(error)) from error


def _open(parameters: Mapping[str, str], *, credentials: Credentials) -> RefundNotice:
    if parameters.get("app_id") != credentials.app_id:
        raise NoticeRejected("wrong_merchant", "a notice for another application")
    if not parameters.get("refund_fee") or not parameters.get("out_biz_no"):
        raise NoticeRejected("not_a_refund", "a notice about something else")
    return RefundNotice(
        event_id=text(parameters, "notify_id"),
        refund_no=text(parameters, "out_biz_no"),
        amount_fen=0,
        outcome=Unknown(
            code="notified",
            message="the channel reports a change",
            accepted=True,
            channel_refund_no=text(parameters, "out_biz_no"),
        ),
    )
