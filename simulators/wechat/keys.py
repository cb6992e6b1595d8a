"""Everybody's keys: the merchant's, the platform's public-key pair, and platform certificates that can be rotated."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from simulators.kit.keys import (
    certificate,
    kept_certificate,
    private_key,
    public_pem,
    random_text,
    remembered_text,
    write_private,
)

_PKCS1 = padding.PKCS1v15()


@dataclass(frozen=True, slots=True)
class PlatformCertificate:
    """One platform certificate with its key."""

    serial: str
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


class WechatKeys:
    """Loaded once a process; made at first start."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.mchid = remembered_text(directory / "mchid", f"16{secrets.randbelow(10**8):08d}")
        self.api_v3_key = remembered_text(directory / "api_v3_key", random_text(32))
        self.public_key_id = remembered_text(
            directory / "public_key_id", f"PUB_KEY_ID_0{self.mchid}{secrets.randbelow(10**18):018d}"
        )
        self.merchant_key_path = directory / "merchant_key.pem"
        merchant = private_key(self.merchant_key_path)
        self._merchant_public = merchant.public_key()
        self.merchant_certificate_path = directory / "merchant_cert.pem"
        self.merchant_serial = _serial(_kept(self.merchant_certificate_path, merchant, f"{self.mchid} merchant"))
        self.public_key_path = directory / "public_key.pem"
        self._platform = private_key(directory / "platform_key.pem")
        if not self.public_key_path.exists():
            write_private(self.public_key_path, public_pem(self._platform.public_key()))
        self.certificates = [self._load(path) for path in sorted(directory.glob("platform_cert_*.pem"))]
        if not self.certificates:
            self.rotate()

    def rotate(self) -> PlatformCertificate:
        """A new platform certificate, in force at once; the earlier ones stay listed."""
        number = len(self.certificates) + 1
        path = self._directory / f"platform_cert_{number:03d}.pem"
        _kept(path, private_key(_key_path(path)), "Tenpay.com sign")
        fresh = self._load(path)
        self.certificates.append(fresh)
        return fresh

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the merchant signed this. Raises nothing."""
        try:
            self._merchant_public.verify(signature, message, _PKCS1, SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def signing_key(self, serial: str) -> rsa.RSAPrivateKey | None:
        """The platform's private key behind a serial or public key id."""
        if serial == self.public_key_id:
            return self._platform
        return next((known.key for known in self.certificates if known.serial == serial), None)

    def sign(self, message: bytes, serial: str) -> bytes:
        """Sign as the platform under a known serial."""
        key = self.signing_key(serial)
        if key is None:
            raise KeyError(serial)
        return key.sign(message, _PKCS1, SHA256())

    def decrypt(self, ciphertext: bytes, serial: str) -> str:
        """Open a field that the merchant encrypted for the platform (RSA-OAEP with SHA-1). Raises ValueError."""
        key = self.signing_key(serial)
        if key is None:
            raise ValueError(f"unknown serial {serial}")
        return key.decrypt(ciphertext, padding.OAEP(padding.MGF1(SHA1()), SHA1(), None)).decode()  # noqa: S303 - the vendor's choice

    def _load(self, path: Path) -> PlatformCertificate:
        loaded = x509.load_pem_x509_certificate(path.read_bytes())
        return PlatformCertificate(_serial(loaded), loaded, private_key(_key_path(path)))


def _kept(path: Path, key: rsa.RSAPrivateKey, common_name: str) -> x509.Certificate:
    found = kept_certificate(path)
    if found is None:
        found = certificate(key=key.public_key(), common_name=common_name, issuer_key=key)
        kept_certificate(path, found)
    return found


def _key_path(certificate_path: Path) -> Path:
    return certificate_path.with_name(certificate_path.name.replace("cert", "key"))


def _serial(found: x509.Certificate) -> str:
    return f"{found.serial_number:040X}"
