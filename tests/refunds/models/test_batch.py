"""What the database refuses of a batch, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from merchants.principals import of_staff
from refunds.intake import batches
from refunds.intake.batches import Wish
from refunds.models import RefundBatch
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "running"}, "batch_runs_confirmed"),
        ({"confirmed_by": "filer"}, "batch_confirmed_by_another"),
    ],
)
def test_batch_that_nobody_else_confirmed_does_not_run(changes: dict[str, Any], constraint: str) -> None:
    staff = make_staff(make_merchant(), "finance")
    batch = batches.file(name="x", wishes=[Wish(label="x")], by=of_staff(staff), at=timezone.now())
    changes = {name: staff if value == "filer" else value for name, value in changes.items()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        RefundBatch.objects.filter(pk=batch.pk).update(**changes)


def test_row_is_taken_with_its_request_only() -> None:
    staff = make_staff(make_merchant(), "finance")
    batch = batches.file(name="x", wishes=[Wish(label="x")], by=of_staff(staff), at=timezone.now())
    with pytest.raises(IntegrityError, match="batch_row_taken_once"), transaction.atomic():
        batch.rows.update(outcome="taken")
