"""What the Python peers share: the runner's brief, a line a check, the simulator's control API. Standard library only."""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What a peer must never have loaded: a check shares no code with what it checks.
OURS = {"config", "core", "merchants", "payment_channels", "refunds", "simulators", "terminals"}
WAIT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notice as it came over the wire."""

    headers: dict[str, str]
    body: bytes


class Brief:
    """What the runner tells a peer on standard input; see ``run.py``."""

    def __init__(self) -> None:
        told: dict[str, Any] = json.load(sys.stdin)
        self.account: dict[str, str] = told["account"]
        #: The gateway behind a proxy that flips one bit of every answer's body, or of its signature.
        self.spoiled_body_url: str = told["spoiled_body_url"]
        self.spoiled_signature_url: str = told["spoiled_signature_url"]
        self.stranger_private_key = Path(told["stranger_private_key_path"]).read_text()
        self.stranger_public_key = Path(told["stranger_public_key_path"]).read_text()
        self.work_dir = Path(told["work_dir"])
        self._inbox_url: str = told["inbox_url"]

    def read(self, name: str) -> str:
        """The file that account.json names under ``<name>_path``."""
        return Path(self.account[f"{name}_path"]).read_text()

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call the simulator's control API."""
        content = None if body is None else json.dumps(body).encode()
        return json.loads(http(method, self.account["control_url"] + path, content, "application/json"))

    def moved_fen(self, order_no: str) -> int:
        """The money that the simulator says has really moved for a sale."""
        return sum(row["amount_fen"] for row in self.control("GET", f"/ledger?order_no={order_no}")["rows"])

    def notice_url(self, name: str) -> str:
        """Where the simulator may send notices; each name is a box of its own."""
        return f"{self._inbox_url}/{name}"

    def notice(self, name: str) -> Notice:
        """The first notice that came under this name. Waits for it."""

        def first() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = json.loads(http("GET", self.notice_url(name)))
            return found

        found = until(first)[0]
        return Notice(headers=found["headers"], body=b64decode(found["body"]))


def http(method: str, url: str, body: bytes | None = None, content_type: str = "") -> bytes:
    """One HTTP exchange; the answer's body. Raises on 4xx and 5xx."""
    headers = {"Content-Type": content_type} if content_type else {}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)  # noqa: S310 - the runner's own
    with urllib.request.urlopen(request, timeout=WAIT_S) as response:  # noqa: S310
        content: bytes = response.read()
    return content


def until(probe: Callable[[], Any]) -> Any:
    """What ``probe`` answers as soon as that is something. Raises TimeoutError."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = probe()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"nothing within {WAIT_S:.0f} s")


def flipped(text: str, *, after: str = "") -> str:
    """The text with the lowest bit of the first digit after ``after`` turned over: still well formed, no longer the same."""
    start = text.index(after) + len(after)
    found = re.search("[0-9]", text[start:])
    if found is None:
        raise ValueError("no digit to flip")
    position = start + found.start()
    return text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]


@contextmanager
def check(name: str) -> Iterator[None]:
    """A named check: it holds unless something is raised inside."""
    try:
        yield
    except Exception as error:
        _say({"check": name, "passed": False, "detail": f"{type(error).__name__}: {error}"})
    else:
        _say({"check": name, "passed": True})


def finish() -> None:
    """Say that nothing was left out, and that nothing of ours was used."""
    with check("nothing of the product or the simulators was loaded"):
        loaded = {name.partition(".")[0] for name in sys.modules} & OURS
        assert not loaded, sorted(loaded)
    _say({"finished": True})


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()
