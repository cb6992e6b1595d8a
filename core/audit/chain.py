"""Sealing events into their merchant's chain, and checking the chain.

Events are sealed a moment after they are written, by one writer at a time, and not inside the refund's own transaction: a
chain extended there would make every refund of a merchant wait for the one before (docs/adr/0009). Only events of
transactions that can no longer change are taken, in (txid, id) order, so that none is ever passed over.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from core.audit.models import AuditEvent, AuditLink, AuditSealPoint

logger = logging.getLogger(__name__)

GENESIS = b"\0" * 32
_BATCH = 5000


def digest(previous: bytes, event: AuditEvent) -> bytes:
    """The event's hash in the chain."""
    body = [
        event.pk,
        event.merchant_id,
        event.at.timestamp(),
        event.actor_kind,
        event.actor_id,
        event.actor_name,
        event.action,
        event.object_type,
        event.object_id,
        event.from_state,
        event.to_state,
        event.version,
        event.data,
    ]
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


def seal_events() -> int:
    """Give every finished, unsealed event its place. Returns how many were sealed; safe to run at any time."""
    sealed = 0
    while (count := _seal_batch()) > 0:
        sealed += count
        if count < _BATCH:
            break
    return sealed


def _seal_batch() -> int:
    with transaction.atomic():
        AuditSealPoint.objects.get_or_create(pk=1)
        point = AuditSealPoint.objects.select_for_update().get(pk=1)
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
        heads = _heads({event.merchant_id for event in events})
        links = []
        for event in events:
            seq, previous = heads.get(event.merchant_id, (0, GENESIS))
            link_hash = digest(previous, event)
            heads[event.merchant_id] = (seq + 1, link_hash)
            links.append(AuditLink(event=event, merchant_id=event.merchant_id, seq=seq + 1, hash=link_hash))
        AuditLink.objects.bulk_create(links, batch_size=1000)
        point.txid, point.event_id = events[-1].txid, events[-1].pk
        point.save()
    for merchant_id, (seq, head) in heads.items():
        # The anchor outside the database: whoever rewrites the chain must also rewrite the logs.
        logger.info("audit head merchant=%s seq=%s hash=%s", merchant_id, seq, head.hex())
    return len(events)


def _heads(merchant_ids: set[int]) -> dict[int, tuple[int, bytes]]:
    links = (
        AuditLink.objects.filter(merchant_id__in=merchant_ids).order_by("merchant_id", "-seq").distinct("merchant_id")
    )
    return {link.merchant_id: (link.seq, bytes(link.hash)) for link in links}


@dataclass(frozen=True, slots=True)
class Breach:
    """A place where the chain does not hold."""

    merchant_id: int
    seq: int
    what: str


def breaches() -> Iterator[Breach]:
    """Every place where a chain has a gap or does not recompute, and every event that was passed over."""
    expected: dict[int, tuple[int, bytes]] = {}
    links = AuditLink.objects.select_related("event").order_by("merchant_id", "seq")
    for link in links.iterator(chunk_size=2000):
        seq, previous = expected.get(link.merchant_id, (0, GENESIS))
        if link.seq != seq + 1:
            yield Breach(link.merchant_id, link.seq, f"gap after {seq}")
        elif digest(previous, link.event) != bytes(link.hash):
            yield Breach(link.merchant_id, link.seq, "hash does not recompute")
        expected[link.merchant_id] = (link.seq, bytes(link.hash))
    point: Any = AuditSealPoint.objects.filter(pk=1).first()
    if point is not None:
        missed = AuditEvent.objects.filter(link__isnull=True).extra(
            where=["(txid, core_auditevent.id) <= (%s, %s)"], params=[point.txid, point.event_id]
        )
        for event in missed[:100]:
            yield Breach(event.merchant_id, 0, f"event {event.pk} was passed over")
