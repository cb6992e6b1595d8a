"""The double hash: RSA-SHA256 over the lower-case hex text of the SHA-256 of the sorted ``k=v&...``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from simulators.unionpay.codes import Refusal
from simulators.unionpay.keys import UnionpayKeys

ENCODINGS = {"UTF-8": "utf-8", "GBK": "gbk"}


async def read_parameters(request: web.Request) -> dict[str, str]:
    """The form."""
    body = (await request.read()).decode("ascii", "replace")
    found = dict(parse_qsl(body, keep_blank_values=True))
    if ENCODINGS.get(found.get("encoding", "").upper()) == "gbk":
        found = dict(parse_qsl(body, keep_blank_values=True, encoding="gbk"))
    return found


def check_request(parameters: Mapping[str, str], *, keys: UnionpayKeys) -> None:
    """The request is the merchant's own. Raises Refusal."""
    for name in ("version", "encoding", "signMethod", "certId", "merId", "txnType", "signature"):
        if not parameters.get(name):
            raise Refusal("10", f"缺少 {name}")
    if parameters["version"] != "5.1.0" or parameters["encoding"].upper() not in ENCODINGS:
        raise Refusal("10", "version 或 encoding")
    if parameters["signMethod"] != "01":
        raise Refusal("11", "signMethod")
    if parameters["merId"] != keys.mer_id:
        raise Refusal("10", "merId")
    if parameters["certId"] != keys.merchant_cert_id:
        raise Refusal("11", "certId")
    try:
        signature = base64.b64decode(parameters["signature"], validate=True)
    except binascii.Error as error:
        raise Refusal("11") from error
    if not keys.verifies(_digest(parameters, ENCODINGS[parameters["encoding"].upper()]), signature):
        raise Refusal("11")


def signed_answer(answer: Mapping[str, str], *, keys: UnionpayKeys, encoding: str, fault: str = "") -> dict[str, str]:
    """The answer with signPubKeyCert and signature, spoiled as the fault says."""
    signed = {name: value for name, value in answer.items() if value}
    codec = ENCODINGS.get(encoding.upper(), "utf-8")
    if fault == "wrong_cert":
        _, signed["signPubKeyCert"] = keys.sign_as_foreigner(b"")
        signature, _ = keys.sign_as_foreigner(_digest(signed, codec))
    else:
        signed["signPubKeyCert"] = keys.own_pem
        signature = keys.sign(_digest(signed, codec))
    if fault == "bad_signature":
        signature = secrets.token_bytes(256)
    if fault != "no_signature":
        signed["signature"] = base64.b64encode(signature).decode()
    if fault in {"tampered", "tampered_response"}:
        signed["respMsg"] = f"{signed.get('respMsg', '')}!"
    return signed


def as_text(answer: Mapping[str, str], encoding: str) -> bytes:
    """``k=v&k=v`` as the gateway writes it: sorted, not URL-encoded."""
    text = "&".join(f"{name}={value}" for name, value in sorted(answer.items()))
    return text.encode(ENCODINGS.get(encoding.upper(), "utf-8"))


def _digest(parameters: Mapping[str, str], codec: str) -> bytes:
    """What is signed: the hex text of the first hash."""
    text = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if name != "signature")
    return hashlib.sha256(text.encode(codec, "replace")).hexdigest().encode()
