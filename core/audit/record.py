"""Writing audit events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.audit.actors import Actor
from core.audit.models import AuditEvent


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
    """An unsaved event, for callers that write many at once."""
    return AuditEvent(
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
        data=data or {},
    )


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
