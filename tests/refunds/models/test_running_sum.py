"""Counters of what nobody looked at: none passes its limit."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import RunningSum
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [
        ({"count": 3}, False),
        ({"count": 4}, True),
        ({"fen": 10_000}, False),
        ({"fen": 10_001}, True),
        ({"count": 4, "count_limit": None}, False),
        ({"asked_fen": 999_999}, False),
    ],
)
def test_counter_when_it_would_pass_its_limit_is_refused_by_the_database(
    changes: dict[str, Any], is_refused: bool
) -> None:
    row = RunningSum.objects.create(
        key="k", merchant=make_merchant(), kind="order", day=timezone.localdate(), count_limit=3, fen_limit=10_000
    )
    if not is_refused:
        RunningSum.objects.filter(pk=row.pk).update(**changes)
        return
    with pytest.raises(IntegrityError, match="running_sum_within_limit"), transaction.atomic():
        RunningSum.objects.filter(pk=row.pk).update(**changes)
    kept = RunningSum.objects.get(pk=row.pk)
    assert (kept.count, kept.fen) == (0, 0)
