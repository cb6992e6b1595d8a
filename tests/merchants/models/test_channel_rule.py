"""Notes of rule changes at channels."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from merchants.models import ChannelRuleChange, ChannelRuleReading
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_change_is_seen_once_by_each() -> None:
    staff = make_staff(make_merchant(), "owner")
    now = timezone.now()
    change = ChannelRuleChange.objects.create(
        merchant=staff.merchant, channel="wechat", effective_date=date(2026, 12, 1), text="x", source="y",
        added_by=staff, added_at=now,
    )  # fmt: skip
    ChannelRuleReading.objects.create(change=change, staff=staff, seen_at=now)
    with pytest.raises(IntegrityError, match="channel_rule_seen_once"), transaction.atomic():
        ChannelRuleReading.objects.create(change=change, staff=staff, seen_at=now)
