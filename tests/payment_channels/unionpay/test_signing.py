"""The double hash, the certificate that comes along, and the text that is not URL-encoded."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from payment_channels import rsa_keys
from payment_channels.contract import CredentialsInvalid, Done, Unknown
from payment_channels.parsing import Unreadable
from payment_channels.profile import Profile
from payment_channels.unionpay import signing
from payment_channels.unionpay.adapter import UnionPayRefundChannel, build
from payment_channels.unionpay.credentials import Credentials
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import Answer, LocalServer
from tests.payment_channels.unionpay.conftest import (
    NOW,
    REFERENCE,
    Authority,
    MakeChannel,
    Platform,
    make_authority,
    make_certificate,
    pem,
    report,
)


def _query(channel: UnionPayRefundChannel, server: LocalServer, answer: Answer) -> object:
    server.respond = lambda _: answer
    return channel.query_refund(REFERENCE)


def _is_disbelieved(outcome: object) -> bool:
    return isinstance(outcome, Unknown) and outcome.code == "bad_signature"


def test_any_flipped_byte_is_refused(channel: UnionPayRefundChannel, server: LocalServer, platform: Platform) -> None:
    body = platform.answer(report()).body
    for position in range(0, len(body), 17):
        flipped = bytearray(body)
        flipped[position] ^= 1
        outcome = _query(channel, server, Answer(body=bytes(flipped)))
        assert isinstance(outcome, Unknown)
        assert outcome.code in ("bad_signature", "unreadable")


def test_single_hash_is_refused(channel: UnionPayRefundChannel, server: LocalServer, platform: Platform) -> None:
    fields = platform.signed(report())
    joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")
    fields["signature"] = rsa_keys.sign(platform.keys.private, joined.encode())

    answer = Answer(body="&".join(f"{name}={value}" for name, value in fields.items()).encode())
    assert _is_disbelieved(_query(channel, server, answer))


def test_certificate_is_checked_once_and_its_end_every_time(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    assert isinstance(_query(channel, server, platform.answer(report())), Done)
    assert isinstance(_query(channel, server, platform.answer(report())), Done)
    assert len(channel._gateway.signers._checked) == 1

    channel._gateway._clock = lambda: NOW + timedelta(days=901)
    assert _is_disbelieved(_query(channel, server, platform.answer(report())))


def test_rotation_to_another_certificate_of_unionpay_is_believed(
    channel: UnionPayRefundChannel, server: LocalServer, authority: Authority, strange_keys: KeyPair
) -> None:
    renewed = Platform(strange_keys, authority.certify(strange_keys.private))

    assert isinstance(_query(channel, server, renewed.answer(report())), Done)


def test_certificate_may_hang_on_the_root_itself(
    make_channel: MakeChannel, server: LocalServer, authority: Authority, their_keys: KeyPair
) -> None:
    direct = make_certificate(
        their_keys.private,
        name="041@Z1@00040000:SIGN@1",
        issuer=authority.root,
        issuer_key=authority.root_key,
    )
    channel = make_channel(middle_certificate="")

    assert isinstance(_query(channel, server, Platform(their_keys, pem(direct)).answer(report())), Done)


def test_root_may_be_the_old_or_the_new_one_while_it_changes(
    make_channel: MakeChannel, server: LocalServer, authority: Authority, their_keys: KeyPair, platform: Platform
) -> None:
    new = make_authority("New Root")
    both = {
        "root_certificate": pem(authority.root) + pem(new.root),
        "middle_certificate": pem(authority.middle) + pem(new.middle),
    }

    for signer in (platform, Platform(their_keys, new.certify(their_keys.private))):
        assert isinstance(_query(make_channel(**both), server, signer.answer(report())), Done)


def test_other_signer_can_be_configured(
    make_channel: MakeChannel, server: LocalServer, authority: Authority, their_keys: KeyPair
) -> None:
    other = Platform(their_keys, authority.certify(their_keys.private, name="a@b@another acquirer@c"))

    assert isinstance(_query(make_channel(signer="another acquirer"), server, other.answer(report())), Done)
    assert _is_disbelieved(_query(make_channel(), server, other.answer(report())))


@pytest.mark.parametrize(
    "kind", ["another root", "a merchant", "no name", "expired", "self-signed", "below a merchant", "garbage", "none"]
)
def test_certificate_that_is_not_unionpays_is_refused(
    channel: UnionPayRefundChannel, server: LocalServer, authority: Authority, strange_keys: KeyPair, kind: str
) -> None:
    key = strange_keys.private
    merchant = make_certificate(key, name="041@merchant", issuer=authority.middle, issuer_key=authority.middle_key)
    certificates: dict[str, Callable[[], str]] = {
        "another root": lambda: make_authority("Root").certify(key),
        "a merchant": lambda: authority.certify(key, name="041@Z1@杭州某某商贸有限公司@1"),
        "no name": lambda: authority.certify(key, name="中国银联股份有限公司"),
        "expired": lambda: authority.certify(key, until=NOW - timedelta(seconds=1)),
        "self-signed": lambda: pem(
            make_certificate(key, name="1@2@中国银联股份有限公司@3", issuer=None, issuer_key=key)
        ),
        "below a merchant": lambda: pem(
            make_certificate(key, name="1@2@中国银联股份有限公司@3", issuer=merchant, issuer_key=key)
        ),
        "garbage": lambda: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "none": lambda: "",
    }

    outcome = _query(channel, server, Platform(strange_keys, certificates[kind]()).answer(report()))

    assert _is_disbelieved(outcome)


def test_merchant_may_not_stand_between_even_if_configured(
    make_channel: MakeChannel, server: LocalServer, authority: Authority, strange_keys: KeyPair
) -> None:
    key = strange_keys.private
    merchant = make_certificate(key, name="041@merchant", issuer=authority.root, issuer_key=authority.root_key)
    forged = make_certificate(key, name="1@2@中国银联股份有限公司@3", issuer=merchant, issuer_key=key)
    channel = make_channel(middle_certificate=pem(merchant))

    assert _is_disbelieved(_query(channel, server, Platform(strange_keys, pem(forged)).answer(report())))


def test_signature_method_must_be_rsa(channel: UnionPayRefundChannel, server: LocalServer, platform: Platform) -> None:
    assert _is_disbelieved(_query(channel, server, platform.answer({**report(), "signMethod": "11"})))


# --- credentials ---


def test_pfx_is_as_good_as_pem(stored_credentials: dict[str, str], our_keys: KeyPair) -> None:
    certificate = load_pem_x509_certificate(stored_credentials["sign_certificate"].encode())
    packed = serialize_key_and_certificates(
        b"m", our_keys.private, certificate, None, BestAvailableEncryption(b"000000")
    )
    stored = {name: value for name, value in stored_credentials.items() if name != "sign_certificate"}
    stored |= {"sign_pfx": base64.b64encode(packed).decode(), "sign_pfx_password": "000000"}

    assert Credentials.parse(stored).cert_id == str(certificate.serial_number)
    for wrong in ({"sign_pfx_password": "111111"}, {"sign_pfx": "AAAA"}, {"sign_pfx": "?"}):
        with pytest.raises(CredentialsInvalid, match=r"^sign_pfx "):
            Credentials.parse({**stored, **wrong})


def test_key_may_be_stored_apart(stored_credentials: dict[str, str], our_keys: KeyPair, their_keys: KeyPair) -> None:
    certificate = stored_credentials["sign_certificate"].removeprefix(our_keys.private_pem)
    apart = {**stored_credentials, "sign_certificate": certificate, "sign_private_key": our_keys.private_pem}

    build(apart, Profile(), "https://127.0.0.1:1/gateway/api")
    with pytest.raises(CredentialsInvalid, match="does not belong"):
        build({**apart, "sign_private_key": their_keys.private_pem}, Profile(), "https://127.0.0.1:1")
    with pytest.raises(CredentialsInvalid, match=r"^sign_private_key "):
        build({**apart, "sign_private_key": ""}, Profile(), "https://127.0.0.1:1")


@pytest.mark.parametrize("name", ["mer_id", "sign_certificate", "root_certificate"])
def test_build_when_a_credential_is_missing_names_it(stored_credentials: dict[str, str], name: str) -> None:
    with pytest.raises(CredentialsInvalid, match=f"^{name} "):
        build({**stored_credentials, name: ""}, Profile(), "https://127.0.0.1:1")


def test_build_when_a_certificate_is_unreadable_names_it(stored_credentials: dict[str, str]) -> None:
    for name in ("root_certificate", "middle_certificate"):
        with pytest.raises(CredentialsInvalid, match=f"^{name} "):
            build({**stored_credentials, name: "-----BEGIN CERTIFICATE-----"}, Profile(), "https://127.0.0.1:1")


# --- text ---


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b"a=1&b=", {"a": "1", "b": ""}),
        (b"a=x=y==&b=2\r\n", {"a": "x=y==", "b": "2"}),
        (b"a={b=1&c={d=2&e=3}}&f=4", {"a": "{b=1&c={d=2&e=3}}", "f": "4"}),
        (b"a=[x&y]&b=1", {"a": "[x&y]", "b": "1"}),
        ("respMsg=成功[0000000]&c=1%2B+".encode(), {"respMsg": "成功[0000000]", "c": "1%2B+"}),
    ],
)
def test_open_answer(raw: bytes, fields: dict[str, str]) -> None:
    assert signing.open_answer(raw) == fields


_NAMES = st.text("abcXYZ019_.", min_size=1, max_size=8)
_PLAIN = st.text(st.characters(exclude_characters="&{}[]\r\n", exclude_categories=["Cs"]), max_size=20)
_VALUES = _PLAIN | st.dictionaries(_NAMES, _PLAIN, min_size=1, max_size=3).map(
    lambda inner: "{" + "&".join(f"{name}={value}" for name, value in inner.items()) + "}"
)


@given(st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=6))
def test_written_fields_are_read_back(fields: dict[str, str]) -> None:
    raw = "&".join(f"{name}={value}" for name, value in fields.items()).encode()

    assert signing.open_answer(raw) == fields


@given(st.binary(max_size=200) | st.text("ab=&{}[]%+\r\n", max_size=60).map(str.encode))
def test_any_bytes_are_opened_or_refused_but_nothing_else(raw: bytes) -> None:
    for opened in (signing.open_answer, signing.open_notice):
        try:
            opened(raw)
        except Unreadable:
            continue
