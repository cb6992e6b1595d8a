"""The audit trail only grows, and its chain shows every hand that was laid on it."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from core.audit import chain, keys, verifying
from core.audit.actors import SYSTEM, Actor, ActorKind
from core.audit.models import AuditEvent, AuditLink, AuditSealPoint
from core.audit.record import event, is_ours, record
from tests.owner import as_owner

pytestmark = pytest.mark.django_db(transaction=True)


def _write(count: int = 1, *, merchant_id: int = 1, **data: Any) -> None:
    for number in range(count):
        record(
            merchant_id=merchant_id,
            by=SYSTEM,
            action="test",
            object_type="thing",
            object_id=number,
            at=timezone.now(),
            data=data,
        )


def _seal(count: int) -> None:
    """Seal so many events. The sealer waits for every transaction of the cluster, those of a test beside us included."""
    until, sealed = time.monotonic() + 60, 0
    while sealed < count and time.monotonic() < until:
        sealed += chain.seal_events()
        time.sleep(0.02)
    assert sealed == count


def test_chain_is_unbroken_and_each_merchant_has_its_own() -> None:
    _write(3)
    _write(2, merchant_id=2)
    _write(1)
    _seal(6)
    assert list(AuditLink.objects.filter(merchant_id=1).order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4]
    assert list(AuditLink.objects.filter(merchant_id=2).order_by("seq").values_list("seq", flat=True)) == [1, 2]
    assert verifying.verify().breaches == []
    assert chain.seal_events() == 0


def test_equal_events_have_different_hashes() -> None:
    now = timezone.now()
    for _ in range(2):
        event(merchant_id=1, by=SYSTEM, action="a", object_type="t", object_id=1, at=now).save()
    _seal(2)
    assert len({bytes(link.hash) for link in AuditLink.objects.all()}) == 2


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
    _write(amount_fen=1)
    stored = AuditEvent.objects.get()
    key = keys.ring().current
    before = chain.digest(chain.GENESIS, stored), chain.keyed_digest(key, chain.GENESIS, 1, stored)
    assert is_ours(stored)
    setattr(stored, field, value)
    assert chain.digest(chain.GENESIS, stored) != before[0]
    assert chain.keyed_digest(key, chain.GENESIS, 1, stored) != before[1]
    assert not is_ours(stored)


def test_events_wait_until_no_older_transaction_can_still_commit() -> None:
    """An event of a transaction that began earlier and commits later must not be passed over."""
    settings = connection.settings_dict
    other = psycopg2.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
    )
    try:
        with other.cursor() as cursor:
            early = event(merchant_id=1, by=SYSTEM, action="early", object_type="t", object_id=1, at=timezone.now())
            cursor.execute(
                "INSERT INTO core_auditevent (merchant_id, at, actor_kind, actor_id, actor_name, action, object_type, "
                "object_id, from_state, to_state, data, mac) "
                "VALUES (1, %s, 'system', '', 'system', 'early', 't', '1', '', '', '{}', %s)",
                [early.at, early.mac],
            )
            _write(1)
            assert chain.seal_events() == 0
            other.commit()
        _seal(2)
        assert [link.event.action for link in AuditLink.objects.order_by("seq")] == ["early", "test"]
        assert verifying.verify().breaches == []
    finally:
        other.close()


def test_head_is_anchored_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever rewrites the whole chain must also rewrite the logs."""
    _write(2, merchant_id=5)
    with caplog.at_level(logging.INFO, logger="core.audit.chain"):
        _seal(2)
    head = AuditLink.objects.latest("seq")
    assert f"merchant=5 seq=2 hash={bytes(head.hash).hex()}" in caplog.text


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
    _write(2)
    _seal(2)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table=table))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), as_owner() as cursor:
        cursor.execute(statement.format(table=table))
    assert AuditEvent.objects.count() == 2


def test_models_cannot_change_it_either() -> None:
    _write(1)
    _seal(1)
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


def test_sealing_goes_on_where_it_stopped() -> None:
    _write(3)
    _seal(3)
    _write(2)
    _seal(2)
    point = AuditSealPoint.objects.get()
    assert point.event_id == AuditEvent.objects.latest("pk").pk
    assert verifying.verify().breaches == []
