"""Checkpoints: what was found in order is signed, once an hour, and nothing else is."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from clients import verify
from core.audit import checkpoints, keys
from core.audit.models import AuditCheckpoint
from tests.factories import seal_events, write_events
from tests.invariants.planting import plant

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_invariants]


def _faults(at: datetime, older: str) -> list[str]:
    chain = list(checkpoints.given_out(merchant_id=1))
    return verify.faults(key=checkpoints.public_key(keys.ring().current), older=older, chain=chain, now=at)


def _made(at: datetime) -> list[str]:
    checkpoints.make(at=at)
    rows = AuditCheckpoint.objects.filter(merchant_id=1).order_by("pk")
    return [checkpoints.as_line(row.body, row.signatures) for row in rows]


def test_make_signs_each_chain_once_an_hour_and_outside_as_well() -> None:
    now = timezone.now()
    write_events(3)
    seal_events()
    (first,) = _made(now)
    assert _made(now + timedelta(minutes=59)) == [first]
    write_events(2)
    seal_events()
    both = _made(now + timedelta(hours=1))
    assert [row.seq for row in AuditCheckpoint.objects.order_by("pk")] == [3, 5]
    assert (Path(settings.AUDIT_HEADS_DIR) / "checkpoints.jsonl").read_text().splitlines() == both
    # Also where nothing happened, so that its end can be seen.
    assert len(_made(now + timedelta(hours=2))) == 3
    assert _faults(now + timedelta(hours=2), first) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE core_auditevent SET actor_name = 'x' WHERE id = (SELECT max(id) FROM core_auditevent)",
        "DELETE FROM core_auditlink WHERE event_id = (SELECT max(id) FROM core_auditevent)",
        "UPDATE core_auditcheckpoint SET body = replace(body, '\"seq\":3', '\"seq\":2')",
        "DELETE FROM core_auditcheckpoint",
    ],
)
def test_make_signs_nothing_more_of_a_chain_that_was_changed(change: str) -> None:
    now = timezone.now()
    write_events(3)
    seal_events()
    assert len(_made(now)) == 1
    write_events(2)
    seal_events()
    plant(change, [], {})
    before = AuditCheckpoint.objects.count()
    assert len(_made(now + timedelta(hours=1))) == before
