"""Sealing events into their merchant's chain, and writing the heads of the chains outside the database.

Events are sealed a moment after they are written, by one writer at a time, and not inside the refund's own transaction: a
chain extended there would make every refund of a merchant wait for the one before (docs/adr/0009). Only events of
transactions that can no longer change are taken, in (txid, id) order, so that none is ever passed over. Links are made under
a key that the database does not have (docs/adr/0030). Checking is in ``core/audit/verifying.py``.
"""

import hashlib
import hmac
import logging
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from core.audit import heads, keys
from core.audit.actors import SYSTEM
from core.audit.models import AuditEvent, AuditLink, AuditSealPoint
from core.audit.record import content, encode, record

logger = logging.getLogger(__name__)

GENESIS = b"\0" * 32
_BATCH = 5000
#: The event that says from where on a chain is sealed under another key, or under one at all.
KEY_CHANGED = "audit.key_changed"
#: The event that says that heads outside the database were begun again, and why.
HEADS_BEGUN = "audit.heads_begun"
CHAIN = "audit_chain"


class SealRefused(Exception):
    """The trail cannot be sealed with the keys at hand; the message says why."""


def digest(previous: bytes, sealed: AuditEvent) -> bytes:
    """An event's hash in a chain from before there was a key."""
    return hashlib.sha256(previous + encode([sealed.pk, *content(sealed)])).digest()


def keyed_digest(key: keys.Key, previous: bytes, seq: int, sealed: AuditEvent) -> bytes:
    """An event's hash in the chain: it binds the event, its place and all events before it."""
    body = [seq, sealed.pk, sealed.txid, bytes(sealed.mac or b"").hex(), *content(sealed)]
    return hmac.digest(key.links, previous + encode(body), "sha256")


def seal_events() -> int:
    """Give every finished, unsealed event its place, then write the new heads outside the database.

    Returns how many were sealed; safe to run at any time. Raises ``SealRefused``.
    """
    sealed = 0
    while (count := _seal_batch()) > 0:
        sealed += count
        if count < _BATCH:
            break
    if not connection.in_atomic_block:
        # What is not committed is no head yet.
        _anchor()
    return sealed


def _seal_batch() -> int:
    key = keys.ring().current
    with transaction.atomic():
        point = _locked_point()
        if point.key_id != key.id:
            _change_key(point, key)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            (horizon,) = cursor.fetchone()
        events = list(
            AuditEvent.objects.extra(
                where=["(txid, id) > (%s, %s)", "txid < %s"], params=[point.txid, point.event_id, horizon]
            ).order_by("txid", "id")[:_BATCH]
        )
        if not events:
            return 0
        ends = _ends({event.merchant_id for event in events})
        links = []
        for one in events:
            seq, previous = ends.get(one.merchant_id, (0, GENESIS))
            link_hash = keyed_digest(key, previous, seq + 1, one)
            ends[one.merchant_id] = (seq + 1, link_hash)
            links.append(AuditLink(event=one, merchant_id=one.merchant_id, seq=seq + 1, hash=link_hash, key_id=key.id))
        AuditLink.objects.bulk_create(links, batch_size=1000)
        point.txid, point.event_id = events[-1].txid, events[-1].pk
        point.save()
    return len(events)


def _locked_point() -> AuditSealPoint:
    AuditSealPoint.objects.get_or_create(pk=1)
    return AuditSealPoint.objects.select_for_update().get(pk=1)


def _change_key(point: AuditSealPoint, key: keys.Key) -> None:
    """From here on under this key, and an event in each chain that says so. Raises ``SealRefused``.

    A trail from before there was a key is taken over once, as it is: what was written until now is vouched for from now on.
    """
    if why := keys.mismatch():
        raise SealRefused(why)
    data: dict[str, Any] = {"key": key.id, "key_before": point.key_id}
    merchants = set(AuditLink.objects.values_list("merchant_id", flat=True).distinct().order_by())
    if not point.key_id:
        if AuditLink.objects.exclude(key_id="").exists() or not heads.is_empty():
            raise SealRefused("the seal point says that no key was ever used, but chains or heads are under one")
        without_key = AuditEvent.objects.filter(mac__isnull=True)
        merchants |= set(without_key.values_list("merchant_id", flat=True).distinct().order_by())
        data["written_without_key_up_to"] = without_key.aggregate(last=Max("pk"))["last"] or 0
    ends = _ends(merchants)
    for merchant in sorted(merchants):
        seq, head = ends.get(merchant, (0, GENESIS))
        _record(merchant, KEY_CHANGED, {**data, "sealed_up_to": seq, "head": head.hex()})
    point.key_id = key.id
    point.save(update_fields=["key_id"])
    logger.info("the audit trail is sealed under key %s from now on (%s chains before)", key.id, len(merchants))


