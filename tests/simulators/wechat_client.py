"""A WeChat Pay merchant that signs, verifies and decrypts by the book."""

from __future__ import annotations

import base64
import json
import secrets
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tests.simulators.wire import PATIENCE_S, Reply, call

REFUNDS = "/v3/refund/domestic/refunds"


class Merchant:
    """Holds what account.json names."""

    def __init__(self, account: dict[str, Any]) -> None:
        self.account = account
        pem = Path(account["merchant_private_key_path"]).read_bytes()
        # Proving its primes takes longer than a call, and it has just been made.
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        public = load_pem_public_key(Path(account["public_key_path"]).read_bytes())
        assert isinstance(key, rsa.RSAPrivateKey)
        assert isinstance(public, rsa.RSAPublicKey)
        self.key = key
        self.trusted: dict[str, rsa.RSAPublicKey] = {account["public_key_id"]: public}

    def send(
        self,
        method: str,
        path: str,
        payload: object = None,
        *,
        headers: dict[str, str] | None = None,
        timestamp: float | None = None,
        signed_body: bytes | None = None,
        changes: dict[str, str] | None = None,
        timeout: float = PATIENCE_S,
    ) -> Reply:
        """A signed call; ``signed_body``, ``timestamp`` and ``changes`` (of the header's fields) spoil it."""
        body = b"" if payload is None else json.dumps(payload, ensure_ascii=False).encode()
        return self._send(
            method,
            path,
            body,
            headers=headers,
            timestamp=timestamp,
            signed_body=signed_body,
            changes=changes,
            timeout=timeout,
        )

    def send_raw(self, body: bytes) -> Reply:
        """A signed application of any bytes."""
        return self._send("POST", REFUNDS, body)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        *,
        headers: dict[str, str] | None = None,
        timestamp: float | None = None,
        signed_body: bytes | None = None,
        changes: dict[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Reply:
        moment, nonce = str(int(timestamp or time.time())), secrets.token_hex(16)
        message = f"{method}\n{path}\n{moment}\n{nonce}\n".encode() + (body if signed_body is None else signed_body)
        fields = {
            "mchid": self.account["mchid"],
            "nonce_str": nonce,
            "timestamp": moment,
            "serial_no": self.account["merchant_serial"],
            "signature": base64.b64encode(self.key.sign(message + b"\n", padding.PKCS1v15(), SHA256())).decode(),
            **(changes or {}),
        }
        authorization = "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in fields.items())
        sent = {"Authorization": authorization, "Content-Type": "application/json", "Accept": "application/json"}
        return call(self.account["base_url"], method, path, body, {**sent, **(headers or {})}, timeout)

    def refund(self, refund_no: str, amount_fen: int, *, order_no: str = "A1", **more: Any) -> Reply:
        """Apply for a refund of the 100.00 yuan sale."""
        return self.send("POST", REFUNDS, application(refund_no, amount_fen, order_no, **more))

    def query(self, refund_no: str) -> dict[str, Any]:
        """The refund's present state, verified."""
        reply = self.send("GET", f"{REFUNDS}/{refund_no}")
        assert reply.status == 200, reply.body
        return self.read(reply)

    def is_genuine(self, reply: Reply, *, tolerance_s: float = 300) -> bool:
        """Whether the platform signed this answer or notice, lately."""
        key = self.trusted.get(reply.headers.get("wechatpay-serial", ""))
        moment = reply.headers.get("wechatpay-timestamp", "0")
        if key is None or abs(time.time() - int(moment)) > tolerance_s:
            return False
        message = f"{moment}\n{reply.headers['wechatpay-nonce']}\n".encode() + reply.body + b"\n"
        try:
            signature = base64.b64decode(reply.headers["wechatpay-signature"])
            key.verify(signature, message, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def read(self, reply: Reply) -> dict[str, Any]:
        """The body of a genuine answer."""
        assert self.is_genuine(reply)
        body: dict[str, Any] = json.loads(reply.body)
        return body

    def open(self, resource: dict[str, str]) -> bytes:
        """Decrypt an encrypted resource."""
        return AESGCM(self.account["api_v3_key"].encode()).decrypt(
            resource["nonce"].encode(), base64.b64decode(resource["ciphertext"]), resource["associated_data"].encode()
        )

    def fetch_certificates(self) -> list[str]:
        """Trust the platform certificates of the list; answers their serials."""
        reply = self.send("GET", "/v3/certificates")
        listed = json.loads(reply.body)["data"]
        for entry in listed:
            found = x509.load_pem_x509_certificate(self.open(entry["encrypt_certificate"]))
            key = found.public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            assert f"{found.serial_number:040X}" == entry["serial_no"]
            self.trusted[entry["serial_no"]] = key
        assert self.is_genuine(reply)
        return [entry["serial_no"] for entry in listed]


def application(refund_no: str, amount_fen: int, order_no: str = "A1", **more: Any) -> dict[str, Any]:
    """A refund application of a 100.00 yuan sale."""
    return {
        "out_trade_no": order_no,
        "out_refund_no": refund_no,
        "reason": "菜品质量",
        "amount": {"refund": amount_fen, "total": 10_000, "currency": "CNY"},
        **more,
    }
