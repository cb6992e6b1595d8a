"""Signed checkpoints of the chains, for holders outside: whoever has an older one finds every rewriting (``clients/verify.py``).

Links are made under a secret key, so that outsiders cannot follow them. A checkpoint carries a second hash that anybody can
follow: SHA-256 over the hash before and the event's text, from the first event on. Only what was found in order is signed
(Ed25519, under a key that is derived from the audit key and in no database), each with the hash of the one before it. They are
kept in a table that only grows and in a file outside the database.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import transaction

from core.audit import heads, keys
from core.audit.chain import GENESIS, keyed_digest, not_in_chains
from core.audit.models import AuditCheckpoint, AuditEvent, AuditLink
from core.audit.record import content, encode, is_ours
from core.audit.verifying import written_without_key

logger = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
_FILE = "checkpoints.jsonl"


class NotInOrder(Exception):
    """The chain is not what it was: nothing of it is signed. The message says where."""


def line_of(seq: int, event: AuditEvent) -> str:
    """An event as it is given out and hashed."""
    return encode([seq, event.pk, *content(event)]).decode()


def fold(before: bytes, line: str) -> bytes:
    """The hash (SHA-256) of everything up to ``line``; ``before`` is that of the lines above it."""
    return hashlib.sha256(before + line.encode()).digest()


def public_key(key: keys.Key) -> str:
    """In hex, for holders."""
    made = Ed25519PrivateKey.from_private_bytes(key.checkpoints).public_key()
    return made.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def signed(body: str, *by: keys.Key) -> dict[str, str]:
    """Signatures over the text, by public key."""
    return {
        public_key(key): Ed25519PrivateKey.from_private_bytes(key.checkpoints).sign(body.encode()).hex() for key in by
    }


def body_of(*, merchant_id: int, seq: int, head: bytes, at: datetime, before: str) -> str:
    """The text that is signed; ``before`` is the body of the checkpoint before it, "" for none."""
    said = {
        "merchant": merchant_id,
        "seq": seq,
        "hash": head.hex(),
        "at": at.isoformat(),
        "before": hashlib.sha256(before.encode()).hexdigest() if before else "",
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def make(*, at: datetime) -> int:
    """A checkpoint of every chain whose last one is an hour old, whether it has grown or not. Returns how many."""
    count, lost = 0, dict(not_in_chains(heads.Follower().heads()))
    for merchant_id in AuditLink.objects.values_list("merchant_id", flat=True).distinct().order_by("merchant_id"):
        if merchant_id in lost:
            logger.error("no checkpoint of the audit chain of merchant %s: it has lost its head outside", merchant_id)
            continue
        try:
            count += _make(merchant_id, at)
        except (NotInOrder, OSError):
            logger.exception("no checkpoint of the audit chain of merchant %s", merchant_id)
    return count


@transaction.atomic
def _make(merchant_id: int, at: datetime) -> bool:
    with _locked() as file:
        last = AuditCheckpoint.objects.filter(merchant_id=merchant_id).order_by("-pk").first()
        outside = _last_outside(file, merchant_id)
        if (outside and outside["body"]) != (last and last.body):
            raise NotInOrder("the last checkpoint in the database is not the last one outside")
        seq, head, link, key_ids = 0, GENESIS, GENESIS, [keys.ring().current.id]
        if last is not None:
            said = _verified(last)
            if at - last.at < EVERY:
                return False
            seq, head = int(said["seq"]), bytes.fromhex(said["hash"])
            link = _link_at(merchant_id, seq)
            key_ids += [last.key_id] if last.key_id != key_ids[0] else []
        seq, head = _grown(merchant_id, seq, head, link)
        body = body_of(merchant_id=merchant_id, seq=seq, head=head, at=at, before=last.body if last else "")
        signatures = signed(body, *(keys.ring().known[one] for one in key_ids))
        AuditCheckpoint.objects.create(
            merchant_id=merchant_id, seq=seq, body=body, signatures=signatures, key_id=key_ids[0], at=at
        )
        with file.open("a", encoding="utf-8") as stream:
            stream.write(as_line(body, signatures) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    return True


def as_line(body: str, signatures: dict[str, str]) -> str:
    """A checkpoint as it is handed out."""
    return json.dumps({"body": body, "signatures": signatures}, sort_keys=True, separators=(",", ":"))


def _verified(last: AuditCheckpoint) -> dict[str, str]:
    key = keys.ring().known.get(last.key_id)
    if key is None:
        raise NotInOrder(f"the last checkpoint is under the key {last.key_id}, which is not among ours")
    try:
        signature = bytes.fromhex(last.signatures.get(public_key(key), ""))
        Ed25519PrivateKey.from_private_bytes(key.checkpoints).public_key().verify(signature, last.body.encode())
    except InvalidSignature as error:
        raise NotInOrder("the last checkpoint is not signed by us") from error
    said: dict[str, str] = json.loads(last.body)
    return said


def _link_at(merchant_id: int, seq: int) -> bytes:
    found = AuditLink.objects.filter(merchant_id=merchant_id, seq=seq).first()
    if found is None:
        raise NotInOrder(f"the chain ends before {seq}")
    return bytes(found.hash)


def _grown(merchant_id: int, seq: int, head: bytes, link: bytes) -> tuple[int, bytes]:
    """Place and public hash after the events since, each found to be ours and in its place. Raises ``NotInOrder``."""
    known, exempt = keys.ring().known, written_without_key()
    rows = AuditLink.objects.filter(merchant_id=merchant_id, seq__gt=seq).select_related("event").order_by("seq")
    for row in rows.iterator(chunk_size=2000):
        key, event = known.get(row.key_id), row.event
        is_next = row.seq == seq + 1 and event.merchant_id == merchant_id
        # What was taken over from before there was a key is vouched for as it is.
        holds = event.pk <= exempt or (
            key is not None and is_ours(event) and keyed_digest(key, link, row.seq, event) == bytes(row.hash)
        )
        if not (is_next and holds):
            raise NotInOrder(f"event {event.pk} at {row.seq} is not what was sealed")
        seq, head, link = row.seq, fold(head, line_of(row.seq, event)), bytes(row.hash)
    return seq, head


def given_out(*, merchant_id: int) -> Iterator[str]:
    """The whole trail up to its last checkpoint: a line an event, then a line a checkpoint."""
    checkpoints = AuditCheckpoint.objects.filter(merchant_id=merchant_id).order_by("pk")
    last = checkpoints.last()
    if last is None:
        return
    links = AuditLink.objects.filter(merchant_id=merchant_id, seq__lte=last.seq).select_related("event").order_by("seq")
    for row in links.iterator(chunk_size=2000):
        yield line_of(row.seq, row.event)
    for one in checkpoints.filter(pk__lte=last.pk):
        yield as_line(one.body, one.signatures)


def _last_outside(file: Path, merchant_id: int) -> dict[str, str] | None:
    found = None
    if file.exists():
        with file.open(encoding="utf-8") as stream:
            for line in stream:
                # A process that was killed may leave a part of a line: its row was never committed.
                if line.endswith("\n") and f'\\"merchant\\":{merchant_id},' in line:
                    found = json.loads(line)
    return found


@contextmanager
def _locked() -> Iterator[Path]:
    folder = Path(settings.AUDIT_HEADS_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "checkpoints.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / _FILE
