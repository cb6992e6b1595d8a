"""Merchants and their stores."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from merchants.models import Store
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


def test_store_code_is_once_a_merchant_and_free_for_another() -> None:
    ours, theirs = make_merchant(), make_merchant()
    with pytest.raises(IntegrityError, match="store_code_once"), transaction.atomic():
        Store.objects.create(merchant=ours, code="S001", name="again")
    assert [merchant.stores.get().code for merchant in (ours, theirs)] == ["S001", "S001"]
