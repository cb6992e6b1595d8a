"""A UnionPay merchant that signs, and checks the chain of certificates, by the book."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.simulators.wire import PATIENCE_S, Reply, call

FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}


def digest(parameters: dict[str, str]) -> bytes:
    """The hex text of the first hash."""
    text = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if name != "signature")
    return hashlib.sha256(text.encode()).hexdigest().encode()


def china_now(days: float = 0) -> str:
    """txnTime."""
    return f"{datetime.now(UTC) + timedelta(hours=8, days=days):%Y%m%d%H%M%S}"


class Merchant:
    """Holds what account.json names."""

    def __init__(self, account: dict[str, Any]) -> None:
        self.account = account
        pem = Path(account["sign_cert_path"]).read_bytes()
        # Proving its primes takes longer than a call, and it has just been made.
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key
        self.cert_id = str(x509.load_pem_x509_certificate(pem).serial_number)
        self.root = x509.load_pem_x509_certificate(Path(account["root_cert_path"]).read_bytes())
        self.middle = x509.load_pem_x509_certificate(Path(account["middle_cert_path"]).read_bytes())

    def send(
        self, url: str, fields: dict[str, str], *, changes: dict[str, str] | None = None, timeout: float = PATIENCE_S
    ) -> Reply:
        """A signed form; ``changes`` are made after signing."""
        parameters = {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": "01",
            "certId": self.cert_id,
            "txnSubType": "00",
            "bizType": "000201",
            "accessType": "0",
            "channelType": "07",
            "merId": self.account["mer_id"],
            **fields,
        }
        signature = self.key.sign(digest(parameters), padding.PKCS1v15(), SHA256())
        parameters["signature"] = base64.b64encode(signature).decode()
        parameters |= changes or {}
        address = urlsplit(self.account[url])
        return call(self.account["base_url"], "POST", address.path, urlencode(parameters).encode(), FORM, timeout)

    def ask(self, url: str, fields: dict[str, str], **more: Any) -> dict[str, str]:
        """The verified answer."""
        reply = self.send(url, fields, **more)
        assert reply.status == 200
        answer = parsed(reply)
        assert self.is_genuine(answer)
        return answer

    def is_genuine(self, answer: dict[str, str]) -> bool:
        """Whether a certificate that leads to the root signed this."""
        try:
            certificate = x509.load_pem_x509_certificate(answer["signPubKeyCert"].encode())
            certificate.verify_directly_issued_by(self.middle)
            self.middle.verify_directly_issued_by(self.root)
            key = certificate.public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(base64.b64decode(answer["signature"]), digest(answer), padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError, KeyError):
            return False
        return True

    def refund_fields(self, order_id: str, amount_fen: int, **more: str) -> dict[str, str]:
        """A refund of the sale 20261122000000000001."""
        return {
            "txnType": "04",
            "orderId": order_id,
            "txnTime": china_now(),
            "origQryId": "202611220000000000001",
            "txnAmt": str(amount_fen),
            "currencyCode": "156",
            **more,
        }

    def refund(self, order_id: str, amount_fen: int, **more: str) -> dict[str, str]:
        """Refund, verified."""
        return self.ask("back_trans_url", self.refund_fields(order_id, amount_fen, **more))

    def query(self, sent: dict[str, str]) -> dict[str, str]:
        """Query by order number and time, verified."""
        fields = {"txnType": "00", "orderId": sent["orderId"], "txnTime": sent["txnTime"]}
        return self.ask("query_url", fields)


def parsed(reply: Reply) -> dict[str, str]:
    """``k=v&k=v``, not URL-encoded."""
    return dict(pair.split("=", 1) for pair in reply.body.decode().split("&") if "=" in pair)


def parsed_form(reply: Reply) -> dict[str, str]:
    """A notice."""
    return dict(parse_qsl(reply.body.decode(), keep_blank_values=True))
