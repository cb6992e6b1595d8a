"""Personal data: sealed per field, found by keyed hash, masked on every face.

Sealing is AES-256-GCM: one version byte, a 12-byte nonce, the ciphertext with its tag. The field's purpose is bound in as
associated data, so that a sealed phone number cannot be passed off as a name. Search hashes are HMAC-SHA-256 under another
key, cut to 16 bytes: equal values meet, nothing can be read back without the key.
"""

from __future__ import annotations

import base64
import hmac
import os
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from core.phones import NotAPhone, phone_number
from core.plain_text import person_key

_VERSION = b"\x01"
_NONCE_LENGTH = 12


@lru_cache(maxsize=4)
def _key(name: str) -> bytes:
    key = base64.b64decode(getattr(settings, name))
    if len(key) != 32:
        raise ImproperlyConfigured(f"{name} must be 32 bytes in base64")
    return key


@lru_cache(maxsize=1)
def _cipher() -> AESGCM:
    return AESGCM(_key("PERSONAL_DATA_KEY"))


def seal(text: str, *, purpose: str) -> bytes:
    """Encrypt ``text`` for a field of this purpose."""
    return seal_bytes(text.encode(), purpose=purpose)


def seal_bytes(content: bytes, *, purpose: str) -> bytes:
    """The same of a file."""
    nonce = os.urandom(_NONCE_LENGTH)
    return _VERSION + nonce + _cipher().encrypt(nonce, content, purpose.encode())


def unseal(sealed: bytes, *, purpose: str) -> str:
    """The text again. Raises ``cryptography.exceptions.InvalidTag`` if it was changed or meant for another field."""
    return unseal_bytes(sealed, purpose=purpose).decode()


def unseal_bytes(sealed: bytes, *, purpose: str) -> bytes:
    """The file again. Raises as ``unseal`` does."""
    if sealed[:1] != _VERSION:
        raise InvalidTag
    nonce, ciphertext = sealed[1 : 1 + _NONCE_LENGTH], sealed[1 + _NONCE_LENGTH :]
    return _cipher().decrypt(nonce, ciphertext, purpose.encode())


def phone_key(phone: str) -> str:
    """A phone number in the form that is compared: ``+86 138-0000-6021`` is ``13800006021``. Without digits: as it is."""
    try:
        return phone_number(phone).removeprefix("+")
    except NotAPhone:
        digits = "".join(c for c in unicodedata.normalize("NFKC", phone) if c.isascii() and c.isdigit())
        return digits or phone.strip()


def search_hash(kind: str, text: str) -> bytes:
    """The keyed hash under which a value of this kind is found (``phone``, ``phone_last4``, ``name``)."""
    return hmac.digest(_key("SEARCH_KEY"), f"{kind}:{text.strip()}".encode(), "sha256")[:16]


def name_hash(name: str) -> bytes | None:
    """Under which a person's name is found, however it is spelled; None for no name."""
    key = person_key(name)
    return search_hash("name", key) if key else None


# A submission asks for the same number twice.
@lru_cache(maxsize=1)
def phone_hashes(phone: str) -> tuple[bytes, bytes] | tuple[None, None]:
    """The hashes of a phone number and of its last four digits; none for no number."""
    if not phone:
        return None, None
    number = phone_key(phone)
    return search_hash("phone", number), search_hash("phone_last4", number[-4:])


def mask_phone(phone: str) -> str:
    """``13800006021`` -> ``138 **** 6021``; short numbers show only their end."""
    if not phone:
        return ""
    return f"{phone[:3]} **** {phone[-4:]}" if len(phone) >= 11 else f"**** {phone[-2:]}"


def mask_name(name: str) -> str:
    """``王小敏`` -> ``王*敏``; ``王敏`` -> ``王*``."""
    if len(name) <= 1:
        return "*" if name else ""
    return f"{name[0]}*" if len(name) == 2 else f"{name[0]}*{name[-1]}"


def mask_email(email: str) -> str:
    """``wangmin@example.com`` -> ``w***@example.com``."""
    local, at, domain = email.partition("@")
    return f"{local[:1]}***@{domain}" if at else ""


if TYPE_CHECKING:
    _Base = models.BinaryField[str, str]
else:
    _Base = models.BinaryField


class SealedTextField(_Base):
    """Text that is sealed in the database and plain in memory. The empty text is stored as no bytes at all."""

    def __init__(self, *args: Any, purpose: str, **kwargs: Any) -> None:
        self.purpose = purpose
        kwargs.setdefault("default", "")
        kwargs.setdefault("blank", True)
        kwargs["editable"] = True
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["purpose"] = self.purpose
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def _check_str_default_value(self) -> list[Any]:
        """In memory this field is text: an empty text is its right default."""
        return []

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
        sealed = seal(value, purpose=self.purpose) if value else b""
        return super().get_db_prep_value(sealed, connection, prepared)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> str:
        return unseal(bytes(value), purpose=self.purpose) if value else ""

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: Any) -> str:
        return str(self.value_from_object(obj))
