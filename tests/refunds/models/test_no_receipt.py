"""What the database itself refuses of a case without a receipt."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import NoReceiptCase
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["closed without cause", "sale without who confirmed it"])
def test_case_when_it_says_half_of_it_is_refused(name: str) -> None:
    merchant, now = make_merchant(), timezone.now()
    wrong: dict[str, Any] = {"state": "closed", "closed_at": now}
    if name.startswith("sale"):
        wrong = {"state": "found", "sale": make_sale(merchant)}
    said: dict[str, Any] = {"told": {}, "due_at": now, "opened_by": "a", "opened_at": now, "kind": "lost_receipt"}
    with pytest.raises(IntegrityError), transaction.atomic():
        NoReceiptCase.objects.create(merchant=merchant, store=merchant.stores.get(), **{**said, **wrong})
    assert not NoReceiptCase.objects.exists()
