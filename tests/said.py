"""What an audit event says, with the words that were typed beside it."""

from __future__ import annotations

from typing import Any

from core.audit import notes
from core.audit.models import AuditEvent


def said(event: AuditEvent) -> dict[str, Any]:
    data: dict[str, Any] = notes.told([event])[0].data
    return data
