"""``var/demo.json``: addresses, logins and keys of the demo, for people and scripts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrations.stand_ins import Account
from samples.demo.merchants import GUARDED, OUTLINES, Outline, logins


@dataclass(slots=True)
class Secrets:
    """What only this file knows: the database keeps hashes. ``passwords`` and ``apps`` (the secret of the
    app that shows codes) by login, ``keys`` by merchant code.
    """

    passwords: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    apps: dict[str, str] = field(default_factory=dict)


def read(file: Path) -> Secrets:
    """What an earlier start wrote; nothing where it is missing or not ours."""
    try:
        data = json.loads(file.read_text())
        return Secrets(
            {person["username"]: person["password"] for person in data["staff"]},
            {merchant["code"]: merchant["api_key"] for merchant in data["merchants"]},
            {person["username"]: person["totp_secret"] for person in data["staff"] if "totp_secret" in person},
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Secrets()


def write(file: Path, *, base_url: str, secrets: Secrets, accounts: Mapping[str, Account]) -> None:
    """Write it whole or not at all, readable by its owner only."""
    data = {
        "base_url": base_url,
        "staff": [
            {
                "merchant": outline.code,
                "role": role.value,
                "username": name,
                "password": secrets.passwords[name],
                **({"totp_secret": secrets.apps[name]} if name in secrets.apps else {}),
            }
            for outline in (*OUTLINES, GUARDED)
            for name, role in logins(outline)
        ],
        "merchants": [_merchant(outline, secrets) for outline in OUTLINES],
        "simulators": {channel: dict(account.shown) for channel, account in accounts.items()},
        # The till in the browser, where the demo runs one.
        "terminal": {"url": os.environ.get("TERMINAL_URL", "")},
    }
    building = file.with_name(f"{file.name}.new")
    building.unlink(missing_ok=True)
    with open(building, "x", encoding="utf-8", opener=_private) as stream:
        json.dump(data, stream, ensure_ascii=False, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    building.replace(file)


def _merchant(outline: Outline, secrets: Secrets) -> dict[str, Any]:
    stores: Sequence[dict[str, Any]] = [
        {"code": shop.code, "name": shop.name, "terminals": list(shop.terminals), "cashiers": list(shop.cashiers)}
        for shop in outline.shops
    ]
    return {"code": outline.code, "name": outline.name, "api_key": secrets.keys[outline.code], "stores": stores}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
