"""Signatures both ways and encrypted resources, after pay.weixin.qq.com/doc/v3/merchant/4012365342 ff."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets

from aiohttp import web
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simulators.kit.clock import Clock
from simulators.kit.keys import random_text
from simulators.wechat.errors import sign_error
from simulators.wechat.keys import WechatKeys

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S = 300
#: How far back a stale answer or an old notice is dated.
STALE_S = 360
_PAIR = re.compile(r'(\w+)="([^"]*)"')
PROBE = "WECHATPAY/SIGNTEST/"


def check_request(request: web.Request, body: bytes, *, keys: WechatKeys, clock: Clock) -> None:
    """The request is the merchant's own and of this moment. Raises ApiError SIGN_ERROR."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme != SCHEME:
        raise sign_error(f"Authorization must be of type {SCHEME}")
    given = dict(_PAIR.findall(rest))
    missing = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"} - given.keys()
    if missing:
        raise sign_error(f"Authorization lacks {', '.join(sorted(missing))}")
    if given["mchid"] != keys.mchid:
        raise sign_error("mchid unknown")
    if given["serial_no"] != keys.merchant_serial:
        raise sign_error("serial_no is not this merchant's certificate")
    if (
        not re.fullmatch("[0-9]{1,12}", given["timestamp"])
        or abs(int(given["timestamp"]) - clock.wire_timestamp()) > WINDOW_S
    ):
        raise sign_error("timestamp is more than 5 minutes off")
    message = f"{request.method}\n{request.raw_path}\n{given['timestamp']}\n{given['nonce_str']}\n".encode()
    try:
        signature = base64.b64decode(given["signature"], validate=True)
    except binascii.Error as error:
        raise sign_error("signature is not base64") from error
    if not keys.verifies(message + body + b"\n", signature):
        raise sign_error("signature does not fit method, path, timestamp, nonce and body")


def signed_headers(body: bytes, *, keys: WechatKeys, serial: str, timestamp: float, fault: str = "") -> dict[str, str]:
    """The platform's signature over a body, spoiled as the fault says."""
    stale = fault in {"stale_response", "old"}
    moment, nonce = str(int(timestamp) - (STALE_S if stale else 0)), random_text(32)
    signature = base64.b64encode(keys.sign(f"{moment}\n{nonce}\n".encode() + body + b"\n", serial)).decode()
    if fault == "bad_signature":
        signature = base64.b64encode(secrets.token_bytes(256)).decode()
    elif fault == "signtest":
        signature = PROBE + signature[len(PROBE) :]
    headers = {
        "Wechatpay-Timestamp": moment,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": secrets.token_hex(20).upper() if fault == "wrong_serial" else serial,
        "Wechatpay-Signature": signature,
        "Wechatpay-Signature-Type": SCHEME,
    }
    return {} if fault == "no_signature" else headers


def encrypt(plain: bytes, *, api_v3_key: str, associated_data: str) -> dict[str, str]:
    """AES-256-GCM under the APIv3 key: algorithm, nonce, associated_data, ciphertext."""
    nonce = random_text(12)
    sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "nonce": nonce,
        "associated_data": associated_data,
    }


def tampered(body: bytes) -> bytes:
    """The body with one character of its longest quoted text exchanged: still JSON, no longer what was signed."""
    text = json.loads(body)
    holder = text.get("resource", text)
    name = max((key for key, value in holder.items() if isinstance(value, str)), key=lambda key: len(holder[key]))
    value = holder[name]
    middle = len(value) // 2
    holder[name] = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    return json.dumps(text, ensure_ascii=False).encode()
