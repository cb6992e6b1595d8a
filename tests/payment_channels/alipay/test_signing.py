"""Signatures over raw text: what is cut out, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_channels.alipay import signing
from payment_channels.alipay.adapter import AlipayRefundChannel, build
from payment_channels.contract import CredentialsInvalid, Done, Unknown
from payment_channels.parsing import Unreadable
from payment_channels.profile import Profile
from tests.payment_channels.alipay.conftest import ORDER, Platform, refund_answer
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import Answer, LocalServer

NAME = "alipay_trade_refund_response"
METHOD = "alipay.trade.refund"


def _refund(channel: AlipayRefundChannel, server: LocalServer, raw: bytes) -> object:
    server.respond = lambda _: Answer(body=raw)
    return channel.refund(ORDER)


def _is(outcome: object, code: str) -> bool:
    return isinstance(outcome, Unknown) and outcome.code == code


def test_answer_is_checked_as_it_was_written(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    # given blanks, escapes and an order of members that no writer of ours would choose
    body = json.dumps(refund_answer(buyer_logon_id="a/b")).replace("/", r"\/").replace(", ", " ,\n\t")
    raw = f'\n{{ "sign" : "{platform.sign(body.encode())}" , "{NAME}" :\t{body} }}\r\n'.encode()

    assert isinstance(_refund(channel, server, raw), Done)


def test_signature_may_stand_before_or_among_others(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    body = json.dumps(refund_answer())
    sign = platform.sign(body.encode())

    for raw in (
        f'{{"sign":"{sign}","{NAME}":{body}}}',
        f'{{"{NAME}":{body},"alipay_cert_sn":"abc","sign":"{sign}"}}',
    ):
        assert isinstance(_refund(channel, server, raw.encode()), Done)


def test_text_that_looks_like_the_end_is_not_taken_for_it(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    # given a genuine refusal into which an attacker smuggled a success, say through the order's name
    smuggled = platform.signed_text(NAME, json.dumps(refund_answer()))
    refusal = json.dumps({"code": "40004", "msg": smuggled, "sub_code": "ACQ.SYSTEM_ERROR"})

    outcome = _refund(channel, server, platform.signed_text(NAME, refusal).encode())

    assert _is(outcome, "ACQ.SYSTEM_ERROR")


@pytest.mark.parametrize(
    "raw",
    [
        '{{"{name}":{body},"{name}":{{"code":"10000"}},"sign":"{sign}"}}',
        '{{"{name}":{body},"sign":"{sign}","sign":"{sign}"}}',
        '{{"{name}":{body},"sign":"{sign}"}} {{}}',
        '{{"{name}":{body},"sign":"{sign}"',
        '{{"{name}":{body},"sign":"{sign}",}}',
        '{{"{name}":{body} "sign":"{sign}"}}',
        '{{"{name}":{body},7:1,"sign":"{sign}"}}',
        '[{{"{name}":{body},"sign":"{sign}"}}]',
    ],
)
def test_answer_with_two_meanings_is_refused(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, raw: str
) -> None:
    body = json.dumps(refund_answer())
    written = raw.format(name=NAME, body=body, sign=platform.sign(body.encode()))

    assert _is(_refund(channel, server, written.encode()), "unreadable")


def test_any_flipped_byte_is_refused(channel: AlipayRefundChannel, server: LocalServer, platform: Platform) -> None:
    raw = platform.signed_text(NAME, json.dumps(refund_answer())).encode()
    for position in range(0, len(raw), 5):
        flipped = bytearray(raw)
        flipped[position] ^= 1
        outcome = _refund(channel, server, bytes(flipped))
        assert _is(outcome, "unreadable") or _is(outcome, "bad_signature")


def test_answer_signed_with_another_key_is_refused(
    channel: AlipayRefundChannel, server: LocalServer, strange_keys: KeyPair
) -> None:
    raw = Platform(strange_keys).signed_text(NAME, json.dumps(refund_answer())).encode()

    assert _is(_refund(channel, server, raw), "bad_signature")


@pytest.mark.parametrize("sign", ['""', "null", "7", '"!!"', "[]"])
def test_unsigned_answer_is_refused(channel: AlipayRefundChannel, server: LocalServer, sign: str) -> None:
    raw = f'{{"{NAME}":{json.dumps(refund_answer())},"sign":{sign}}}'.encode()

    assert _is(_refund(channel, server, raw), "bad_signature")


def test_genuine_answer_to_another_method_is_refused(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    raw = platform.signed_text("alipay_trade_query_response", json.dumps(refund_answer())).encode()

    assert _is(_refund(channel, server, raw), "unreadable")


def test_keys_may_be_bare_base64(our_keys: KeyPair, their_keys: KeyPair) -> None:
    def bare(pem: str) -> str:
        return "".join(line for line in pem.splitlines() if "-----" not in line)

    build(
        {
            "app_id": "1",
            "app_private_key": bare(our_keys.private_pem),
            "alipay_public_key": bare(their_keys.public_pem),
        },
        Profile(),
        "https://127.0.0.1:1/gateway.do",
    )


@pytest.mark.parametrize("name", ["app_id", "app_private_key", "alipay_public_key"])
def test_build_when_a_credential_is_missing_names_it(stored_credentials: dict[str, str], name: str) -> None:
    with pytest.raises(CredentialsInvalid, match=f"^{name} "):
        build({**stored_credentials, name: " "}, Profile(), "https://127.0.0.1:1")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    body=st.dictionaries(st.text(max_size=8), _JSON, max_size=5),
    ascii_only=st.booleans(),
    indent=st.none() | st.integers(min_value=0, max_value=3),
)
def test_the_signed_text_is_cut_out_exactly(body: dict[str, object], ascii_only: bool, indent: int | None) -> None:
    written = json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    raw = b'{"' + NAME.encode() + b'" : ' + written + b' , "sign":"abc"}'
    try:
        raw.decode()
    except UnicodeDecodeError:  # a lone surrogate is no UTF-8
        with pytest.raises(Unreadable):
            signing.open_answer(raw, method=METHOD)
        return

    envelope = signing.open_answer(raw, method=METHOD)

    assert (envelope.signed, envelope.signature) == (written, "abc")


@given(st.binary(max_size=200))
def test_any_bytes_are_opened_or_refused_but_nothing_else(raw: bytes) -> None:
    for whole in (raw, b'{"' + NAME.encode() + b'":' + raw):
        try:
            signing.open_answer(whole, method=METHOD)
        except Unreadable:
            continue
