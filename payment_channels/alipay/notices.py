"""Alipay's notices: prove the origin, read.

Source: https://opendocs.alipay.com/open/270/105902 (异步通知). A refund's notice goes to the payment's address and
names the sum of all refunds of the sale, so it is a reason to ask and no proof of this refund's amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from payment_channels.alipay import signing
from payment_channels.alipay.credentials import Credentials
from payment_channels.contract import ForeignNotice, NoticeRejected, NoticeReply, RawNotice, RefundNotice, Unknown
from payment_channels.parsing import Unreadable, json_object, text
from payment_channels.rsa_keys import SignatureInvalid

ACKNOWLEDGED: Final = NoticeReply(status=200, content_type="text/plain", body=b"success")
#: 退款冲退完成通知: what became of the way to the payer's bank.
_SECOND_LEG: Final = "alipay.trade.refund.depositback.completed"
DECLINED: Final = NoticeReply(status=200, content_type="text/plain", body=b"fail")


def read(notice: RawNotice, *, credentials: Credentials) -> RefundNotice | ForeignNotice:
    """Verify and open a notice. Raises ``NoticeRejected``."""
    try:
        return _open(signing.open_notice(credentials.alipay_key, notice.body), credentials=credentials)
    except SignatureInvalid as error:
        raise NoticeRejected(error.code, error.message) from error
    except Unreadable as error:
        raise NoticeRejected("unreadable", str(error)) from error


def _open(parameters: Mapping[str, str], *, credentials: Credentials) -> RefundNotice | ForeignNotice:
    if parameters.get("app_id") != credentials.app_id:
        raise NoticeRejected("wrong_merchant", "a notice for another application")
    if parameters.get("msg_method") == _SECOND_LEG:
        refund_no = text(json_object(text(parameters, "biz_content").encode()), "out_request_no")
    elif parameters.get("refund_fee") and parameters.get("out_biz_no"):
        refund_no = text(parameters, "out_biz_no")
    else:
        about = ("msg_method", "notify_type", "trade_status")
        return ForeignNotice(about=next((found for name in about if (found := parameters.get(name))), "unnamed"))
    return RefundNotice(
        event_id=text(parameters, "notify_id"),
        refund_no=refund_no,
        amount_fen=0,
        outcome=Unknown(
            code="notified", message="the channel reports a change", accepted=True, channel_refund_no=refund_no
        ),
    )
