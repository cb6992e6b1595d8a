"""After a restore the heads begin again."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction

from core.audit import chain, verifying
from core.audit.models import AuditEvent
from tests.factories import seal_events
from tests.owner import as_owner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_invariants]


def test_heads_when_begun_anew_after_a_restore_say_so_in_each_chain_and_agree_again(file: Path) -> None:
    with transaction.atomic(), as_owner(silent=True) as cursor:
        # The database of a moment before: the last of the first chain is gone.
        cursor.execute("DELETE FROM core_auditlink WHERE merchant_id = 1 AND seq > 5")
        cursor.execute(
            "DELETE FROM core_auditevent e WHERE NOT EXISTS (SELECT FROM core_auditlink l WHERE l.event_id = e.id)"
        )
    assert any("cut or rewritten" in breach.what for breach in verifying.verify().breaches)
    # As many as there were times of sealing: a transaction beside us holds some of it back.
    lines = len(file.read_text().splitlines())
    call_command("begin_audit_heads", why="restored to 12:30")
    seal_events()
    assert verifying.verify().breaches == []
    told = AuditEvent.objects.filter(action=chain.HEADS_BEGUN).order_by("merchant_id")
    assert [event.data for event in told] == [{"why": "restored to 12:30", "line_before": lines}] * 2
    assert [found.name for found in file.parent.glob("*.closed")] == [f"{file.name}.{lines}.closed"]
