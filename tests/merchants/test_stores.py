"""Stores: opened, described, closed by owners; audited."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError, Forbidden, Invalid, NotFound
from merchants import stores
from merchants.models import Merchant, Store
from merchants.principals import Principal, of_staff
from merchants.stores import StoreClosed
from tests.factories import make_merchant, make_staff, works_in

pytestmark = pytest.mark.django_db


def test_open_and_change_keep_what_was_before(merchant: Merchant, owner: Principal) -> None:
    now = timezone.now()
    store = stores.open_store(code="S002", name=" 西湖店 ", phone="", address="", by=owner, at=now)
    for _ in range(2):
        stores.change(
            store_id=store.pk, name="西湖银泰店", phone="0571-8888 0002", address="延安路 1 号", by=owner, at=now
        )
    store.refresh_from_db()
    assert (store.merchant, store.name, store.phone) == (merchant, "西湖银泰店", "0571-8888 0002")
    event = AuditEvent.objects.get(action="store.change")
    assert event.data["before"] == {"name": "西湖店", "phone": "", "address": ""}
    assert event.data["store"] == "S002"


@pytest.mark.parametrize(
    ("said", "field", "why"),
    [
        ({"code": "S001"}, "code", "store_code_taken"),
        ({"code": "店"}, "code", "store_code_invalid"),
        ({"code": "*"}, "code", "store_code_invalid"),
        ({"name": " \u202e"}, "name", "name_required"),
        ({"phone": "call me"}, "phone", "invalid_phone"),
    ],
)
def test_open_when_something_is_wrong_names_the_field_and_opens_nothing(
    merchant: Merchant, owner: Principal, said: dict[str, str], field: str, why: str
) -> None:
    whole = {"code": "S002", "name": "x", "phone": "", "address": "", **said}
    with pytest.raises(Invalid) as refused:
        stores.open_store(**whole, by=owner, at=timezone.now())
    assert (refused.value.code, refused.value.errors[0].field) == (why, field)
    assert Store.objects.count() == 1
    assert not AuditEvent.objects.filter(action="store.open").exists()


def test_close_and_reopen_when_it_is_so_already_are_refused(merchant: Merchant, owner: Principal) -> None:
    store, now = merchant.stores.get(), timezone.now()
    with pytest.raises(StoreClosed):
        stores.reopen(store_id=store.pk, by=owner, at=now)
    stores.close(store_id=store.pk, by=owner, at=now)
    with pytest.raises(StoreClosed):
        stores.close(store_id=store.pk, by=owner, at=now)
    stores.reopen(store_id=store.pk, by=owner, at=now)
    assert Store.objects.get().closed_at is None
    acts = AuditEvent.objects.filter(object_type="store").order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["store.close", "store.reopen"]


def test_nobody_but_an_owner_of_the_whole_merchant_changes_a_store(merchant: Merchant, owner: Principal) -> None:
    store, abroad = merchant.stores.get(), make_merchant().stores.get()
    bound = make_staff(merchant, "owner")
    works_in(bound, store)
    for by in (of_staff(make_staff(merchant, "manager")), of_staff(bound)):
        with pytest.raises(Forbidden):
            stores.close(store_id=store.pk, by=by, at=timezone.now())
    with pytest.raises(NotFound):
        stores.close(store_id=abroad.pk, by=owner, at=timezone.now())
    with pytest.raises(DomainError):
        stores.change(store_id=abroad.pk, name="x", phone="", address="", by=owner, at=timezone.now())
    assert not Store.objects.exclude(closed_at=None).exists()
