"""WeChat Pay's refund notices: prove the origin, decrypt, read.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791886 (退款结果通知).
"""

from __future__ import annotations

import json
from typing import Final

from payment_channels.contract import ForeignNotice, NoticeRejected, NoticeReply, RawNotice, RefundNotice, Retry
from payment_channels.parsing import Unreadable, json_object, member, text, text_or_empty
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.wechat import signing
from payment_channels.wechat.credentials import Credentials
from payment_channels.wechat.messages import RefundState
from payment_channels.wechat.signing import PlatformKeys

ACKNOWLEDGED: Final = NoticeReply(status=204, content_type="application/json", body=b"")


def read(
    notice: RawNotice, *, credentials: Credentials, keys: PlatformKeys, closed_number: Retry
) -> RefundNotice | ForeignNotice:
    """Verify and open a notice. Raises ``NoticeRejected``."""
    try:
        signing.check(keys, headers=notice.headers, body=notice.body, at=notice.received_at)
    except SignatureInvalid as error:
        raise NoticeRejected(error.code, error.message) from error
    try:
        return _open(notice.body, credentials=credentials, closed_number=closed_number)
    except Unreadable as error:
        raise NoticeRejected("unreadable", str(error)) from error


def _open(body: bytes, *, credentials: Credentials, closed_number: Retry) -> RefundNotice | ForeignNotice:
    envelope = json_object(body)
    resource = member(envelope, "resource")
    about, original = text(envelope, "event_type"), text_or_empty(resource, "original_type")
    if about.partition(".")[0] != "REFUND" or original not in ("refund", ""):
        return ForeignNotice(about=about)
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
    )


def declined(reason: str) -> NoticeReply:
    """The answer that makes WeChat Pay repeat the notice."""
    body = json.dumps({"code": "FAIL", "message": reason}, ensure_ascii=False).encode("utf-8", "replace")
    return NoticeReply(status=400, content_type="application/json", body=body)
