"""Reading RSA keys from stored credentials, and the one signature all three channels use: RSA-SHA256."""

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import Certificate, load_pem_x509_certificate

from payment_channels.contract import CredentialsInvalid, Unknown

_MIN_KEY_BITS = 2048
_PADDING = PKCS1v15()
_SHA256 = SHA256()


class SignatureInvalid(Exception):
    """A message did not prove its origin. ``code`` says how: ``bad_signature``, ``wrong_serial``, ``stale`` ..."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

        #: The answer that was not believed, in few words, and whether the clocks differ; for those who have to find the cause.
        self.said = ""
        self.clock_is_off = code == "stale"

    def outcome(self) -> Unknown:
        """What it means for a refund: nothing is proven.

        Where it goes on, our copy of the channel's key is the cause, or something on the way that answers in the channel's place.
        """
        message = f"{self.message}; {self.said}" if self.said else self.message
        if self.clock_is_off:
            return Unknown(code="clock", message=message, remedy="check_clock")
        return Unknown(code="bad_signature", message=message, remedy="check_their_key")


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """RSA-SHA256 (PKCS#1 v1.5) in Base64."""
    return base64.b64encode(key.sign(message, _PADDING, _SHA256)).decode("ascii")


def verify(key: RSAPublicKey, message: bytes, signature: str) -> None:
    """Check a Base64 RSA-SHA256 signature. Raises ``SignatureInvalid``."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, _PADDING, _SHA256)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise SignatureInvalid("bad_signature", "the signature does not fit the message") from error


def required(credentials: Mapping[str, str], name: str) -> str:
    """The non-empty credential under ``name``. Raises ``CredentialsInvalid``."""
    value = credentials.get(name) or ""
    if not value.strip():
        raise CredentialsInvalid(f"{name} is missing")
    return value.strip()


def private_key(credentials: Mapping[str, str], name: str) -> RSAPrivateKey:
    """The RSA private key under ``name``: PEM, or the bare Base64 that Alipay's key tool writes."""
    stored = required(credentials, name)
    for pem in _as_pem(stored, "PRIVATE KEY", "RSA PRIVATE KEY"):
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError):
            continue
        if isinstance(key, RSAPrivateKey) and key.key_size >= _MIN_KEY_BITS:
            return key
    raise CredentialsInvalid(f"{name} is not an unencrypted RSA private key of {_MIN_KEY_BITS} bits or more")


def public_key(credentials: Mapping[str, str], name: str) -> RSAPublicKey:
    """The RSA public key under ``name``: PEM, or bare Base64."""
    stored = required(credentials, name)
    for pem in _as_pem(stored, "PUBLIC KEY"):
        try:
            key = load_pem_public_key(pem)
        except ValueError:
            continue
        if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_KEY_BITS:
            return key
    raise CredentialsInvalid(f"{name} is not an RSA public key of {_MIN_KEY_BITS} bits or more")


def certificate(credentials: Mapping[str, str], name: str) -> Certificate:
    """The X.509 certificate under ``name``, PEM."""
    stored = required(credentials, name)
    try:
        return load_pem_x509_certificate(stored.encode())
    except ValueError as error:
        raise CredentialsInvalid(f"{name} is not a PEM certificate") from error


def rsa_public_key_of(cert: Certificate) -> RSAPublicKey:
    """The RSA key that a certificate speaks for. Raises ``SignatureInvalid`` for other or shorter keys."""
    key = cert.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_KEY_BITS:
        raise SignatureInvalid("bad_certificate", "the certificate's key is not RSA or too short")
    return key


def _as_pem(stored: str, *labels: str) -> list[bytes]:
    if stored.startswith("-----BEGIN"):
        return [stored.encode()]
    return [f"-----BEGIN {label}-----\n{stored}\n-----END {label}-----\n".encode() for label in labels]
