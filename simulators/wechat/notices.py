"""Notices of refunds: sealed under the APIv3 key, signed by the platform."""

from __future__ import annotations

import json
import secrets

from simulators.kit.book import ABNORMAL, PROCESSING, Row
from simulators.kit.clock import rfc3339
from simulators.kit.notices import Outgoing
from simulators.wechat import refunds
from simulators.wechat.keys import WechatKeys
from simulators.wechat.signing import encrypt, signed_headers, tampered

#: About something else: event type, and the type of what is sealed.
_FOREIGN = {
    "foreign": ("COMPLAINT.CREATE", "complaint"),
    "foreign_forged": ("COMPLAINT.CREATE", "complaint"),
    "foreign_payment": ("TRANSACTION.SUCCESS", "transaction"),
    "foreign_coupon": ("COUPON.USE", "coupon"),
}
_STALE = {"stale_abnormal": ABNORMAL, "stale_processing": PROCESSING}


def refund_notice(
    refund: Row, payment: Row, *, event: str, fault: str, keys: WechatKeys, serial: str, timestamp: float
) -> Outgoing:
    """The notice that a refund has reached ``event``, spoiled as the fault says; ``timestamp`` dates the signature."""
    status = _STALE.get(fault, event)
    plain = refunds.notice_plaintext(refund, payment, status=status, mchid=keys.mchid)
    if fault == "wrong_amount":
        amount = plain["amount"]
        plain["amount"] = {**(amount if isinstance(amount, dict) else {}), "refund": refund["amount_fen"] + 1}
    elif fault == "unknown_number":
        plain["out_refund_no"] = f"X{secrets.token_hex(12)}"
    event_type, original = _FOREIGN.get(fault, (f"REFUND.{status}", "refund"))
    if fault == "foreign_payment":
        plain = refunds.order_object(payment, mchid=keys.mchid)
    elif fault in _FOREIGN:
        plain = {"mchid": keys.mchid, f"{original}_id": payment["order_no"], "create_time": rfc3339(payment["paid_at"])}
    created = refund["created_at"] if fault in _STALE else (refund["final_at"] or refund["created_at"])
    sealed = encrypt(
        json.dumps(plain, ensure_ascii=False).encode(), api_v3_key=keys.api_v3_key, associated_data=original
    )
    body = json.dumps(
        {
            "id": f"{refund['channel_refund_no']}-{status}",
            "create_time": rfc3339(created),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "通知",
            "resource": {**sealed, "original_type": original},
        },
        ensure_ascii=False,
    ).encode()
    signing = "bad_signature" if fault == "foreign_forged" else fault
    headers = signed_headers(body, keys=keys, serial=serial, timestamp=timestamp, fault=signing)
    headers |= {"Content-Type": "application/json", "Request-ID": secrets.token_hex(16)}
    return Outgoing(headers=headers, body=tampered(body) if fault == "tampered" else body)
