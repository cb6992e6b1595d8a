"""A certificate authority in small: root, intermediate, UnionPay's signing certificate, the merchant's certificate."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from simulators.kit.keys import (
    certificate,
    kept_certificate,
    private_key,
    private_pem,
    remembered_text,
    write_private,
)

PFX_PASSWORD = "000000"  # noqa: S105 -- the password that the vendor's test certificates have
_OWN_NAME = "041@8310000000083040@中国银联股份有限公司@{number:08d}"
_PKCS1 = padding.PKCS1v15()


class UnionpayKeys:
    """Loaded once a process; made at first start."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.mer_id = remembered_text(directory / "mer_id", f"777290{secrets.randbelow(10**9):09d}")
        root_key, middle_key = private_key(directory / "root_key.pem"), private_key(directory / "middle_key.pem")
        self.root_path, self.middle_path = directory / "root_cert.pem", directory / "middle_cert.pem"
        root = self._kept(self.root_path, root_key.public_key(), "Simulated Root CA", root_key, None, authority=True)
        self._middle_key = middle_key
        self._middle = self._kept(
            self.middle_path, middle_key.public_key(), "Simulated OCA", root_key, root, authority=True
        )
        merchant_key = private_key(directory / "merchant_key.pem")
        merchant = self._kept(
            directory / "merchant_cert.pem", merchant_key.public_key(), f"041@{self.mer_id}", middle_key, self._middle
        )
        self._merchant_public = merchant_key.public_key()
        self.merchant_cert_id = str(merchant.serial_number)
        self.merchant_path, self.merchant_pfx_path = directory / "merchant_sign.pem", directory / "merchant_sign.pfx"
        if not self.merchant_path.exists():
            write_private(self.merchant_path, private_pem(merchant_key) + merchant.public_bytes(Encoding.PEM))
        if not self.merchant_pfx_path.exists():
            encryption = BestAvailableEncryption(PFX_PASSWORD.encode())
            pfx = pkcs12.serialize_key_and_certificates(b"merchant", merchant_key, merchant, None, encryption)
            write_private(self.merchant_pfx_path, pfx)
        number = max(1, len(list(directory.glob("own_cert_*.pem"))))
        self._own_key, self.own_pem = self._own(number)
        self._number = number
        self._foreign: tuple[rsa.RSAPrivateKey, str] | None = None

    def rotate(self) -> str:
        """A new signing certificate under the same chain; answers its serial."""
        self._number += 1
        self._own_key, self.own_pem = self._own(self._number)
        return str(x509.load_pem_x509_certificate(self.own_pem.encode()).serial_number)

    def sign(self, message: bytes) -> bytes:
        """As UnionPay."""
        return self._own_key.sign(message, _PKCS1, SHA256())

    def sign_as_foreigner(self, message: bytes) -> tuple[bytes, str]:
        """A signature by a certificate of the same name that leads to no root, and that certificate."""
        if self._foreign is None:
            key = private_key(self._directory / "foreign_key.pem")
            found = certificate(key=key.public_key(), common_name=_OWN_NAME.format(number=1), issuer_key=key)
            self._foreign = key, found.public_bytes(Encoding.PEM).decode()
        key, pem = self._foreign
        return key.sign(message, _PKCS1, SHA256()), pem

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the merchant signed this."""
        try:
            self._merchant_public.verify(signature, message, _PKCS1, SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def _own(self, number: int) -> tuple[rsa.RSAPrivateKey, str]:
        key = private_key(self._directory / f"own_key_{number:03d}.pem")
        path = self._directory / f"own_cert_{number:03d}.pem"
        found = self._kept(path, key.public_key(), _OWN_NAME.format(number=number), self._middle_key, self._middle)
        return key, found.public_bytes(Encoding.PEM).decode()

    @staticmethod
    def _kept(
        path: Path,
        key: rsa.RSAPublicKey,
        name: str,
        issuer_key: rsa.RSAPrivateKey,
        issuer: x509.Certificate | None,
        *,
        authority: bool = False,
    ) -> x509.Certificate:
        found = kept_certificate(path)
        if found is None:
            found = certificate(
                key=key, common_name=name, issuer_key=issuer_key, issuer=issuer, authority=authority, days=3650
            )
            kept_certificate(path, found)
        return found
