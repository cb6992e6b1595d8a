"""What the audit trail says of rows, for who only reads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, Model, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from core.audit.models import AuditEvent
from core.audit.record import name_of


def acted_on(model: type[Model], *, merchant_id: int, since: datetime) -> QuerySet[AuditEvent, Any]:
    """The ids of a merchant's rows of which there are events from then on."""
    events = AuditEvent.objects.filter(merchant_id=merchant_id, at__gte=since, object_type=name_of(model))
    return events.values_list(Cast("object_id", model._meta.pk), flat=True)


def has_been_acted_on(model: type[Model], *, merchant_id: int, since: datetime) -> Exists:
    """Whether there is such an event of a merchant's row, asked of each row."""
    events = AuditEvent.objects.filter(merchant_id=merchant_id, at__gte=since, object_type=name_of(model))
    return Exists(events.filter(object_id=Cast(OuterRef("pk"), TextField())))
