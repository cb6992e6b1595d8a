"""Heads of the chains, written outside the database where the verifier compares them.

A folder of files (``AUDIT_HEADS_DIR``), one a month, a line of JSON each time chains have grown: each merchant's last place
and hash. Every line is authenticated under the audit key together with the line before it and counted on, so that a changed
line, a missing line and a cut end are seen. A line may say up to where a verification found everything in order, and it says
for ever which earlier heads were no longer in the database when their chains grew on.
"""

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from core.audit import keys

#: merchant -> (seq, hash)
Heads = dict[int, tuple[int, bytes]]

_FIRST = "0" * 64


@dataclass(slots=True)
class Anchors:
    """What the files say."""

    #: The number of the last line; 0: there is none.
    last_line: int = 0
    #: Each merchant's last anchored head.
    heads: Heads = field(default_factory=dict)
    #: As of the last verification without a finding, with the place in (txid, id) order that it had reached.
    verified: Heads | None = None
    verified_to: tuple[int, int] = (0, 0)
    #: Earlier heads that their chains did not have any more when they grew on.
    lost: list[tuple[int, int]] = field(default_factory=list)
    #: What is wrong with the files themselves.
    faults: list[str] = field(default_factory=list)


def append(
    heads: Heads, *, after: int, at: datetime, lost: Heads | None = None, verified_to: tuple[int, int] | None = None
) -> int:
    """Write a line, safe on disk when this returns. Returns its number, which is above ``after``. Raises ``OSError``.

    Several processes may do so at once: each takes the lock of the folder.
    """
    with _locked() as folder:
        last = _last_line(folder)
        body: dict[str, Any] = {
            # Lines that were written and are gone keep their numbers: the gap is seen.
            "n": max(last["n"], after) + 1,
            "at": at.isoformat(),
            "key": keys.ring().current.id,
            "heads": _written(heads),
            "before": last["mac"],
        }
        if lost:
            body["lost"] = _written(lost)
        if verified_to is not None:
            body["verified_to"] = list(verified_to)
        line = json.dumps({**body, "mac": _mac(body, keys.ring().current)}, separators=(",", ":")) + "\n"
        file = folder / f"heads-{at:%Y-%m}.jsonl"
        # A clock that was set back must not put a later line into an earlier file.
        file = max([file, *_files(folder)])
        with open(file, "ab", opener=_private) as stream:
            stream.write(line.encode())
            stream.flush()
            os.fsync(stream.fileno())
    return int(body["n"])


def close(*, before: int) -> None:
    """Put the files aside: they stay for people, and are read no more."""
    with _locked() as folder:
        for file in _files(folder):
            file.rename(file.with_name(f"{file.name}.{before}.closed"))


def read() -> Anchors:
    """All of it, checked line by line."""
    anchors, known, before = Anchors(), keys.ring().known, ""
    for name, text in _lines(Path(settings.AUDIT_HEADS_DIR)):
        try:
            line = json.loads(text)
            number, mac, key = int(line["n"]), line.pop("mac"), known.get(line["key"])
        except (ValueError, KeyError, TypeError, AttributeError):
            anchors.faults.append(f"{name} has a line after {anchors.last_line} that is none of ours")
            continue
        if key is None or not hmac.compare_digest(str(mac), _mac(line, key)):
            anchors.faults.append(f"line {number} of {name} was changed, or written under another key")
            continue
        follows = number == anchors.last_line + 1 and line["before"] == before
        # Files of long ago may be kept elsewhere, but a new set begins at 1.
        if not (follows if anchors.last_line else number == 1 or line["before"] != _FIRST):
            anchors.faults.append(f"line {number} of {name} does not follow line {anchors.last_line}")
        anchors.last_line, before = number, mac
        heads = _read(line["heads"])
        _raise(anchors.heads, heads)
        anchors.lost += [(merchant, seq) for merchant, (seq, _hash) in _read(line.get("lost", {})).items()]
        if "verified_to" in line:
            anchors.verified = heads
            txid, event_id = line["verified_to"]
            anchors.verified_to = (int(txid), int(event_id))
    return anchors


def _written(heads: Heads) -> dict[str, list[Any]]:
    return {str(merchant): [seq, link_hash.hex()] for merchant, (seq, link_hash) in sorted(heads.items())}


def _read(written: dict[str, list[Any]]) -> Heads:
    return {int(merchant): (int(seq), bytes.fromhex(text)) for merchant, (seq, text) in written.items()}


def _raise(known: Heads, later: Heads) -> None:
    """What a verification had reached may be behind what was sealed meanwhile."""
    known.update((merchant, head) for merchant, head in later.items() if head[0] >= known.get(merchant, head)[0])


class Follower:
    """The last head of each merchant, kept up with the files at the price of what was added to them."""

    def __init__(self) -> None:
        self._folder = Path()
        self._read_to: dict[Path, int] = {}
        self._heads: Heads = {}

    def heads(self) -> Heads:
        """As they stand in the files now."""
        folder = Path(settings.AUDIT_HEADS_DIR)
        files = _files(folder)
        if folder != self._folder or not self._read_to.keys() <= set(files):
            self._folder, self._read_to, self._heads = folder, {}, {}
        for file in files:
            with file.open("rb") as stream:
                stream.seek(self._read_to.get(file, 0))
                for line in stream:
                    if not line.endswith(b"\n"):
                        break
                    self._read_to[file] = self._read_to.get(file, 0) + len(line)
                    try:
                        _raise(self._heads, _read(json.loads(line)["heads"]))
                    except (ValueError, KeyError, TypeError, AttributeError):
                        # None of ours: a verification says so.
                        continue
        return self._heads


def is_empty() -> bool:
    """Whether nothing was ever written here."""
    return not any(True for _ in _lines(Path(settings.AUDIT_HEADS_DIR)))


def _mac(body: dict[str, Any], key: keys.Key) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key.heads, text.encode(), "sha256").hex()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("heads-*.jsonl"))


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    for file in _files(folder):
        with file.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                # A process that was killed, or a full disk, may leave a part of a line at the end: nobody relies on it.
                if line.endswith("\n"):
                    yield file.name, line


def _last_line(folder: Path) -> dict[str, Any]:
    for file in reversed(_files(folder)):
        with file.open("r+b") as stream:
            _cut_torn_end(stream)
            text = _tail(stream)
        if text:
            return _place_of(text)
    return {"n": 0, "mac": _FIRST}


def _place_of(text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text)
        return {"n": int(line["n"]), "mac": str(line["mac"])}
    except (ValueError, KeyError, TypeError):
        # Somebody wrote into it. Heads go on being written, and the reader reports both lines.
        return {"n": 0, "mac": _FIRST}


def _cut_torn_end(stream: BinaryIO) -> None:
    stream.seek(0)
    size = stream.seek(0, os.SEEK_END)
    whole = size
    while whole:
        start = max(0, whole - 65_536)
        stream.seek(start)
        found = stream.read(whole - start).rfind(b"\n")
        whole = start + found + 1
        if found >= 0:
            break
    if whole != size:
        stream.truncate(whole)


def _tail(stream: BinaryIO) -> bytes:
    """The last line of a file of whole lines."""
    size = stream.seek(0, os.SEEK_END)
    read, start = b"", size
    while start and read.rstrip(b"\n").count(b"\n") == 0:
        start = max(0, start - 65_536)
        stream.seek(start)
        read = stream.read(size - start)
    return read.rstrip(b"\n").rpartition(b"\n")[2]


@contextmanager
def _locked() -> Iterator[Path]:
    """The folder, made where it is missing."""
    folder = Path(settings.AUDIT_HEADS_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
