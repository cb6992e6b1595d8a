"""Certificate mode: download, rotation, and what a forger may not make us do."""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from payment_channels.contract import Done, NoticeRejected, Unknown
from payment_channels.wechat.adapter import WeChatRefundChannel
from tests.payment_channels.conftest import KeyPair, of_refund
from tests.payment_channels.server import Answer, Asked, LocalServer
from tests.payment_channels.wechat.conftest import (
    API_V3_KEY,
    NOW,
    ORDER,
    MakeChannel,
    Platform,
    notice_content,
    refund_state,
)

OLD_SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
NEW_SERIAL = "6157F09EFDC096DE15EBE81A47057A7232F1B8E2"


def _certificate(keys: KeyPair, serial: str) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(keys.private.public_key())
        .serial_number(int(serial, 16))
        .not_valid_before(NOW - timedelta(days=300))
        .not_valid_after(NOW + timedelta(days=1500))
        .sign(keys.private, SHA256())
        .public_bytes(Encoding.PEM)
    )


def _row(keys: KeyPair, serial: str, *, expires: datetime, api_v3_key: str = API_V3_KEY) -> dict[str, object]:
    nonce = os.urandom(6).hex()
    sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), _certificate(keys, serial), b"certificate")
    return {
        "serial_no": serial,
        "effective_time": (NOW - timedelta(days=300)).isoformat(),
        "expire_time": expires.isoformat(),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": "certificate",
            "ciphertext": base64.b64encode(sealed).decode(),
        },
    }


@pytest.fixture
def certificate_channel(make_channel: MakeChannel) -> WeChatRefundChannel:
    return make_channel(public_key_id="", public_key="")


class _Site:
    """Answers both the certificates and the refunds."""

    def __init__(self, rows: list[dict[str, object]], signer: Platform) -> None:
        self.rows = rows
        self.signer = signer
        self.downloads = 0

    def __call__(self, asked: Asked) -> Answer:
        if asked.target == "/v3/certificates":
            self.downloads += 1
            return self.signer.answer(json.dumps({"data": self.rows}).encode())
        return self.signer.answer(refund_state())


def test_first_answer_makes_the_certificates_be_fetched_once(
    certificate_channel: WeChatRefundChannel, server: LocalServer, their_keys: KeyPair
) -> None:
    site = _Site([_row(their_keys, OLD_SERIAL, expires=NOW + timedelta(days=30))], Platform(their_keys, OLD_SERIAL))
    server.respond = site

    assert isinstance(certificate_channel.refund(ORDER), Done)
    assert isinstance(certificate_channel.refund(ORDER), Done)

    assert site.downloads == 1
    assert "wechatpay-serial" not in server.asked[0].headers


def test_rotation_is_noticed_by_the_unknown_serial(
    make_channel: MakeChannel, server: LocalServer, their_keys: KeyPair, strange_keys: KeyPair
) -> None:
    # given a channel that knows the old certificate, two minutes later
    moment = [NOW]
    channel = make_channel(public_key_id="", public_key="")
    channel._gateway._clock = lambda: moment[0]
    old = _row(their_keys, OLD_SERIAL, expires=NOW + timedelta(days=30))
    server.respond = site = _Site([old], Platform(their_keys, OLD_SERIAL))
    assert isinstance(channel.refund(ORDER), Done)
    moment[0] = NOW + timedelta(minutes=2)

    # when WeChat Pay goes over to a new one
    site.rows = [old, _row(strange_keys, NEW_SERIAL, expires=NOW + timedelta(days=1000))]
    site.signer = Platform(strange_keys, NEW_SERIAL)

    # then it is fetched, and both are believed
    assert isinstance(channel.refund(ORDER), Done)
    assert of_refund(channel, Platform(strange_keys, NEW_SERIAL).notice(notice_content())).amount_fen == 1200
    assert of_refund(channel, Platform(their_keys, OLD_SERIAL).notice(notice_content())).amount_fen == 1200
    assert site.downloads == 2


def test_key_mode_believes_the_platforms_certificates_as_well_while_the_account_moves_over(
    channel: WeChatRefundChannel,
    platform: Platform,
    server: LocalServer,
    strange_keys: KeyPair,
) -> None:
    """The public key is configured; notices of refunds from before are still signed with a certificate."""
    by_certificate = Platform(strange_keys, OLD_SERIAL)
    server.respond = site = _Site([_row(strange_keys, OLD_SERIAL, expires=NOW + timedelta(days=30))], by_certificate)
    assert of_refund(channel, platform.notice(notice_content())).amount_fen == 1200
    assert site.downloads == 0
    assert of_refund(channel, by_certificate.notice(notice_content())).amount_fen == 1200
    assert isinstance(channel.refund(ORDER), Done)
    assert site.downloads == 1
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(Platform(strange_keys, "PUB_KEY_ID_0").notice(notice_content()))
    assert rejected.value.code == "wrong_serial"


def test_forged_serials_do_not_make_us_ask_again_and_again(
    certificate_channel: WeChatRefundChannel, server: LocalServer, their_keys: KeyPair, strange_keys: KeyPair
) -> None:
    site = _Site([_row(their_keys, OLD_SERIAL, expires=NOW + timedelta(days=30))], Platform(their_keys, OLD_SERIAL))
    server.respond = site

    for number in range(20):
        with pytest.raises(NoticeRejected) as rejected:
            certificate_channel.read_notice(Platform(strange_keys, f"{number:040X}").notice(notice_content()))
        assert rejected.value.code == "wrong_serial"

    assert site.downloads == 1


def test_expired_certificate_is_not_believed(
    certificate_channel: WeChatRefundChannel, server: LocalServer, their_keys: KeyPair
) -> None:
    server.respond = _Site(
        [_row(their_keys, OLD_SERIAL, expires=NOW - timedelta(seconds=1))], Platform(their_keys, OLD_SERIAL)
    )

    outcome = certificate_channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "bad_signature"


@pytest.mark.parametrize("kind", ["other APIv3 key", "other serial", "unsigned", "server error", "garbage"])
def test_certificates_that_prove_nothing_are_not_taken(
    certificate_channel: WeChatRefundChannel,
    server: LocalServer,
    their_keys: KeyPair,
    strange_keys: KeyPair,
    kind: str,
) -> None:
    expires = NOW + timedelta(days=30)
    forger = Platform(strange_keys, OLD_SERIAL)
    genuine = Platform(their_keys, OLD_SERIAL)
    bodies: dict[str, Answer] = {
        "other APIv3 key": forger.answer(
            json.dumps({"data": [_row(strange_keys, OLD_SERIAL, expires=expires, api_v3_key="x" * 32)]}).encode()
        ),
        "other serial": genuine.answer(
            json.dumps({"data": [{**_row(their_keys, NEW_SERIAL, expires=expires), "serial_no": OLD_SERIAL}]}).encode()
        ),
        "unsigned": Answer(body=json.dumps({"data": [_row(their_keys, OLD_SERIAL, expires=expires)]}).encode()),
        "server error": Answer(status=500),
        "garbage": Answer(body=b'{"data":[7]}'),
    }
    server.respond = lambda asked: (
        bodies[kind] if asked.target == "/v3/certificates" else genuine.answer(refund_state())
    )

    outcome = certificate_channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "bad_signature"
