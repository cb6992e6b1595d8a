"""The audit trail only grows, and its chain shows every hand that was laid on it."""

from __future__ import annotations

import logging

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from core.audit import chain, verifying
from core.audit.actors import SYSTEM
from core.audit.models import AuditEvent, AuditLink, AuditSealPoint
from core.audit.record import event
from tests.factories import seal_events, write_events

pytestmark = pytest.mark.django_db(transaction=True)


def test_chain_is_unbroken_and_each_merchant_has_its_own() -> None:
    write_events(3)
    write_events(2, merchant_id=2)
    write_events(1)
    assert seal_events() == 6
    assert list(AuditLink.objects.filter(merchant_id=1).order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4]
    assert list(AuditLink.objects.filter(merchant_id=2).order_by("seq").values_list("seq", flat=True)) == [1, 2]
    assert verifying.verify().breaches == []
    assert chain.seal_events() == 0


def test_equal_events_have_different_hashes() -> None:
    now = timezone.now()
    for _ in range(2):
        event(merchant_id=1, by=SYSTEM, action="a", object_type="t", object_id=1, at=now).save()
    assert seal_events() == 2
    assert len({bytes(link.hash) for link in AuditLink.objects.all()}) == 2


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
            write_events(1)
            assert chain.seal_events() == 0
            other.commit()
        assert seal_events() == 2
        assert [link.event.action for link in AuditLink.objects.order_by("seq")] == ["early", "test"]
        assert verifying.verify().breaches == []
    finally:
        other.close()


def test_head_is_anchored_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever rewrites the whole chain must also rewrite the logs."""
    write_events(2, merchant_id=5)
    with caplog.at_level(logging.INFO, logger="core.audit.chain"):
        assert seal_events() == 2
    head = AuditLink.objects.latest("seq")
    assert f"merchant=5 seq=2 hash={bytes(head.hash).hex()}" in caplog.text


def test_sealing_goes_on_where_it_stopped() -> None:
    write_events(3)
    assert seal_events() == 3
    write_events(2)
    assert seal_events() == 2
    point = AuditSealPoint.objects.get()
    assert point.event_id == AuditEvent.objects.latest("pk").pk
    assert verifying.verify().breaches == []
