"""The stand-in channels as the sample data needs them: their accounts, payments made known to them, faults ordered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from refunds.adapters import known_channels

_CHUNK = 5000


class StandInUnreachable(Exception):
    """A stand-in's account is missing or it does not answer; the message says which."""


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant's account at a stand-in. ``shown`` is account.json as it is, for demo.json."""

    channel: str
    base_url: str
    control_url: str
    credentials: Mapping[str, str]
    shown: Mapping[str, Any]


def accounts_in(folder: Path) -> dict[str, Account]:
    """The accounts of every stand-in whose channel the product can talk to. Raises ``StandInUnreachable`` without any."""
    found = {}
    for channel in sorted(known_channels()):
        file = folder / channel / "account.json"
        if file.exists():
            found[channel] = _read_account(channel, json.loads(file.read_text()))
    if "wechat" not in found:
        raise StandInUnreachable(f"there is no {folder / 'wechat' / 'account.json'}: is the simulator running?")
    return found


def _read_account(channel: str, data: Mapping[str, Any]) -> Account:
    """Credentials are the texts of account.json; where it names a file (``x_path``), its content under ``x``."""
    credentials = {}
    for name, value in data.items():
        if name.endswith("_url"):
            continue
        if name.endswith("_path"):
            credentials[name.removesuffix("_path")] = Path(value).read_text()
        else:
            credentials[name] = str(value)
    return Account(channel, data["base_url"], data["control_url"], credentials, data)


class Control:
    """The control API of one stand-in."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=60), retries=False)

    def seed(self, payments: Iterable[Mapping[str, object]]) -> int:
        """Make payments known, in bulk. The same payment again changes nothing. Returns how many."""
        known = list(payments)
        for start in range(0, len(known), _CHUNK):
            self._call("POST", "/payments", {"payments": known[start : start + _CHUNK]})
        return len(known)

    def order_faults(self, faults: Sequence[Mapping[str, object]]) -> None:
        """Have something go wrong, see the stand-in's ``GET /faults``."""
        for fault in faults:
            self._call("POST", "/faults", fault)

    def set_magic(self, *, enabled: bool) -> None:
        """Whether amounts ending in 01 to 04 fen have a special outcome."""
        self._call("POST", "/magic", {"enabled": enabled})

    def _call(self, method: str, path: str, body: Mapping[str, object]) -> Any:
        try:
            reply = self._http.request(method, self._url + path, json=body)
        except urllib3.exceptions.HTTPError as error:
            raise StandInUnreachable(f"{self._url} does not answer ({type(error).__name__})") from error
        if reply.status >= 300:
            raise StandInUnreachable(f"{self._url}{path} answered {reply.status}: {reply.data[:300]!r}")
        return reply.json()
