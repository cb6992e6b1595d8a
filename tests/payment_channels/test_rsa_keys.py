"""Keys as merchants paste them, and signatures that do not fit."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from payment_channels import rsa_keys
from payment_channels.contract import CredentialsInvalid
from payment_channels.rsa_keys import SignatureInvalid
from tests.payment_channels.conftest import KeyPair


def _bare(pem: str) -> str:
    """As Alipay's key tool writes it: Base64 without its frame."""
    return "".join(pem.strip().splitlines()[1:-1])


def test_key_when_it_is_pem_or_bare_base64_is_the_same(our_keys: KeyPair) -> None:
    for stored in (our_keys.private_pem, _bare(our_keys.private_pem), f"  {our_keys.private_pem}\n"):
        assert rsa_keys.private_key({"k": stored}, "k").private_numbers() == our_keys.private.private_numbers()
    for stored in (our_keys.public_pem, _bare(our_keys.public_pem)):
        assert rsa_keys.public_key({"k": stored}, "k") == our_keys.private.public_key()


def _short() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 -- too short on purpose


@pytest.mark.parametrize("make", [_short, lambda: ec.generate_private_key(ec.SECP256R1())])
def test_key_when_it_is_short_or_no_rsa_is_refused_by_its_field(make: object) -> None:
    key = make()  # type: ignore[operator]
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(CredentialsInvalid, match="app_private_key is not"):
        rsa_keys.private_key({"app_private_key": private}, "app_private_key")
    with pytest.raises(CredentialsInvalid, match="alipay_public_key is not"):
        rsa_keys.public_key({"alipay_public_key": public}, "alipay_public_key")


@pytest.mark.parametrize("stored", [{}, {"mchid": ""}, {"mchid": " \n"}])
def test_required_when_there_is_nothing_names_the_field(stored: dict[str, str]) -> None:
    with pytest.raises(CredentialsInvalid, match="mchid is missing"):
        rsa_keys.required(stored, "mchid")


def test_signature_when_it_is_of_the_key_and_message_holds(our_keys: KeyPair) -> None:
    rsa_keys.verify(our_keys.private.public_key(), b"body", rsa_keys.sign(our_keys.private, b"body"))


@pytest.mark.parametrize("how", ["another message", "another key", "no base64", "empty"])
def test_signature_when_it_does_not_fit_proves_nothing(our_keys: KeyPair, strange_keys: KeyPair, how: str) -> None:
    key, message = our_keys.private.public_key(), b"body"
    signature = rsa_keys.sign(our_keys.private, message)
    if how == "another message":
        message = b"b0dy"
    elif how == "another key":
        key = strange_keys.private.public_key()
    else:
        signature = "!!" if how == "no base64" else base64.b64encode(b"").decode()
    with pytest.raises(SignatureInvalid) as refused:
        rsa_keys.verify(key, message, signature)
    outcome = refused.value.outcome()
    assert (outcome.code, outcome.remedy, outcome.accepted) == ("bad_signature", "check_their_key", False)


def test_signature_when_it_is_stale_blames_the_clock() -> None:
    outcome = SignatureInvalid("stale", "signed an hour ago").outcome()
    assert (outcome.code, outcome.remedy) == ("clock", "check_clock")
