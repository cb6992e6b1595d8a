"""Secrets, made here and now from the system's randomness; none is ever part of the repository."""

from __future__ import annotations

import base64
import secrets


def token() -> str:
    """A password that needs no escaping in a URL, a shell or a configuration file (256 bits)."""
    return secrets.token_hex(32)


def application_keys() -> dict[str, str]:
    """Fresh values of the settings that hold keys: SECRET_KEY, and two of 32 bytes in base64."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PERSONAL_DATA_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SEARCH_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
