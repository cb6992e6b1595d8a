"""First answers: once a caller and key, forgotten after a day, some at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import IdempotencyRecord
from refunds.models.idempotency import KEPT, forget_old

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def _keep(key: str, *, principal: str = "key:1", age: timedelta = timedelta()) -> IdempotencyRecord:
    return IdempotencyRecord.objects.create(
        principal=principal, key=key, fingerprint=b"x", status=201, body="{}", created_at=NOW - age
    )


def test_key_when_the_caller_has_used_it_is_refused_by_the_database_and_anothers_is_not() -> None:
    _keep("k")
    _keep("k", principal="key:2")
    with pytest.raises(IntegrityError, match="idempotency_key_once"), transaction.atomic():
        _keep("k")


def test_forget_old_when_there_are_more_than_it_takes_at_once_takes_the_oldest() -> None:
    for hours in (1, 2, 3):
        _keep(str(hours), age=KEPT + timedelta(hours=hours))
    _keep("young", age=KEPT - timedelta(minutes=1))
    assert forget_old(at=NOW, most=2) == 2
    assert set(IdempotencyRecord.objects.values_list("key", flat=True)) == {"1", "young"}
    assert forget_old(at=NOW) == 1
    assert forget_old(at=NOW) == 0
