"""What people typed beside an act, kept outside the chained record.

The event holds a salted hash of the text; the text stands in a row of its own. Erased, the event is as it was and the chain
whole, and nobody can find out from the hash what was written. A text that was changed, or is gone without having been erased, is
found by the verification.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from core.audit.actors import Actor, ActorKind
from core.audit.models import AuditEvent, AuditNote

_PREFIX: Final = "sha256:"
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
#: Under these names people's own words stand in ``data``; a code of ours is none.
_TYPED = frozenset({"note", "message", "text", "words", "answer", "outcome", "reason", "why", "agreed_by"})
_CODED = frozenset({"reason", "why", "outcome"})
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PEOPLE = frozenset({ActorKind.STAFF, ActorKind.API_KEY, ActorKind.CUSTOMER})


class Kept(str):
    """What stands in the record for a text that is kept beside it."""

    __slots__ = ()


def keep(text: str, *, merchant_id: int, object_type: str, object_id: object, at: datetime) -> str:
    """Keep a text, within the transaction of the act. Returns what stands for it; "" for an empty one."""
    if not text:
        return ""
    nonce = os.urandom(16)
    row = AuditNote.objects.create(
        hash=_digest(nonce, text),
        merchant_id=merchant_id,
        object_type=object_type,
        object_id=str(object_id),
        nonce=nonce,
        text=text,
        at=at,
    )
    return Kept(_PREFIX + row.hash)


def kept_apart(
    data: Mapping[str, Any], *, by: Actor, merchant_id: int, object_type: str, object_id: object, at: datetime
) -> dict[str, Any]:
    """The data of an event with what stands for people's words in their place."""
    if by.kind not in _PEOPLE:
        return dict(data)
    return {
        name: keep(value, merchant_id=merchant_id, object_type=object_type, object_id=object_id, at=at)
        if _is_typed(name, value)
        else value
        for name, value in data.items()
    }


def _is_typed(name: str, value: Any) -> bool:
    if name not in _TYPED or not isinstance(value, str) or isinstance(value, Kept):
        return False
    return not (name in _CODED and _CODE.fullmatch(value))


def told(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """The events with the words that were kept beside them, for people to read; "" where they were erased."""
    found = list(events)
    hashes = [one for event in found for one in hashes_of(event)]
    texts = dict(AuditNote.objects.filter(pk__in=hashes).values_list("pk", "text")) if hashes else {}
    for event in found:
        for name, value in event.data.items():
            if (hit := _hash_of(value)) is not None:
                event.data = {**event.data, name: texts.get(hit, "")}
    return found


def hashes_of(event: AuditEvent) -> list[str]:
    """The texts that an event says were typed."""
    found = (_hash_of(value) for name, value in event.data.items() if name in _TYPED)
    return [one for one in found if one is not None]


def _hash_of(value: Any) -> str | None:
    hit = _HASH.fullmatch(value) if isinstance(value, str) else None
    return None if hit is None else hit[1]


def breaches(hashes: Iterable[str]) -> dict[str, str]:
    """Of these texts, those that do not stand as they were typed, with what is wrong."""
    wanted = set(hashes)
    rows = AuditNote.objects.in_bulk(wanted)
    wrong = dict.fromkeys(wanted - rows.keys(), "a note was taken away")
    for pk, row in rows.items():
        if row.erased_at is None and _digest(bytes(row.nonce), row.text) != pk:
            wrong[pk] = "a note was changed"
    return wrong


def erase(*, merchant_id: int, about: Mapping[str, Iterable[object]], at: datetime) -> int:
    """Erase what was typed about these objects, by their type. Returns how many texts."""
    wanted = Q(pk__in=())
    for object_type, ids in about.items():
        wanted |= Q(object_type=object_type, object_id__in=[str(pk) for pk in ids])
    return _erase(Q(merchant_id=merchant_id) & wanted, at)


def erase_before(until: datetime, *, merchant_id: int, but: Iterable[object], at: datetime) -> int:
    """Erase what was typed before then, but about these objects. Returns how many texts."""
    return _erase(Q(merchant_id=merchant_id, at__lt=until) & ~Q(object_id__in=[str(pk) for pk in but]), at)


def _erase(which: Q, at: datetime) -> int:
    return AuditNote.objects.filter(which, erased_at=None).update(text="", nonce=b"", erased_at=at)


def _digest(nonce: bytes, text: str) -> str:
    return hashlib.sha256(nonce + text.encode()).hexdigest()
