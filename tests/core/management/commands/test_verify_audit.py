"""``manage.py verify_audit``: works off what was asked for."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from core.audit.models import AuditVerification
from tests.factories import seal_events, write_events


@pytest.mark.django_db(transaction=True)
def test_verify_audit_when_chains_wait_says_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.nice", lambda _by: 0)
    write_events(3, merchant_id=7)
    seal_events()
    AuditVerification.objects.create(merchant_id=7, asked_by="x", asked_at=timezone.now())
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "1 chains" in out.getvalue()
    row = AuditVerification.objects.get()
    assert (row.last_seq, row.findings, len(row.head)) == (3, [], 64)
    assert row.ended_at is not None
