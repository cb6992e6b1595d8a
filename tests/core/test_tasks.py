"""Scheduled work of the core."""

from __future__ import annotations

import pytest

from core import tasks
from core.audit.models import AuditEvent
from tests.factories import seal_events, write_events


@pytest.mark.django_db(transaction=True)
def test_scheduled_sealing_seals_what_was_written() -> None:
    write_events(2)
    tasks.seal_audit()
    seal_events()
    assert not AuditEvent.objects.filter(link=None).exists()
