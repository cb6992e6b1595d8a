"""The pages of stores."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import Staff, Store
from tests.desk.conftest import Shop
from tests.factories import make_merchant

SignIn = Callable[[Staff], Client]
_PATH = "/desk/settings/stores"


def test_store_is_opened_described_closed_and_opened_again(owner: Client) -> None:
    form = {"code": "S009", "name": "Lakeside", "phone": "0571-8888 0009", "address": "1 Lake Road"}
    assert "Lakeside is open." in owner.post(_PATH, form, follow=True).content.decode()
    path = f"{_PATH}/S009"
    assert "Lake House" in owner.post(path, {**form, "name": "Lake House"}, follow=True).content.decode()
    assert "Lake House is closed." in owner.post(f"{path}/close", follow=True).content.decode()
    assert "closed" in owner.get(_PATH).content.decode()
    assert owner.post(f"{path}/close").status_code == 409
    owner.post(f"{path}/reopen")
    assert Store.objects.get(code="S009").closed_at is None


def test_form_that_is_refused_keeps_what_was_typed(owner: Client) -> None:
    answer = owner.post(_PATH, {"code": "S001", "name": "<b>twice</b>"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "&lt;b&gt;twice" in page
    assert "You have a store of that code already." in page
    assert Store.objects.filter(name__contains="twice").count() == 0


def test_pages_are_for_owners_and_of_ones_own_merchant(shop: Shop, owner: Client, as_staff: SignIn) -> None:
    make_merchant().stores.update(code="S077")
    for path in (f"{_PATH}/S077", f"{_PATH}/S077/close"):
        assert owner.post(path, {"name": "x"}).status_code == 404
    for staff in (shop.cashier, shop.reviewer, shop.manager, shop.finance):
        assert as_staff(staff).get(_PATH).status_code == 403
        assert as_staff(staff).post(f"{_PATH}/S001/close").status_code == 403
    assert not Store.objects.exclude(closed_at=None).exists()
