"""A pretended WeChat Pay: signs what a test lets it say, written from the documentation alone."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from payment_channels.contract import RawNotice, RefundOrder, RefundReference
from payment_channels.profile import Profile
from payment_channels.wechat.adapter import WeChatRefundChannel
from payment_channels.wechat.credentials import Credentials
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import Answer, LocalServer

API_V3_KEY = "0123456789abcdef0123456789abcdef"
PUBLIC_KEY_ID = "PUB_KEY_ID_0114232134912410000000000000"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)

ORDER = RefundOrder(
    refund_no="R20261122000001",
    channel_transaction_no="4200001234202611221234567890",
    order_no="T20261122000001",
    amount_fen=1200,
    paid_fen=26800,
    paid_at=NOW - timedelta(days=1),
    reason="商品瑕疵",
    notify_url="https://refunds.example/notices/wechat/1",
)
REFERENCE = RefundReference(
    refund_no=ORDER.refund_no,
    channel_transaction_no=ORDER.channel_transaction_no,
    order_no=ORDER.order_no,
    amount_fen=ORDER.amount_fen,
    sent_at=NOW,
)


def refund_state(status: str = "SUCCESS", /, **changes: object) -> dict[str, object]:
    """The body of an answer about ORDER's refund."""
    body: dict[str, object] = {
        "refund_id": "50000000382026112200000000001",
        "out_refund_no": ORDER.refund_no,
        "transaction_id": ORDER.channel_transaction_no,
        "out_trade_no": ORDER.order_no,
        "channel": "ORIGINAL",
        "user_received_account": "招商银行信用卡0403",
        "create_time": "2026-11-22T12:00:00+08:00",
        "status": status,
        "amount": {"total": 26800, "refund": 1200, "payer_total": 26800, "payer_refund": 1200, "currency": "CNY"},
    }
    if status == "SUCCESS":
        body["success_time"] = "2026-11-22T12:00:01+08:00"
    return {**body, **changes}


@dataclass(frozen=True)
class Platform:
    """WeChat Pay's side: its key, its serial, its clock."""

    keys: KeyPair
    serial: str = PUBLIC_KEY_ID
    now: datetime = NOW

    def signed(self, body: bytes, *, signature_over: bytes | None = None) -> dict[str, str]:
        timestamp, nonce = str(int(self.now.timestamp())), "nonce-of-theirs"
        message = f"{timestamp}\n{nonce}\n".encode() + (body if signature_over is None else signature_over) + b"\n"
        signature = self.keys.private.sign(message, PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": self.serial,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def answer(self, body: Mapping[str, object] | bytes, status: int = 200) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return Answer(status=status, headers=self.signed(raw), body=raw)

    def sealed(self, plain: bytes, *, associated_data: str = "refund", key: str = API_V3_KEY) -> dict[str, str]:
        nonce = os.urandom(6).hex()
        sealed = AESGCM(key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "original_type": "refund",
            "nonce": nonce,
            "associated_data": associated_data,
            "ciphertext": base64.b64encode(sealed).decode(),
        }

    def notice(self, content: Mapping[str, object], *, key: str = API_V3_KEY, received_at: datetime = NOW) -> RawNotice:
        envelope = {
            "id": "EV-2026112200001",
            "create_time": "2026-11-22T12:00:02+08:00",
            "resource_type": "encrypt-resource",
            "event_type": f"REFUND.{content.get('refund_status')}",
            "summary": "退款成功",
            "resource": self.sealed(json.dumps(content, ensure_ascii=False).encode(), key=key),
        }
        body = json.dumps(envelope, ensure_ascii=False).encode()
        headers = {name.lower(): value for name, value in self.signed(body).items()}
        return RawNotice(headers=headers, body=body, received_at=received_at)

    def at(self, moment: datetime) -> Platform:
        return replace(self, now=moment)


def notice_content(status: str = "SUCCESS", /, **changes: object) -> dict[str, object]:
    """The decrypted resource of a notice about ORDER's refund."""
    content: dict[str, object] = {
        "mchid": "1900000109",
        "transaction_id": ORDER.channel_transaction_no,
        "out_trade_no": ORDER.order_no,
        "refund_id": "50000000382026112200000000001",
        "out_refund_no": ORDER.refund_no,
        "refund_status": status,
        "user_received_account": "招商银行信用卡0403",
        "amount": {"total": 26800, "refund": 1200, "payer_total": 26800, "payer_refund": 1200},
    }
    if status == "SUCCESS":
        content["success_time"] = "2026-11-22T12:00:01+08:00"
    return {**content, **changes}


BEIJING = timezone(timedelta(hours=8))

MakeChannel = Callable[..., WeChatRefundChannel]


@pytest.fixture
def platform(their_keys: KeyPair) -> Platform:
    return Platform(keys=their_keys)


@pytest.fixture
def stored_credentials(our_keys: KeyPair, their_keys: KeyPair) -> dict[str, str]:
    return {
        "mchid": "1900000109",
        "merchant_serial": "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C",
        "merchant_private_key": our_keys.private_pem,
        "api_v3_key": API_V3_KEY,
        "public_key_id": PUBLIC_KEY_ID,
        "public_key": their_keys.public_pem,
    }


@cache
def _parsed(stored: tuple[tuple[str, str], ...]) -> Credentials:
    """Loading a key takes 50 ms: once a session is enough."""
    return Credentials.parse(dict(stored))


@pytest.fixture
def make_channel(server: LocalServer, stored_credentials: dict[str, str]) -> MakeChannel:
    def make(*, at: datetime = NOW, profile: Mapping[str, object] | None = None, **changes: str) -> WeChatRefundChannel:
        stored = {name: value for name, value in {**stored_credentials, **changes}.items() if value}
        return WeChatRefundChannel(
            credentials=_parsed(tuple(stored.items())),
            profile=Profile().over({"timeout_s": 2, **(profile or {})}),
            base_url=server.base_url,
            clock=lambda: at,
        )

    return make


@pytest.fixture
def channel(make_channel: MakeChannel) -> WeChatRefundChannel:
    return make_channel()
