"""Who calls: whose keys, whose stores."""

from __future__ import annotations

import pytest

from api.caller import Caller
from merchants.principals import of_staff
from tests.factories import make_merchant, make_staff, till, works_in

pytestmark = pytest.mark.django_db


def test_caller_when_it_is_a_person_shares_nothing_with_a_key_of_that_number() -> None:
    merchant = make_merchant()
    person, key = Caller(of_staff(make_staff(merchant, "manager"))), Caller(till(merchant))
    assert person.principal != key.principal
    assert person.principal.partition(":")[0] != key.principal.partition(":")[0]
    assert person.merchant_id == key.merchant_id == merchant.pk


def test_caller_when_it_works_in_one_store_sees_that_store() -> None:
    merchant = make_merchant()
    staff, store = make_staff(merchant, "cashier"), merchant.stores.get()
    assert Caller(of_staff(staff)).store_ids is None
    works_in(staff, store)
    assert Caller(of_staff(staff)).store_ids == frozenset({store.pk})
