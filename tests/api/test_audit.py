"""Checkpoints over REST: one's own merchant's, for who may read the trail."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from core.audit.models import AuditCheckpoint
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("role", "status"), [("finance", 200), ("owner", 200), ("cashier", 403)])
def test_checkpoints_are_given_to_who_may_read_the_trail(role: str, status: int) -> None:
    merchant, other = make_merchant(), make_merchant()
    for one in (merchant, other):
        AuditCheckpoint.objects.create(
            merchant_id=one.pk, seq=one.pk, body="{}", signatures={"k": "s"}, key_id="-", at=timezone.now()
        )
    client = Client()
    client.force_login(make_staff(merchant, role), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get("/api/v1/audit/checkpoints")
    assert answer.status_code == status
    if status == 200:
        assert [row["seq"] for row in answer.json()["results"]] == [merchant.pk]
        assert len(answer.json()["public_key"]) == 64
