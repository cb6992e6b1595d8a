"""The audit trail as an act: who may, what is refused, what it leaves."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent, AuditVerification
from core.errors import Forbidden, Invalid
from merchants import audit_trail
from merchants.audit_trail import VerificationWaits
from merchants.principals import of_staff
from tests.factories import make_merchant, make_staff, till, write_events

pytestmark = pytest.mark.django_db


def test_events_of_when_the_role_may_not_are_refused() -> None:
    merchant = make_merchant()
    for by in (of_staff(make_staff(merchant, "cashier")), till(merchant)):
        with pytest.raises(Forbidden):
            audit_trail.events_of(by=by)
        with pytest.raises(Forbidden):
            audit_trail.ask_for_whole(by=by, at=timezone.now())
    assert not AuditVerification.objects.exists()


def test_taken_away_when_there_are_too_many_rows_leaves_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = make_merchant()
    by, now = of_staff(make_staff(merchant, "finance")), timezone.now()
    write_events(3, merchant_id=merchant.pk)
    write_events(3, merchant_id=merchant.pk + 1)
    events = AuditEvent.objects.filter(action="test")
    monkeypatch.setattr(audit_trail, "MOST_ROWS", 2)
    with pytest.raises(Invalid, match="at most 2 rows"):
        audit_trail.taken_away(events, filters={}, by=by, at=now)
    assert not AuditEvent.objects.filter(action="audit.export").exists()
    monkeypatch.setattr(audit_trail, "MOST_ROWS", 3)
    assert audit_trail.taken_away(events, filters={"q": ""}, by=by, at=timezone.now()).count() == 3


def test_ask_for_whole_when_one_waits_is_refused_until_it_has_ended() -> None:
    by = of_staff(make_staff(make_merchant(), "owner"))
    first = audit_trail.ask_for_whole(by=by, at=timezone.now())
    with pytest.raises(VerificationWaits):
        audit_trail.ask_for_whole(by=by, at=timezone.now())
    assert AuditEvent.objects.filter(action="audit.verify").count() == 1
    AuditVerification.objects.update(ended_at=timezone.now())
    second = audit_trail.ask_for_whole(by=by, at=timezone.now())
    assert audit_trail.last_verification(by=by) == second != first
