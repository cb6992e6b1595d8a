"""Certificate mode: SNs by the vendor's rule, the certificate of an answer chosen by its SN."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from payment_channels.alipay.adapter import AlipayRefundChannel
from payment_channels.alipay.credentials import Credentials
from payment_channels.contract import CredentialsInvalid, Done, NoticeRejected, RefundNotice, Unknown
from payment_channels.profile import Profile
from tests.payment_channels.alipay.conftest import APP_ID, NOW, ORDER, Platform, asked_parameters, refund_answer
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import Answer, LocalServer

_ISSUER = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ant Financial"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Ant Financial Certification Authority Class 2 R1"),
    ]
)
_REVERSED = "CN=Ant Financial Certification Authority Class 2 R1,OU=Certification Authority,O=Ant Financial,C=CN"

Stored = dict[str, str]


def _made(
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    by: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    serial: int,
    *,
    authority: bool = False,
) -> str:
    built = (
        x509.CertificateBuilder()
        .subject_name(_ISSUER if authority else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]))
        .issuer_name(_ISSUER)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2031, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return built.sign(by, SHA256()).public_bytes(Encoding.PEM).decode()


def _sn(serial: int) -> str:
    return hashlib.md5(f"{_REVERSED}{serial}".encode(), usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def stored(our_keys: KeyPair, their_keys: KeyPair, strange_keys: KeyPair) -> Stored:
    """As the vendor's files are: the issuer beside our certificate, roots of other kinds beside the RSA ones."""
    root, other = strange_keys.private, ec.generate_private_key(ec.SECP256R1())
    authority = _made(root.public_key(), root, 7, authority=True)
    return {
        "app_id": APP_ID,
        "app_private_key": our_keys.private_pem,
        "app_certificate": authority + _made(our_keys.private.public_key(), root, 11),
        "alipay_certificate": _made(their_keys.private.public_key(), root, 12) + authority,
        "alipay_root_certificate": authority
        + _made(other.public_key(), other, 8, authority=True)
        + _made(root.public_key(), root, 9, authority=True),
    }


@pytest.fixture
def channel(stored: Stored, server: LocalServer) -> AlipayRefundChannel:
    return AlipayRefundChannel(
        credentials=Credentials.parse(stored), profile=Profile(), base_url=server.base_url, clock=lambda: NOW
    )


@pytest.fixture
def platform(their_keys: KeyPair) -> Platform:
    return Platform(keys=their_keys)


def _answer(platform: Platform, sn: str) -> Answer:
    text = json.dumps(refund_answer(), ensure_ascii=False)
    named = f',"alipay_cert_sn":"{sn}"' if sn else ""
    return Answer(
        body=f'{{"alipay_trade_refund_response":{text}{named},"sign":"{platform.sign(text.encode())}"}}'.encode()
    )


def test_serials_are_made_of_the_issuer_from_its_end_and_the_decimal_number(stored: Stored) -> None:
    read = Credentials.parse(stored)

    assert read.app_cert_sn == _sn(11)
    assert read.alipay_root_cert_sn == f"{_sn(7)}_{_sn(9)}"
    assert list(read.alipay_keys) == [_sn(12)]


def test_refund_in_certificate_mode_names_both_serials_under_the_signature_and_believes_the_named_certificate(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: _answer(platform, _sn(12))

    assert isinstance(channel.refund(ORDER), Done)

    sent = asked_parameters(server.asked[0])
    assert (sent["app_cert_sn"], sent["alipay_root_cert_sn"]) == (_sn(11), f"{_sn(7)}_{_sn(9)}")


@pytest.mark.parametrize(("sn", "code"), [("0" * 32, "bad_signature"), (_sn(7), "bad_signature"), ("", "")])
def test_answer_under_another_certificate_is_no_proof(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, sn: str, code: str
) -> None:
    """One that names none is checked against those that are stored."""
    server.respond = lambda _: _answer(platform, sn)

    outcome = channel.refund(ORDER)

    assert (outcome.code if isinstance(outcome, Unknown) else "") == code


def test_two_certificates_of_alipays_are_both_believed_while_it_changes_them(
    stored: Stored, server: LocalServer, platform: Platform, strange_keys: KeyPair, our_keys: KeyPair
) -> None:
    both = stored | {
        "alipay_certificate": _made(our_keys.private.public_key(), strange_keys.private, 13)
        + stored["alipay_certificate"]
    }
    read = Credentials.parse(both)
    channel = AlipayRefundChannel(credentials=read, profile=Profile(), base_url=server.base_url, clock=lambda: NOW)
    server.respond = lambda _: _answer(platform, _sn(12))

    assert isinstance(channel.refund(ORDER), Done)
    # A notice may name no certificate.
    assert isinstance(channel.read_notice(platform.notice()), RefundNotice)
    assert isinstance(channel.read_notice(platform.notice(alipay_cert_sn=_sn(12))), RefundNotice)
    with pytest.raises(NoticeRejected):
        channel.read_notice(platform.notice(alipay_cert_sn=_sn(13)))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("app_certificate", lambda stored: stored["alipay_certificate"], "does not belong to app_private_key"),
        ("app_certificate", lambda _: "", "is missing"),
        ("alipay_certificate", lambda _: "", "is missing"),
        ("alipay_root_certificate", lambda _: "", "is missing"),
        ("alipay_certificate", lambda _: "MIIB", "is not a PEM certificate"),
        ("alipay_certificate", lambda stored: stored["alipay_root_certificate"], "has no RSA certificate that signs"),
    ],
)
def test_certificates_that_do_not_fit_name_the_field(
    stored: Stored, name: str, change: Callable[[Stored], str], says: str
) -> None:
    with pytest.raises(CredentialsInvalid, match=f"{name} {says}"):
        Credentials.parse(stored | {name: change(stored)})


def test_root_file_without_rsa_names_the_field(stored: Stored) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(CredentialsInvalid, match="alipay_root_certificate has no RSA certificate"):
        Credentials.parse(stored | {"alipay_root_certificate": _made(other.public_key(), other, 1, authority=True)})
