"""Every page of a shop has something to show in the demo, made by the acts of those whose work it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.audit.models import AuditEvent
from refunds.models import Agreement, CustomerReport, GoodsReturn, Incident, RefundBatch, Shift
from tests.samples.demo.test_load import folders, load, wechat_of_demo

pytestmark = pytest.mark.django_db

__all__ = ["folders", "wechat_of_demo"]


def test_every_kind_of_thing_is_there_and_in_the_trail(folders: dict[str, Path]) -> None:
    load(folders)
    assert sorted(Incident.objects.values_list("state", flat=True)) == ["closed", "waiting"]
    assert {shift.closed_at is None for shift in Shift.objects.all()} == {True, False}
    assert (RefundBatch.objects.get().rows.count(), GoodsReturn.objects.get().carrier) == (3, "顺丰")
    assert CustomerReport.objects.exclude(due_at=None).exists()
    assert Agreement.objects.filter(amount_fen__gt=0).count() == 1
    done = set(AuditEvent.objects.filter(actor_kind="staff").values_list("action", flat=True))
    assert done >= {"incident.open", "incident.close", "batch.file", "shift.open", "shift.close", "refund.agree"}
