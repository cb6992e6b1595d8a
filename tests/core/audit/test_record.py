"""An event is authenticated as it is written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.audit import chain, keys
from core.audit.models import AuditEvent
from core.audit.record import is_ours
from tests.factories import write_events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor_kind", "staff"),
        ("actor_id", "9"),
        ("actor_name", "somebody else"),
        ("action", "other"),
        ("object_type", "other"),
        ("object_id", "9"),
        ("from_state", "x"),
        ("to_state", "x"),
        ("version", 7),
        ("data", {"amount_fen": 2}),
        ("at", datetime(2026, 1, 1, tzinfo=UTC)),
        ("merchant_id", 2),
    ],
)
def test_every_field_of_an_event_is_in_its_hash(field: str, value: object) -> None:
    write_events(amount_fen=1)
    stored = AuditEvent.objects.get()
    key = keys.ring().current
    before = chain.digest(chain.GENESIS, stored), chain.keyed_digest(key, chain.GENESIS, 1, stored)
    assert is_ours(stored)
    setattr(stored, field, value)
    assert chain.digest(chain.GENESIS, stored) != before[0]
    assert chain.keyed_digest(key, chain.GENESIS, 1, stored) != before[1]
    assert not is_ours(stored)
