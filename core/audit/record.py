"""Writing audit events.

Each is authenticated as it is written, under the audit key: an event that somebody adds who has the database and not the key
can be distinguished from ours for ever, whatever time it claims (docs/adr/0030).
"""

from __future__ import annotations

import hmac
import os
import re
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Model

from core.audit import keys, notes
from core.audit.actors import Actor
from core.audit.models import AuditEvent
from core.unsaved import unsaved


def event(
    *,
    merchant_id: int,
    by: Actor,
    action: str,
    object_type: str,
    object_id: object,
    at: datetime,
    from_state: str = "",
    to_state: str = "",
    version: int | None = None,
    data: dict[str, Any] | None = None,
) -> AuditEvent:
    """An unsaved event, for callers that write many at once, in the transaction that they write them in."""
    made = unsaved(
        AuditEvent,
        merchant_id=merchant_id,
        at=at,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_name=by.name,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        from_state=from_state,
        to_state=to_state,
        version=version,
        data=notes.kept_apart(data, by=by, merchant_id=merchant_id, object_type=object_type, object_id=object_id, at=at)
        if data
        else {},
    )
    nonce = os.urandom(_NONCE_LENGTH)
    made.mac = nonce + _tag(keys.ring().current, nonce, made)
    return made


_NONCE_LENGTH = 8


def encode(content: list[Any]) -> bytes:
    """The one text of what an event says: sorted, without blanks."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def content(event: AuditEvent) -> list[Any]:
    """What an event says, as it was written and as it is read back."""
    return [
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


def _tag(key: keys.Key, nonce: bytes, event: AuditEvent) -> bytes:
    return hmac.digest(key.events, nonce + encode(content(event)), "sha256")[:16]


def is_ours(event: AuditEvent) -> bool:
    """Whether a stored event was written by somebody who had the key."""
    mac = bytes(event.mac or b"")
    nonce, tag = mac[:_NONCE_LENGTH], mac[_NONCE_LENGTH:]
    return any(hmac.compare_digest(tag, _tag(key, nonce, event)) for key in keys.ring().known.values())


def record_of(row: Model, *, by: Actor, action: str, at: datetime, data: dict[str, Any] | None = None) -> None:
    """The same of a row of a merchant's, which is named after its model: ``reconciliation_day``."""
    merchant_id: int = row.merchant_id  # type: ignore[attr-defined]  # a merchant's
    name = name_of(type(row))
    record(merchant_id=merchant_id, by=by, action=action, object_type=name, object_id=row.pk, at=at, data=data)


def name_of(model: type[Model]) -> str:
    """``ReconciliationDay`` -> ``reconciliation_day``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model.__name__).lower()


def record(
    *,
    merchant_id: int,
    by: Actor,
    action: str,
    object_type: str,
    object_id: object,
    at: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    """Write one event that is no state change (a reveal, a claim, a new key)."""
    event(
        merchant_id=merchant_id,
        by=by,
        action=action,
        object_type=object_type,
        object_id=object_id,
        at=at,
        data=data,
    ).save(force_insert=True)