def _record(merchant_id: int, action: str, data: dict[str, Any]) -> None:
    """An event about the chain itself."""
    now = timezone.now()
    record(
        merchant_id=merchant_id, by=SYSTEM, action=action, object_type=CHAIN, object_id=merchant_id, at=now, data=data
    )


def _ends(merchant_ids: set[int]) -> heads.Heads:
    links = (
        AuditLink.objects.filter(merchant_id__in=merchant_ids).order_by("merchant_id", "-seq").distinct("merchant_id")
    )
    return {link.merchant_id: (link.seq, bytes(link.hash)) for link in links}


def _anchor() -> None:
    """Write the heads that have grown since the last time. Tried again with the next sealing when the disk refuses."""
    with transaction.atomic():
        point = _locked_point()
        if (point.anchored_txid, point.anchored_event_id) == (point.txid, point.event_id):
            return
        grown = set(
            links_after((point.anchored_txid, point.anchored_event_id), to=(point.txid, point.event_id))
            .values_list("merchant_id", flat=True)
            .distinct()
            .order_by()
        )
        ends = _ends(grown)
        try:
            before = {merchant: head for merchant, head in _written.heads().items() if merchant in grown}
            lost = dict(not_in_chains(before))
            point.anchored_line = heads.append(ends, after=point.anchored_line, at=timezone.now(), lost=lost)
        except OSError:
            logger.exception("the heads of the audit trail cannot be written")
            return
        point.anchored_txid, point.anchored_event_id = point.txid, point.event_id
        point.save(update_fields=["anchored_txid", "anchored_event_id", "anchored_line"])
    for merchant_id, (seq, head) in lost.items():
        logger.error("audit chain %s has lost its head seq=%s hash=%s", merchant_id, seq, head.hex())
    for merchant_id, (seq, head) in ends.items():
        # A second copy where logs are collected elsewhere.
        logger.info("audit head merchant=%s seq=%s hash=%s", merchant_id, seq, head.hex())


#: What this process knows of the heads that were written.
_written = heads.Follower()


def links_after(after: tuple[int, int], *, to: tuple[int, int] | None = None) -> QuerySet[AuditLink]:
    """Links whose events come after this place, in (txid, id) order, and not after that one."""
    # The filter brings the join.
    links = AuditLink.objects.filter(event__txid__gte=after[0]).extra(
        where=["(core_auditevent.txid, core_auditevent.id) > (%s, %s)"], params=after
    )
    if to is None:
        return links
    return links.extra(where=["(core_auditevent.txid, core_auditevent.id) <= (%s, %s)"], params=to)


def not_in_chains(written: heads.Heads) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Those heads that are not, or not with that hash, links of their chains."""
    remaining = iter(sorted(written.items()))
    while some := list(islice(remaining, 1000)):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT l.merchant_id, l.hash FROM core_auditlink l "
                "JOIN unnest(%s::bigint[], %s::bigint[]) w (merchant_id, seq) USING (merchant_id, seq)",
                [[merchant for merchant, _ in some], [seq for _, (seq, _hash) in some]],
            )
            there = {merchant: bytes(link_hash) for merchant, link_hash in cursor.fetchall()}
        yield from ((merchant, head) for merchant, head in some if there.get(merchant) != head[1])


def begin_heads(*, why: str) -> int:
    """Put the files aside and write all heads again; each chain gets an event that says why. Returns the last line before."""
    with transaction.atomic():
        point = _locked_point()
        before = point.anchored_line
        merchants = set(AuditLink.objects.values_list("merchant_id", flat=True).distinct().order_by())
        for merchant in sorted(merchants):
            _record(merchant, HEADS_BEGUN, {"why": why, "line_before": before})
        heads.close(before=before)
        point.anchored_line = heads.append(_ends(merchants), after=0, at=timezone.now())
        point.anchored_txid, point.anchored_event_id = point.txid, point.event_id
        point.save(update_fields=["anchored_txid", "anchored_event_id", "anchored_line"])
    seal_events()
    return before


def remember_verified(reached: heads.Heads, *, to: tuple[int, int]) -> None:
    """Write down that everything up to there was found in order: the next verification begins there."""
    if connection.in_atomic_block:
        return
    with transaction.atomic():
        point = _locked_point()
        try:
            point.anchored_line = heads.append(reached, after=point.anchored_line, at=timezone.now(), verified_to=to)
        except OSError:
            logger.exception("the heads of the audit trail cannot be written")
            return
        point.save(update_fields=["anchored_line"])
