"""Who acts, whichever door they came through."""

from __future__ import annotations

from uuid import uuid4

import pytest

from merchants import principals
from merchants.models import Store
from merchants.principals import Kind, of_staff
from tests.factories import make_merchant, make_staff, works_in


def test_codes_are_compared_as_they_are_counted_and_blank_ones_are_nobodys() -> None:
    by = principals.of_key(
        key_id=1, name="k", merchant_id=1, stores=None, scopes=frozenset(), made_by=9, till_codes=["C001", " "]
    )
    assert by.has_code("ｃ００１")
    assert not by.has_code("", "C002")


def test_system_acts_for_everybody_and_a_customer_in_one_store() -> None:
    assert principals.SYSTEM.works_in(1)
    with pytest.raises(ValueError, match="no merchant"):
        _ = principals.SYSTEM.acting_for
    customer = principals.of_customer(merchant_id=1, store_id=2, request_id=uuid4())
    assert (customer.kind, customer.works_in(2), customer.works_in(3)) == (Kind.CUSTOMER, True, False)
    assert customer.name == "customer"


@pytest.mark.django_db
def test_store_that_was_taken_away_counts_from_now_on() -> None:
    merchant = make_merchant()
    staff, store = make_staff(merchant, "manager"), Store.objects.get(merchant=merchant)
    assert of_staff(staff).stores is None
    works_in(staff, store)
    assert of_staff(staff).stores == frozenset({store.pk})
    staff.stores.clear()
    assert of_staff(staff).stores == frozenset()


@pytest.mark.django_db
def test_rows_in_stores_are_all_none_or_those_of_the_stores_they_work_in() -> None:
    merchant = make_merchant()
    staff, store = make_staff(merchant, "manager"), Store.objects.get(merchant=merchant)
    other = Store.objects.create(merchant=merchant, code="S-OTHER", name="other")
    every = Store.objects.filter(merchant=merchant).order_by("pk")

    assert list(of_staff(staff).in_stores(every, field="pk")) == [store, other]
    works_in(staff, other)
    assert list(of_staff(staff).in_stores(every, field="pk")) == [other]
    staff.stores.clear()
    assert list(of_staff(staff).in_stores(every, field="pk")) == []
