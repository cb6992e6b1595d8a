"""A pretended Alipay: signs what a test lets it say, written from the documentation alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from payment_channels.alipay.adapter import AlipayRefundChannel
from payment_channels.alipay.credentials import Credentials
from payment_channels.contract import RawNotice, RefundOrder, RefundReference
from payment_channels.profile import Profile
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import Answer, Asked, LocalServer

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
APP_ID = "2021000000000001"

ORDER = RefundOrder(
    refund_no="R20261122000001",
    channel_transaction_no="2026112122001400001234567890",
    order_no="T20261121000001",
    amount_fen=1200,
    paid_fen=26800,
    paid_at=NOW - timedelta(days=1),
    reason="商品瑕疵",
    notify_url="https://refunds.example/notices/alipay/1",
)
REFERENCE = RefundReference(
    refund_no=ORDER.refund_no,
    channel_transaction_no=ORDER.channel_transaction_no,
    order_no=ORDER.order_no,
    amount_fen=ORDER.amount_fen,
    sent_at=NOW,
)


def refund_answer(**changes: object) -> dict[str, object]:
    """A handled application in which the money moved; 5 yuan had been refunded before."""
    return {
        "code": "10000",
        "msg": "Success",
        "buyer_logon_id": "159****5620",
        "fund_change": "Y",
        "gmt_refund_pay": "2026-11-22 12:00:01",
        "out_trade_no": ORDER.order_no,
        "refund_fee": "17.00",
        "send_back_fee": "0.00",
        "trade_no": ORDER.channel_transaction_no,
        **changes,
    }


def query_answer(**changes: object) -> dict[str, object]:
    """A handled query that knows of the refund."""
    return {
        "code": "10000",
        "msg": "Success",
        "gmt_refund_pay": "2026-11-22 12:00:01",
        "out_request_no": ORDER.refund_no,
        "out_trade_no": ORDER.order_no,
        "refund_amount": "12.00",
        "refund_status": "REFUND_SUCCESS",
        "total_amount": "268.00",
        "trade_no": ORDER.channel_transaction_no,
        **changes,
    }


def asked_parameters(asked: Asked) -> dict[str, str]:
    """The parameters of a request, from its address and its body."""
    return dict(parse_qsl(urlsplit(asked.target).query) + parse_qsl(asked.body.decode()))


@dataclass(frozen=True)
class Platform:
    """Alipay's side: its key."""

    keys: KeyPair

    def sign(self, content: bytes) -> str:
        return base64.b64encode(self.keys.private.sign(content, PKCS1v15(), SHA256())).decode()

    def signed_text(self, name: str, body: str) -> str:
        return f'{{"{name}":{body},"sign":"{self.sign(body.encode())}"}}'

    def answer(self, body: Mapping[str, object] | str, *, name: str = "alipay_trade_refund_response") -> Answer:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return Answer(body=self.signed_text(name, text).encode())

    def query(self, body: Mapping[str, object] | str) -> Answer:
        return self.answer(body, name="alipay_trade_fastpay_refund_query_response")

    def notice(self, *, encoding: str = "utf-8", **changes: str) -> RawNotice:
        parameters = {
            "notify_id": "2026112200222120001000000000000001",
            "notify_type": "trade_status_sync",
            "notify_time": "2026-11-22 12:00:02",
            "app_id": APP_ID,
            "charset": encoding,
            "version": "1.0",
            "trade_no": ORDER.channel_transaction_no,
            "out_trade_no": ORDER.order_no,
            "out_biz_no": ORDER.refund_no,
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "268.00",
            "refund_fee": "17.00",
            "gmt_refund": "2026-11-22 12:00:01.123",
            "subject": "咖啡 & 茶=好",
            **changes,
        }
        content = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
        parameters |= {"sign": self.sign(content.encode(encoding)), "sign_type": "RSA2"}
        body = urlencode(parameters, encoding=encoding).encode()
        return RawNotice(headers={}, body=body, received_at=NOW)


MakeChannel = Callable[..., AlipayRefundChannel]


@cache
def _parsed(stored: tuple[tuple[str, str], ...]) -> Credentials:
    """Loading a key takes 50 ms: once a session is enough."""
    return Credentials.parse(dict(stored))


@pytest.fixture
def platform(their_keys: KeyPair) -> Platform:
    return Platform(keys=their_keys)


@pytest.fixture
def stored_credentials(our_keys: KeyPair, their_keys: KeyPair) -> dict[str, str]:
    return {
        "app_id": APP_ID,
        "app_private_key": our_keys.private_pem,
        "alipay_public_key": their_keys.public_pem,
    }


@pytest.fixture
def make_channel(server: LocalServer, stored_credentials: dict[str, str]) -> MakeChannel:
    def make(**changes: str) -> AlipayRefundChannel:
        return AlipayRefundChannel(
            credentials=_parsed(tuple({**stored_credentials, **changes}.items())),
            profile=Profile().over({"timeout_s": 2}),
            base_url=f"{server.base_url}/gateway.do",
            clock=lambda: NOW,
        )

    return make


@pytest.fixture
def channel(make_channel: MakeChannel) -> AlipayRefundChannel:
    return make_channel()
