"""A key is of one store, or of all."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from merchants.models import ApiKey
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


def test_key_of_one_store_and_of_all_at_once_is_refused_by_the_database() -> None:
    merchant = make_merchant()
    key = ApiKey(
        merchant=merchant,
        store=merchant.stores.get(),
        all_stores=True,
        name="till",
        prefix="rdk_abcdefgh",
        hash=b"h" * 32,
        scopes=[],
        created_at=timezone.now(),
    )
    with pytest.raises(IntegrityError, match="key_of_one_store_or_all"), transaction.atomic():
        key.save()
    assert not ApiKey.objects.exists()
    assert str(key) == "till (rdk_abcdefgh…)"
