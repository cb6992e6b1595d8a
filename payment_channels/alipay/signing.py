"""Alipay's RSA2 signatures: ours on requests, theirs on answers and notices.

Source: https://opendocs.alipay.com/common/02kf5q (requests), .../02mse7 (answers and notices).
An answer's signature covers the raw text of one member of its JSON, byte for byte, so that text is cut out of
what arrived and never written anew.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from payment_channels import rsa_keys
from payment_channels.parsing import Unreadable, each_once
from payment_channels.rsa_keys import SignatureInvalid

SIGN_TYPE = "RSA2"
#: The keys that may have signed, by the certificate's SN that a message names. Raises ``SignatureInvalid``.
KeysOf = Callable[[str], Sequence[RSAPublicKey]]
_BLANKS = re.compile(r"[ \t\n\r]*")
_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gbk", "gb2312": "gbk", "gb18030": "gb18030"}


def _no_constant(name: str) -> object:
    raise ValueError(name)


# Numbers stay text: amounts are read from their digits, and a million digits do no harm.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant, object_pairs_hook=each_once)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A gateway's answer: the member that matters, its raw bytes, the signature over them, and by which certificate, if any."""

    name: str
    body: Mapping[str, object]
    signed: bytes
    signature: str
    cert_sn: str


def sign_request(key: RSAPrivateKey, parameters: Mapping[str, str]) -> str:
    """The ``sign`` parameter of a request: over all others that are not empty, sorted."""
    return rsa_keys.sign(key, _joined({name: value for name, value in parameters.items() if value and name != "sign"}))


def open_answer(raw: bytes, *, method: str) -> Envelope:
    """Cut an answer apart without changing a byte. Raises ``Unreadable``.

    Walks the top level of the JSON only: a text inside a value that looks like the end of the member, or like
    another signature, is never taken for one.
    """
    members = _top_level(raw)
    for name in (f"{method.replace('.', '_')}_response", "error_response"):
        if name in members:
            body, signed = members[name]
            if not isinstance(body, dict):
                raise Unreadable(f"{name} is not an object")
            signature, cert_sn = (members.get(beside, ("", b""))[0] for beside in ("sign", "alipay_cert_sn"))
            return Envelope(
                name=name,
                body=body,
                signed=signed,
                signature=signature if isinstance(signature, str) else "",
                cert_sn=cert_sn if isinstance(cert_sn, str) else "",
            )
    raise Unreadable("the answer is to another method")


def check_answer(keys_of: KeysOf, envelope: Envelope) -> None:
    """Check an answer's signature. Raises ``SignatureInvalid``."""
    if not envelope.signature:
        raise SignatureInvalid("unsigned", "the answer is not signed")
    _verify(keys_of(envelope.cert_sn), envelope.signed, envelope.signature)


def _verify(keys: Sequence[RSAPublicKey], message: bytes, signature: str) -> None:
    """Under one of these keys. Raises ``SignatureInvalid``."""
    for key in keys[:-1]:
        with suppress(SignatureInvalid):
            return rsa_keys.verify(key, message, signature)
    return rsa_keys.verify(keys[-1], message, signature)


def open_notice(keys_of: KeysOf, raw: bytes) -> Mapping[str, str]:
    """Read and check a notice's form. Raises ``SignatureInvalid`` and ``Unreadable``."""
    parameters = _form(raw, encoding="utf-8", errors="replace")
    encoding = _CHARSETS.get(parameters.get("charset", "utf-8").lower())
    if encoding is None:
        raise Unreadable("an unknown charset")
    parameters = _form(raw, encoding=encoding, errors="strict")
    if parameters.get("sign_type") != SIGN_TYPE or not parameters.get("sign"):
        raise SignatureInvalid("unsigned", "the notice is not signed with RSA2")
    content = {name: value for name, value in parameters.items() if name not in ("sign", "sign_type")}
    signed = _joined(content, encoding=encoding)
    _verify(keys_of(parameters.get("alipay_cert_sn", "")), signed, parameters["sign"])
    return parameters


def _joined(parameters: Mapping[str, str], *, encoding: str = "utf-8") -> bytes:
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters)).encode(encoding)


def _form(raw: bytes, *, encoding: str, errors: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, encoding=encoding, errors=errors, max_num_fields=200
        )
    except ValueError as error:
        raise Unreadable("not a form") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise Unreadable("a parameter stands twice")
    return parameters


def _top_level(raw: bytes) -> dict[str, tuple[object, bytes]]:
    """The members of a JSON object with each value's exact bytes. Raises ``Unreadable``."""
    try:
        return _walk(
            raw.decode("utf-8-sig")
        )  # gateways on the way put a mark in front; what is signed stands further in
    except (ValueError, RecursionError) as error:
        raise Unreadable("not one plain JSON object") from error


def _walk(text: str) -> dict[str, tuple[object, bytes]]:
    members: dict[str, tuple[object, bytes]] = {}
    at = _expect(text, _skip(text, 0), "{")
    while True:
        at = _skip(text, at)
        _expect(text, at, '"')
        name, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _expect(text, _skip(text, at), ":"))
        value, end = _DECODER.raw_decode(text, start)
        if name in members:
            raise Unreadable("a member stands twice")
        members[name] = (value, text[start:end].encode("utf-8"))
        at = _skip(text, end)
        if text[at : at + 1] != ",":
            break
        at += 1
    if _skip(text, _expect(text, at, "}")) != len(text):
        raise Unreadable("something follows the JSON")
    return members


def _skip(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, sign: str) -> int:
    if text[at : at + 1] != sign:
        raise Unreadable("not a JSON object")
    return at + 1
