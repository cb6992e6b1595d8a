"""Making a call and taking it back."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from core.dry_run import taken_back
from merchants.models import Merchant
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


def test_taken_back_leaves_nothing_behind() -> None:
    with taken_back():
        make_merchant()
        assert Merchant.objects.count() == 1
    assert Merchant.objects.count() == 0


def test_error_inside_passes_through_and_leaves_nothing_behind() -> None:
    merchant = make_merchant()
    with pytest.raises(IntegrityError), taken_back():
        Merchant.objects.create(code=merchant.code, name="", kind="retail", created_at=merchant.created_at)
    assert Merchant.objects.count() == 1
