"""Whose refunds are counted."""

from __future__ import annotations

import pytest

from analytics.figures import Selection, UnknownStore, narrowed
from merchants.models import Store
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


def test_narrowed_when_a_store_is_named_counts_it_alone() -> None:
    merchant = make_merchant()
    store = Store.objects.get(merchant=merchant)
    found = narrowed(merchant_id=merchant.pk, store_ids=None, store_code="S001", channel="wechat")
    assert found == Selection(merchant_id=merchant.pk, store_ids=(store.pk,), channel="wechat")


def test_narrowed_when_the_store_is_not_the_callers_is_refused() -> None:
    merchant = make_merchant()
    for ids, code in (([], "S001"), (None, "S999")):
        with pytest.raises(UnknownStore) as refused:
            narrowed(merchant_id=merchant.pk, store_ids=ids, store_code=code)
        assert [error.field for error in refused.value.errors] == ["store"]


def test_narrowed_when_nothing_is_named_is_all_that_the_caller_may_see() -> None:
    assert narrowed(merchant_id=1, store_ids=[3, 2]).store_ids == (2, 3)
    assert narrowed(merchant_id=1, store_ids=None).store_ids is None
