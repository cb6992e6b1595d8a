"""A pretended UnionPay with its own authority: signs what a test lets it say, written from the documentation alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from payment_channels.contract import RawNotice, RefundOrder, RefundReference
from payment_channels.profile import Profile
from payment_channels.unionpay.adapter import UnionPayRefundChannel
from payment_channels.unionpay.credentials import Credentials
from tests.payment_channels.conftest import KeyPair, make_key_pair
from tests.payment_channels.server import Answer, Asked, LocalServer

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
FIRST_SENT = NOW - timedelta(minutes=3, microseconds=-5)
MER_ID = "777290058110048"
QUERY_ID = "812611221156590000018"
UNIONPAY = "041@Z2026@中国银联股份有限公司@Z1"

ORDER = RefundOrder(
    refund_no="R20261122000001",
    channel_transaction_no="612611211000000000018",
    order_no="T20261121000001",
    amount_fen=1200,
    paid_fen=26800,
    paid_at=NOW - timedelta(days=1),
    reason="商品瑕疵",
    notify_url="https://refunds.example/notices/unionpay/1",
    first_sent_at=FIRST_SENT,
)
REFERENCE = RefundReference(
    refund_no=ORDER.refund_no,
    channel_transaction_no=ORDER.channel_transaction_no,
    order_no=ORDER.order_no,
    amount_fen=ORDER.amount_fen,
    sent_at=FIRST_SENT,
)


def make_certificate(
    key: RSAPrivateKey,
    *,
    name: str,
    issuer: x509.Certificate | None,
    issuer_key: RSAPrivateKey,
    authority: bool = False,
    until: datetime = NOW + timedelta(days=900),
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=900))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, SHA256())
    )


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True)
class Authority:
    """A root, what hangs below it, and the keys of both."""

    root_key: RSAPrivateKey
    root: x509.Certificate
    middle_key: RSAPrivateKey
    middle: x509.Certificate

    def certify(self, key: RSAPrivateKey, *, name: str = UNIONPAY, **options: datetime) -> str:
        return pem(make_certificate(key, name=name, issuer=self.middle, issuer_key=self.middle_key, **options))  # type: ignore[arg-type]


def make_authority(name: str = "Root") -> Authority:
    root_key, middle_key = make_key_pair().private, make_key_pair().private
    root = make_certificate(root_key, name=name, issuer=None, issuer_key=root_key, authority=True)
    middle = make_certificate(middle_key, name=f"{name} OCA", issuer=root, issuer_key=root_key, authority=True)
    return Authority(root_key=root_key, root=root, middle_key=middle_key, middle=middle)


@dataclass(frozen=True)
class Platform:
    """UnionPay's side: its key and its certificate."""

    keys: KeyPair
    certificate: str

    def signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        whole = {"signMethod": "01", "signPubKeyCert": self.certificate, **fields}
        joined = "&".join(f"{name}={whole[name]}" for name in sorted(whole))
        digest = hashlib.sha256(joined.encode(whole.get("encoding", "utf-8"))).hexdigest().encode()
        return {**whole, "signature": base64.b64encode(self.keys.private.sign(digest, PKCS1v15(), SHA256())).decode()}

    def answer(self, fields: Mapping[str, str]) -> Answer:
        return Answer(body="&".join(f"{name}={value}" for name, value in self.signed(fields).items()).encode())

    def notice(self, **changes: str) -> RawNotice:
        fields = self.signed({**report(), "respCode": "00", "respMsg": "成功", "txnType": "04", **changes})
        body = urlencode(fields, encoding=fields.get("encoding", "utf-8")).encode()
        return RawNotice(headers={}, body=body, received_at=NOW)


def accepted(**changes: str) -> dict[str, str]:
    """The answer to an application."""
    fields = {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "merId": MER_ID,
        "orderId": ORDER.refund_no,
        "txnTime": "20261122115700",
        "txnType": "04",
        "txnAmt": "1200",
        "queryId": QUERY_ID,
        "respCode": "00",
        "respMsg": "成功[0000000]",
        **changes,
    }
    return {name: value for name, value in fields.items() if value}


def report(**changes: str) -> dict[str, str]:
    """The answer to a query that knows the trade."""
    fields = {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "merId": MER_ID,
        "orderId": ORDER.refund_no,
        "txnTime": "20261122115700",
        "txnType": "00",
        "txnAmt": "1200",
        "currencyCode": "156",
        "queryId": QUERY_ID,
        "traceNo": "000001",
        "traceTime": "1122115959",
        "settleDate": "1122",
        "accNo": "6216***********0018",
        "respCode": "00",
        "respMsg": "成功",
        "origRespCode": "00",
        "origRespMsg": "成功",
        **changes,
    }
    return {name: value for name, value in fields.items() if value}


def asked_fields(asked: Asked) -> dict[str, str]:
    return dict(parse_qsl(asked.body.decode()))


MakeChannel = Callable[..., UnionPayRefundChannel]


@pytest.fixture(scope="session")
def authority() -> Authority:
    return make_authority()


@pytest.fixture(scope="session")
def platform(their_keys: KeyPair, authority: Authority) -> Platform:
    return Platform(keys=their_keys, certificate=authority.certify(their_keys.private))


@pytest.fixture(scope="session")
def stored_credentials(our_keys: KeyPair, authority: Authority) -> dict[str, str]:
    return {
        "mer_id": MER_ID,
        "sign_certificate": our_keys.private_pem + authority.certify(our_keys.private, name=f"041@{MER_ID}"),
        "root_certificate": pem(authority.root),
        "middle_certificate": pem(authority.middle),
    }


@cache
def _parsed(stored: tuple[tuple[str, str], ...]) -> Credentials:
    """Loading a key takes 50 ms: once a session is enough."""
    return Credentials.parse(dict(stored))


@pytest.fixture
def make_channel(server: LocalServer, stored_credentials: dict[str, str]) -> MakeChannel:
    def make(*, at: datetime = NOW, **changes: str) -> UnionPayRefundChannel:
        return UnionPayRefundChannel(
            credentials=_parsed(tuple({**stored_credentials, **changes}.items())),
            profile=Profile().over({"timeout_s": 2, "file_url": f"{server.base_url}/files/"}),
            base_url=f"{server.base_url}/gateway/api",
            clock=lambda: at,
        )

    return make


@pytest.fixture
def channel(make_channel: MakeChannel) -> UnionPayRefundChannel:
    return make_channel()
