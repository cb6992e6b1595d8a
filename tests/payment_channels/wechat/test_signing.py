"""Signatures of answers and notices, and what is sealed in them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payment_channels.parsing import Unreadable
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.wechat import signing
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.wechat.conftest import API_V3_KEY, NOW, PUBLIC_KEY_ID, Platform

BODY = b'{"status":"SUCCESS"}'


class OneKey:
    def __init__(self, key: RSAPublicKey) -> None:
        self._key = key

    def key_for(self, serial: str, *, at: datetime) -> RSAPublicKey:
        if serial != PUBLIC_KEY_ID:
            raise SignatureInvalid("wrong_serial", "unknown")
        return self._key


@pytest.fixture
def theirs(their_keys: KeyPair) -> Platform:
    return Platform(their_keys)


@pytest.fixture
def keys(their_keys: KeyPair) -> OneKey:
    return OneKey(their_keys.private.public_key())


def _headers(platform: Platform, **changes: str) -> dict[str, str]:
    signed = {name.lower(): value for name, value in platform.signed(BODY).items()}
    return {**signed, **{f"wechatpay-{name}": value for name, value in changes.items()}}


def test_check_when_the_signature_is_theirs_and_fresh_passes(keys: OneKey, theirs: Platform) -> None:
    signing.check(keys, headers=_headers(theirs), body=BODY, at=NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signature": ""}, "unsigned"),
        ({"serial": "PUB_KEY_ID_9"}, "wrong_serial"),
        ({"nonce": "another"}, "bad_signature"),
        ({"timestamp": "soon"}, "bad_signature"),
        ({"signature-type": "WECHATPAY2-SM2"}, "bad_signature"),
        ({"signature": "WECHATPAY/SIGNTEST/abc"}, "probe"),
    ],
)
def test_check_when_a_header_is_not_theirs_says_which_way(
    keys: OneKey, theirs: Platform, changes: dict[str, str], code: str
) -> None:
    with pytest.raises(SignatureInvalid) as refused:
        signing.check(keys, headers=_headers(theirs, **changes), body=BODY, at=NOW)
    assert refused.value.code == code


@pytest.mark.parametrize("minutes", [-6, 6])
def test_check_when_it_is_older_or_newer_than_five_minutes_is_stale(
    keys: OneKey, theirs: Platform, minutes: int
) -> None:
    with pytest.raises(SignatureInvalid) as refused:
        signing.check(keys, headers=_headers(theirs), body=BODY, at=NOW + timedelta(minutes=minutes))
    assert refused.value.clock_is_off


def test_check_when_the_body_was_changed_is_refused(keys: OneKey, theirs: Platform) -> None:
    with pytest.raises(SignatureInvalid):
        signing.check(keys, headers=_headers(theirs), body=BODY + b" ", at=NOW)


def test_decrypt_when_it_is_sealed_with_our_key_opens_it(theirs: Platform) -> None:
    assert signing.decrypt(API_V3_KEY.encode(), theirs.sealed(b"plain")) == b"plain"


@pytest.mark.parametrize(
    "changes", [{"associated_data": "x"}, {"ciphertext": "AAAA"}, {"ciphertext": "!"}, {"algorithm": "A"}]
)
def test_decrypt_when_anything_differs_is_unreadable(theirs: Platform, changes: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        signing.decrypt(API_V3_KEY.encode(), {**theirs.sealed(b"plain"), **changes})
