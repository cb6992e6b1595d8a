"""Events and links only ever grow."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from core.audit.actors import Actor, ActorKind
from core.audit.models import AuditEvent
from core.audit.record import event
from tests.factories import seal_events, write_events
from tests.owner import as_owner

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("table", ["core_auditevent", "core_auditlink"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET merchant_id = merchant_id",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
    ],
)
def test_nothing_but_insert_is_allowed(table: str, statement: str) -> None:
    write_events(2)
    assert seal_events() == 2
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table=table))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), as_owner() as cursor:
        cursor.execute(statement.format(table=table))
    assert AuditEvent.objects.count() == 2


def test_models_cannot_change_it_either() -> None:
    write_events(1)
    assert seal_events() == 1
    stored = AuditEvent.objects.get()
    stored.action = "other"
    with pytest.raises(DatabaseError, match="permission denied"):
        stored.save()
    with pytest.raises(DatabaseError, match="permission denied"):
        AuditEvent.objects.all()._raw_delete(using="default")


def test_two_changes_to_one_version_are_refused_by_the_database() -> None:
    now = timezone.now()
    same: dict[str, Any] = {
        "merchant_id": 1,
        "by": Actor(ActorKind.STAFF, "1", "A"),
        "action": "a",
        "object_type": "thing",
        "object_id": "x",
        "at": now,
        "version": 1,
    }
    event(**same).save()
    with pytest.raises(DatabaseError, match="audit_version_once"):
        event(**same).save()
