"""The keys of the audit trail: outside the database, so that nobody with the database alone can forge a trail.

``AUDIT_KEY`` is the one in use, ``AUDIT_KEYS_RETIRED`` those before it: what they have sealed is still checked with them. The
database stores each key's fingerprint, never a key, and a process whose key is another one does not start (docs/adr/0030).
"""

import base64
import binascii
import hmac
import sys
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, ProgrammingError, connection

MAKE_ONE = 'python3 -c "import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())"'


@dataclass(frozen=True, slots=True)
class Key:
    """One key. What is authenticated for one purpose is worth nothing for another: each has a key of its own.

    ``checkpoints`` is the private key that signs them.
    """

    id: str
    events: bytes
    links: bytes
    heads: bytes
    checkpoints: bytes
    payouts: bytes


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key in use, and all that may have been in use, by fingerprint."""

    current: Key
    known: dict[str, Key]


def ring() -> KeyRing:
    """The keys of the settings. Raises ``ImproperlyConfigured`` in one sentence."""
    return _ring(settings.AUDIT_KEY, tuple(settings.AUDIT_KEYS_RETIRED))


@lru_cache(maxsize=8)
def _ring(current: str, retired: tuple[str, ...]) -> KeyRing:
    if not current:
        raise ImproperlyConfigured(f"AUDIT_KEY is not set: it seals the audit trail. Make one with: {MAKE_ONE}")
    first, *others = (
        _key(text, name) for text, name in ((current, "AUDIT_KEY"), *((text, "AUDIT_KEYS_RETIRED") for text in retired))
    )
    return KeyRing(first, {key.id: key for key in (first, *others)})


def _key(text: str, name: str) -> Key:
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != 32:
        raise ImproperlyConfigured(f"{name} must be 32 bytes in base64. Make one with: {MAKE_ONE}")
    fingerprint, events, links, heads, checkpoints, payouts = (
        hmac.digest(secret, b"refunddesk audit " + purpose, "sha256")
        for purpose in (b"fingerprint", b"events", b"links", b"heads", b"checkpoints", b"payouts")
    )
    return Key(fingerprint.hex()[:16], events, links, heads, checkpoints, payouts)


def mismatch() -> str:
    """Why these keys cannot be the ones this database's trail was sealed under; "" when they are, or none was sealed yet."""
    stored = _stored_id()
    if stored == "" or stored in ring().known:
        return ""
    return (
        f"AUDIT_KEY (fingerprint {ring().current.id}) is not the key under which this database's audit trail is sealed "
        f"(fingerprint {stored}): set the right one, or name that one in AUDIT_KEYS_RETIRED to change keys."
    )


def _stored_id() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT key_id FROM core_auditsealpoint")
            row = cursor.fetchone()
    except (OperationalError, ProgrammingError):
        # No database yet, or one before its migrations: what reads the trail asks again.
        return ""
    return row[0] if row else ""


def refuse_another_key() -> None:
    """End the process, in one sentence, if the keys are not those of this database. What serves or works calls it first."""
    if why := mismatch():
        sys.exit(why)
    connection.close()


def check_key(**_: object) -> list[checks.CheckMessage]:
    """One of Django's checks, for commands; ``manage.py`` registers it, since it asks the database."""
    why = mismatch()
    return [checks.Error(why, id="core.E001")] if why else []
