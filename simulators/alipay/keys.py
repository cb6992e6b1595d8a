"""The merchant's application key and Alipay's own, made at first start."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from simulators.kit.keys import private_key, public_pem, remembered_text, write_private

_PKCS1 = padding.PKCS1v15()


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
