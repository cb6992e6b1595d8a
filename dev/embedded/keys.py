"""Secrets, made here and now from the system's randomness; none is ever part of the repository."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path


def token() -> str:
    """A password that needs no escaping in a URL, a shell or a configuration file (256 bits)."""
    return secrets.token_hex(32)


def application_keys() -> dict[str, str]:
    """Fresh values of the settings that hold keys: SECRET_KEY, and three of 32 bytes in base64."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PERSONAL_DATA_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SEARCH_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "AUDIT_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def kept(*, file: Path) -> dict[str, str]:
    """The demo's secrets: read from `file`, made and written there (mode 0600) at the first start.

    What a demo from before did not need yet is made at its next start.
    """
    found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    made = {
        **application_keys(),
        "postgres_superuser": token(),
        "postgres_owner": token(),
        "postgres_application": token(),
        "valkey": token(),
        "supervisor": token(),
    }
    if made.keys() <= found.keys():
        return found
    write_private(file=file, text=json.dumps(made | found, indent=2) + "\n")
    return made | found


def write_private(*, file: Path, text: str) -> None:
    """Write `file` whole or not at all, readable by its owner only from its first byte on."""
    building = file.with_name(file.name + ".new")
    building.unlink(missing_ok=True)
    with os.fdopen(os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    building.replace(file)
