"""Checking the trail: nothing changed, nothing missing, nothing added, and the heads are those that were written outside.

``verify(whole=True)`` looks at every event; otherwise at what has grown since the last verification without a finding, whose
heads stand outside the database. What it cannot see, and who else looks: docs/adr/0030. With ``merchant_id`` it looks at one
chain alone, also from behind that merchant's wall.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.utils import timezone

from core.audit import heads, keys, notes
from core.audit.chain import CHAIN, GENESIS, KEY_CHANGED, digest, keyed_digest, links_after, not_in_chains
from core.audit.models import AuditEvent, AuditLink, AuditSealPoint, AuditVerification
from core.audit.record import is_ours

Row = TypeVar("Row", bound=Model)

#: Events that wait for the sealer, looked at in one verification.
_WAITING = 1000
#: Findings of one kind beyond so many add nothing.
_ENOUGH = 100


@dataclass(frozen=True, slots=True)
class Breach:
    """A place where the trail does not hold. ``seq`` is 0 where it is about no place in a chain."""

    merchant_id: int
    seq: int
    what: str


@dataclass(slots=True)
class Verification:
    """What a verification found, and how far it came."""

    breaches: list[Breach] = field(default_factory=list)
    reached: heads.Heads = field(default_factory=dict)
    to: tuple[int, int] = (0, 0)


def verify(*, whole: bool = True, merchant_id: int | None = None) -> Verification:
    """Look at every event, or at those since the last verification that found nothing."""
    # In this order: what is read later may only be further on.
    point = _point()
    anchors = heads.read() if merchant_id is None else _of(merchant_id, heads.read())
    start: heads.Heads = {}
    after = (0, 0)
    if not whole and anchors.verified is not None and not anchors.faults:
        start, after = anchors.verified, anchors.verified_to
    done = Verification(reached=dict(start), to=(point.txid, point.event_id))
    done.breaches += _files(anchors, point)
    if why := keys.mismatch():
        done.breaches.append(Breach(0, 0, why))
    done.breaches += _chains(done, after, merchant_id)
    done.breaches += _anchored(anchors)
    done.breaches += _outside_the_chains(point, after, merchant_id)
    done.breaches += _beyond_the_point(merchant_id)
    if after == (0, 0):
        done.breaches += _written_twice(merchant_id)
    return done


def work() -> int:
    """Verify whole what somebody asked for. Returns how many chains."""
    done = 0
    while waiting := AuditVerification.objects.filter(ended_at=None).order_by("pk").first():
        found = verify(merchant_id=waiting.merchant_id)
        waiting.last_seq, head = found.reached.get(waiting.merchant_id, (0, b""))
        waiting.head, waiting.ended_at = head.hex(), timezone.now()
        waiting.findings = [[breach.seq, breach.what] for breach in found.breaches[:_ENOUGH]]
        waiting.save(update_fields=["last_seq", "head", "ended_at", "findings"])
        done += 1
    return done


def _of(merchant_id: int, anchors: heads.Anchors) -> heads.Anchors:
    """What the files say of one chain."""

    def theirs(found: heads.Heads) -> heads.Heads:
        return {merchant: head for merchant, head in found.items() if merchant == merchant_id}

    return replace(
        anchors,
        heads=theirs(anchors.heads),
        verified=None if anchors.verified is None else theirs(anchors.verified),
        lost=[(merchant, seq) for merchant, seq in anchors.lost if merchant == merchant_id],
    )


def _point() -> AuditSealPoint:
    return AuditSealPoint.objects.filter(pk=1).first() or AuditSealPoint()


def _files(anchors: heads.Anchors, point: AuditSealPoint) -> Iterator[Breach]:
    for fault in anchors.faults[:_ENOUGH]:
        yield Breach(0, 0, f"heads outside the database: {fault}")
    if anchors.last_line < point.anchored_line:
        yield Breach(
            0,
            0,
            f"the heads outside the database end at line {anchors.last_line}, but line {point.anchored_line} was written: "
            "they were cut or replaced, or are not on this machine",
        )


def _chains(done: Verification, after: tuple[int, int], merchant_id: int | None) -> Iterator[Breach]:
    """Recompute, and follow each chain from one link to the next. Leaves in ``done`` how far each goes."""
    exempt = written_without_key()
    # What was verified before was under a key.
    keyed = set(done.reached)
    last: dict[int, tuple[int, int]] = {}
    typed: dict[str, tuple[int, int]] = {}
    links = (
        _narrowed(links_after(after, to=done.to), merchant_id).select_related("event").order_by("merchant_id", "seq")
    )
    for link in links.iterator(chunk_size=2000):
        merchant, event = link.merchant_id, link.event
        seq, previous = done.reached.get(merchant, (0, GENESIS))
        if link.seq != seq + 1:
            yield Breach(merchant, link.seq, f"gap after {seq}")
        elif not link.key_id and merchant in keyed:
            yield Breach(merchant, link.seq, "sealed without a key after links that are under one")
        elif link.key_id and link.key_id not in keys.ring().known:
            yield Breach(merchant, link.seq, f"sealed under the key {link.key_id}, which is not among ours")
        elif _recomputed(link, previous) != bytes(link.hash):
            yield Breach(merchant, link.seq, "hash does not recompute")
        elif event.merchant_id != merchant or (event.txid, event.pk) <= last.get(merchant, (0, 0)):
            yield Breach(merchant, link.seq, "not in the order in which it was written")
        elif event.pk > exempt and not is_ours(event):
            yield Breach(merchant, link.seq, f"event {event.pk} was not written by us")
        if link.key_id:
            keyed.add(merchant)
        done.reached[merchant] = (link.seq, bytes(link.hash))
        last[merchant] = (event.txid, event.pk)
        typed.update((one, (merchant, link.seq)) for one in notes.hashes_of(event))
        if len(typed) >= _WAITING:
            yield from _notes(typed)
            typed.clear()
    yield from _notes(typed)
    unkeyed = done.reached.keys() - keyed
    if unkeyed:
        # Taken over under a key a moment ago: the event that says so waits for its link.
        unkeyed -= {event.merchant_id for event in _key_changes().filter(link__isnull=True) if is_ours(event)}
    for merchant in sorted(unkeyed):
        yield Breach(merchant, done.reached[merchant][0], "the chain is sealed without a key")


def _notes(typed: dict[str, tuple[int, int]]) -> Iterator[Breach]:
    """What was typed beside the events stands as it was, or was erased."""
    for one, what in notes.breaches(typed).items():
        yield Breach(*typed[one], what)


def _narrowed(rows: QuerySet[Row], merchant_id: int | None) -> QuerySet[Row]:
    return rows if merchant_id is None else rows.filter(merchant_id=merchant_id)


def _recomputed(link: AuditLink, previous: bytes) -> bytes:
    if not link.key_id:
        return digest(previous, link.event)
    return keyed_digest(keys.ring().known[link.key_id], previous, link.seq, link.event)


def written_without_key() -> int:
    """The last event from before events were written under a key, as an event that was says."""
    taken_over = _key_changes().filter(data__has_key="written_without_key_up_to")
    return max((event.data["written_without_key_up_to"] for event in taken_over if is_ours(event)), default=0)


def _key_changes() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(action=KEY_CHANGED, object_type=CHAIN).order_by("pk")


def _anchored(anchors: heads.Anchors) -> Iterator[Breach]:
    """Each head that stands outside is still a link, with that hash, and always was."""
    for merchant, (seq, _hash) in not_in_chains(anchors.heads):
        yield Breach(merchant, seq, "the chain was cut or rewritten: this head stands outside the database")
    for merchant, seq in sorted(set(anchors.lost))[:_ENOUGH]:
        yield Breach(merchant, seq, "the chain was cut or rewritten, then grew: this head stands outside the database")


def _outside_the_chains(point: AuditSealPoint, after: tuple[int, int], merchant_id: int | None) -> Iterator[Breach]:
    """Events without a link: those that are not sealed yet are ours, and there are no others."""
    unlinked = _narrowed(AuditEvent.objects.filter(link__isnull=True), merchant_id).order_by("txid", "pk")
    passed = unlinked.extra(
        where=["(txid, core_auditevent.id) <= (%s, %s)", "(txid, core_auditevent.id) > (%s, %s)"],
        params=[point.txid, point.event_id, *after],
    )
    for event in passed[:_ENOUGH]:
        yield Breach(event.merchant_id, 0, f"event {event.pk} was passed over")
    if not point.key_id:
        # Nothing was ever sealed under a key: whatever is there may be from before.
        return
    exempt = written_without_key()
    waiting = unlinked.extra(
        where=["(txid, core_auditevent.id) > (%s, %s)"], params=[point.txid, point.event_id]
    ).filter(pk__gt=exempt)
    for event in waiting[:_WAITING]:
        if not is_ours(event):
            yield Breach(event.merchant_id, 0, f"event {event.pk} was not written by us")


def _beyond_the_point(merchant_id: int | None) -> Iterator[Breach]:
    """Links beyond the seal point: somebody has set it back, and the sealer cannot go on."""
    point = _point()
    after = links_after((point.txid, point.event_id))
    if beyond := _narrowed(after, merchant_id).order_by("merchant_id", "seq").first():
        yield Breach(beyond.merchant_id, beyond.seq, "sealed beyond the seal point: the point was set back")
    if not point.key_id and AuditLink.objects.exclude(key_id="").exists():
        yield Breach(0, 0, "the seal point has forgotten its key: it was set back")


def _written_twice(merchant_id: int | None) -> Iterator[Breach]:
    """An event of ours that was copied is authentic, but there is another one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(merchant_id), max(id) FROM core_auditevent WHERE mac IS NOT NULL "
            "AND (%s::bigint IS NULL OR merchant_id = %s) GROUP BY mac HAVING count(*) > 1 ORDER BY 2 LIMIT %s",
            [merchant_id, merchant_id, _ENOUGH],
        )
        for merchant, event_id in cursor.fetchall():
            yield Breach(merchant, 0, f"event {event_id} is a copy of another one")
