"""Keys made once a session, and a local server for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from payment_channels.contract import RawNotice, RefundChannel, RefundNotice
from tests.payment_channels.server import LocalServer, local_server


def of_refund(channel: RefundChannel, notice: RawNotice) -> RefundNotice:
    """Read a notice that must be one of a refund."""
    read = channel.read_notice(notice)
    assert isinstance(read, RefundNotice)
    return read


@dataclass(frozen=True)
class KeyPair:
    """An RSA key pair, as objects and as PEM."""

    private: rsa.RSAPrivateKey
    private_pem: str
    public_pem: str


def make_key_pair() -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return KeyPair(
        private=key,
        private_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        public_pem=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )


@pytest.fixture(scope="session")
def our_keys() -> KeyPair:
    return make_key_pair()


@pytest.fixture(scope="session")
def their_keys() -> KeyPair:
    return make_key_pair()


@pytest.fixture(scope="session")
def strange_keys() -> KeyPair:
    """Keys of somebody whom nobody asked."""
    return make_key_pair()


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with local_server() as running:
        yield running
