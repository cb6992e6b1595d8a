"""The merchant's application key and Alipay's own, made at first start."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from simulators.kit.keys import (
    certificate,
    kept_certificate,
    private_key,
    public_pem,
    remembered_text,
    write_private,
)

_PKCS1 = padding.PKCS1v15()
_SHORT = {NameOID.COMMON_NAME: "CN", NameOID.ORGANIZATION_NAME: "O"}


def _sn_of(path: Path) -> str:
    """MD5 over the issuer's parts, last one first, and the serial number: opendocs.alipay.com/common/056zub."""
    loaded = kept_certificate(path)
    assert loaded is not None
    parts = [f"{_SHORT[part.oid]}={part.value!s}" for part in reversed(list(loaded.issuer))]
    return hashlib.md5(f"{','.join(parts)}{loaded.serial_number}".encode(), usedforsecurity=False).hexdigest()


class AlipayKeys:
    """Loaded once a process."""

    def __init__(self, directory: Path) -> None:
        self.app_id = remembered_text(directory / "app_id", f"2021{secrets.randbelow(10**12):012d}")
        self.seller_id = remembered_text(directory / "seller_id", f"2088{secrets.randbelow(10**12):012d}")
        self.app_private_key_path = directory / "app_key.pem"
        self._app = private_key(self.app_private_key_path).public_key()
        self._own = private_key(directory / "alipay_key.pem")
        self.public_key_path = directory / "alipay_public_key.pem"
        if not self.public_key_path.exists():
            write_private(self.public_key_path, public_pem(self._own.public_key()))
        self._certify(directory)

    def _certify(self, directory: Path) -> None:
        """Certificates of both sides under a root of ours, for applications that sign with them."""
        self.app_cert_path, self.own_cert_path = directory / "app_cert.pem", directory / "alipay_cert.pem"
        self.root_cert_path = directory / "alipay_root_cert.pem"
        authority = private_key(directory / "root_key.pem")
        root = kept_certificate(self.root_cert_path) or kept_certificate(
            self.root_cert_path,
            certificate(
                key=authority.public_key(), common_name="Simulated Alipay Root R1", issuer_key=authority, authority=True
            ),
        )
        assert root is not None
        for path, key, name in (
            (self.app_cert_path, self._app, f"{self.app_id}.example"),
            (self.own_cert_path, self._own.public_key(), "Simulated Alipay"),
        ):
            if kept_certificate(path) is None:
                made = certificate(key=key, common_name=name, issuer_key=authority, issuer=root)
                kept_certificate(path, made)
        self.app_cert_sn, self.own_cert_sn = _sn_of(self.app_cert_path), _sn_of(self.own_cert_path)
        self.root_cert_sn = _sn_of(self.root_cert_path)

    def sign(self, message: bytes) -> bytes:
        """RSA2 as Alipay."""
        return self._own.sign(message, _PKCS1, SHA256())

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the application signed this."""
        try:
            self._app.verify(signature, message, _PKCS1, SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True
