"""Signatures of WeChat Pay v3: ours on requests, theirs on answers and notices.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012365342 (requests), .../4012365350 (answers).
"""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1

from payment_channels import rsa_keys
from payment_channels.parsing import Unreadable, text, text_or_empty
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.wechat.credentials import Credentials, PublicKey

SCHEMA = "WECHATPAY2-SHA256-RSA2048"
MAX_AGE_S = 300
_PROBE_PREFIX = "WECHATPAY/SIGNTEST/"


class VerificationKeys(Protocol):
    """Public keys by the serial that a signature names."""

    def key_for(self, serial: str, *, at: datetime) -> RSAPublicKey:
        """The key named by a signature's serial. Raises ``SignatureInvalid("wrong_serial")``."""
        ...


class PlatformKeys(VerificationKeys, Protocol):
    """WeChat Pay's public keys: one fixed key, or certificates that rotate."""

    def encryption_key(self, *, at: datetime) -> PublicKey:
        """The key to encrypt personal data with, and its name for the ``Wechatpay-Serial`` header."""
        ...


#: What the id of a public key begins with; a certificate's serial is hexadecimal.
_PUBLIC_KEY_ID = "PUB_KEY_ID_"


class KeyAndCertificates:
    """Public-key mode: the configured key, never downloaded; and while an account moves from one to the other, the platform's
    certificates beside it, with which answers and notices may still be signed.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4012154180 (from certificates to the public key).
    """

    def __init__(self, key: PublicKey, certificates: PlatformKeys) -> None:
        self._key = key
        self._certificates = certificates

    def key_for(self, serial: str, *, at: datetime) -> RSAPublicKey:
        """See ``PlatformKeys``."""
        if serial == self._key.key_id:
            return self._key.key
        if serial.startswith(_PUBLIC_KEY_ID):
            raise SignatureInvalid("wrong_serial", "signed with a key that is not configured")
        return self._certificates.key_for(serial, at=at)

    def encryption_key(self, *, at: datetime) -> PublicKey:
        """See ``PlatformKeys``."""
        return self._key


def authorization(credentials: Credentials, *, method: str, target: str, body: bytes, at: datetime) -> str:
    """The ``Authorization`` header of a request; ``target`` is the path with its query as sent."""
    timestamp = str(int(at.timestamp()))
    nonce = secrets.token_hex(16)
    message = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
    signature = rsa_keys.sign(credentials.merchant_key, message)
    return (
        f'{SCHEMA} mchid="{credentials.mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
        f'serial_no="{credentials.merchant_serial}",signature="{signature}"'
    )


def check(keys: VerificationKeys, *, headers: Mapping[str, str], body: bytes, at: datetime) -> None:
    """Check an answer's or notice's signature; header names in lower case. Raises ``SignatureInvalid``."""
    timestamp = headers.get("wechatpay-timestamp", "")
    nonce = headers.get("wechatpay-nonce", "")
    signature = headers.get("wechatpay-signature", "")
    serial = headers.get("wechatpay-serial", "")
    if not (timestamp and nonce and signature and serial):
        raise SignatureInvalid("unsigned", "the signature's headers are missing")
    if headers.get("wechatpay-signature-type", SCHEMA) != SCHEMA:
        raise SignatureInvalid("bad_signature", "an unknown signature type")
    if signature.startswith(_PROBE_PREFIX):
        raise SignatureInvalid("probe", "a probe with a false signature")
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        raise SignatureInvalid("bad_signature", "the timestamp is not a number")
    if abs(at.timestamp() - int(timestamp)) > MAX_AGE_S:
        raise SignatureInvalid("stale", "signed more than 5 minutes off our clock")
    key = keys.key_for(serial, at=at)
    rsa_keys.verify(key, f"{timestamp}\n{nonce}\n".encode() + body + b"\n", signature)


def decrypt(api_v3_key: bytes, resource: Mapping[str, object]) -> bytes:
    """Open an ``AEAD_AES_256_GCM`` resource of a notice or certificate. Raises ``Unreadable``."""
    if text(resource, "algorithm") != "AEAD_AES_256_GCM":
        raise Unreadable("unknown encryption algorithm")
    try:
        sealed = base64.b64decode(text(resource, "ciphertext"), validate=True)
        nonce = text(resource, "nonce").encode()
        return AESGCM(api_v3_key).decrypt(nonce, sealed, text_or_empty(resource, "associated_data").encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable("the resource cannot be decrypted with the APIv3 key") from error


def encrypt(key: RSAPublicKey, personal: str) -> str:
    """Encrypt a card number or a name for WeChat Pay: RSA-OAEP with SHA-1, in Base64.

    Source: https://pay.weixin.qq.com/doc/v3/merchant/4013053264. SHA-1 is the vendor's choice.
    """
    padding = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 - the vendor's choice
    return base64.b64encode(key.encrypt(personal.encode(), padding)).decode("ascii")
