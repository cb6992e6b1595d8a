"""Was the audit trail rewritten? For who holds one older checkpoint and the public key that came with it.

    python verify.py PUBLIC_KEY older-checkpoint.json chain.jsonl

``chain.jsonl`` is the whole trail as the desk gives it out: a line an event, then a line a checkpoint. Nothing of it is believed:
the events are hashed anew, each over the hash before it, and every checkpoint has to carry that hash and a signature by the key.
Prints what does not hold and ends with 1, or ends with 0. Needs Python 3.11 and ``pip install cryptography``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

#: A checkpoint is made every hour. A trail whose last one is older may have been cut.
FRESH_FOR = timedelta(hours=2)


def is_signed(key: str, body: str, signature: str) -> bool:
    """Whether the holder of this key signed this text."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), body.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def read(line: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    """A checkpoint: its text as it was signed, what it says, and its signatures by key. Raises ``ValueError``."""
    row = json.loads(line)
    try:
        said = json.loads(row["body"])
        said = {
            name: kind(said[name]) for name, kind in (("merchant", int), ("seq", int), ("hash", str), ("before", str))
        } | {"at": datetime.fromisoformat(said["at"])}
        return str(row["body"]), said, {str(key): str(signature) for key, signature in row["signatures"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no checkpoint") from error


def faults(*, key: str, older: str, chain: Iterable[str], now: datetime) -> list[str]:
    """What does not hold, nothing where all does. ``older`` is the holder's own checkpoint, ``key`` the public key in hex."""
    lines = [line.rstrip("\n") for line in chain]
    events = [line for line in lines if line.startswith("[")]
    if lines[: len(events)] != events:
        return ["there are events after checkpoints, or lines that are neither"]
    try:
        mine, held, signatures = read(older)
        found = [read(line) for line in lines[len(events) :]]
    except ValueError:
        return ["there is a line that is neither event nor checkpoint"]
    trusted, hashes = {key}, hashes_of(events, held["merchant"])
    if isinstance(hashes, str):
        return [hashes]
    if not is_signed(key, mine, signatures.get(key, "")):
        return ["your own checkpoint is not signed by this key"]
    wrong = [] if mine in [text for text, _said, _signatures in found] else ["your checkpoint is not in the trail"]
    last = {"seq": 0, "at": datetime.min.replace(tzinfo=UTC), "text": "", "merchant": held["merchant"]}
    is_known = False
    for text, said, signatures in found:
        is_known = is_known or text == mine
        wrong += misplaced(said, after=last, hashes=hashes)
        signers = {one for one, signature in signatures.items() if is_signed(one, text, signature)}
        if is_known and not signers & trusted:
            wrong.append(f"the checkpoint at {said['seq']} is not signed by a key that you trust")
        elif is_known:
            # A key takes over by a checkpoint that the one before it has signed as well.
            trusted |= signers
        last = {**said, "text": text}
    if last["seq"] != len(events):
        wrong.append("there are events that no checkpoint covers")
    if not -timedelta(minutes=5) <= now - last["at"] <= FRESH_FOR:
        wrong.append(f"the last checkpoint is of {last['at']:%Y-%m-%d %H:%M}: the end may have been cut")
    return wrong


def misplaced(said: dict[str, Any], *, after: dict[str, Any], hashes: list[str]) -> Iterator[str]:
    """What is wrong with a checkpoint's place among the others and the events."""
    if said["before"] != (hashlib.sha256(after["text"].encode()).hexdigest() if after["text"] else ""):
        yield f"the checkpoint at {said['seq']} does not follow the one before it"
    if said["merchant"] != after["merchant"] or said["seq"] < after["seq"] or said["at"] <= after["at"]:
        yield f"the checkpoint at {said['seq']} is out of order"
    if not 0 <= said["seq"] < len(hashes) or hashes[said["seq"]] != said["hash"]:
        yield f"the trail up to {said['seq']} is not the one that was signed"


def hashes_of(events: list[str], merchant: int) -> list[str] | str:
    """The hash after each event, the first one of none; or what is wrong with their numbers."""
    hashes = ["00" * 32]
    for number, line in enumerate(events, start=1):
        try:
            seq, _event, whose = json.loads(line)[:3]
        except ValueError:
            return f"event {number} cannot be read"
        if (seq, whose) != (number, merchant):
            return f"event {number} is another one, or another merchant's"
        hashes.append(hashlib.sha256(bytes.fromhex(hashes[-1]) + line.encode()).hexdigest())
    return hashes


def main(key: str, older: str, chain: str) -> int:
    """The command: what is found, a line each."""
    with Path(chain).open(encoding="utf-8", newline="\n") as stream:
        wrong = faults(key=key, older=Path(older).read_text(encoding="utf-8"), chain=stream, now=datetime.now(UTC))
    print("\n".join(wrong) or "The trail is the one that was signed.")  # noqa: T201 - a command
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
