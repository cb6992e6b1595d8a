"""The pages of tills: set up, switched, refused with what was typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from merchants.models import Staff
from terminals.models import Terminal
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_staff, works_in

SignIn = Callable[[Staff], Client]
_PATH = "/desk/settings/terminals"


def test_till_is_registered_described_and_switched(manager: Client) -> None:
    page = manager.post(_PATH, {"code": "POS-09", "name": "Door", "store": "S001"}, follow=True).content.decode()
    assert "POS-09 is registered." in page
    till = Terminal.objects.get(code="POS-09")
    form = {"name": "Back door", "store": "S001", "next_service_date": "2027-02-28"}
    assert "Back door" in manager.post(f"{_PATH}/{till.pk}", form, follow=True).content.decode()
    page = manager.post(f"{_PATH}/{till.pk}/refunds", {"reason": "stocktaking"}, follow=True).content.decode()
    assert "takes no refunds" in page
    assert "stocktaking" in page
    manager.post(f"{_PATH}/{till.pk}/refunds")
    manager.post(f"{_PATH}/newest", {"version": "5.0"})
    till.refresh_from_db()
    assert (till.name, till.refunds_enabled, str(till.next_service_date)) == ("Back door", True, "2027-02-28")
    assert till.store.merchant.newest_software_version == "5.0"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (_PATH, {"code": "POS-01", "name": "twice", "store": "S001"}),
        (_PATH, {"code": "<svg onload=1>", "name": "twice", "store": "S001"}),
        (f"{_PATH}/newest", {"version": "twice twice"}),
        (f"{_PATH}/{{till}}", {"name": "twice", "store": "S001", "next_service_date": "2027-02-30"}),
        (f"{_PATH}/{{till}}/refunds", {"reason": "  "}),
    ],
)
def test_form_that_is_refused_keeps_what_was_typed(manager: Client, path: str, form: dict[str, str]) -> None:
    till = Terminal.objects.get()
    answer = manager.post(path.format(till=till.pk), form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'role="alert"' in page
    assert "twice" in page or "reason" in form
    assert "<svg onload" not in page
    after = Terminal.objects.get(pk=till.pk)
    assert (after.name, after.refunds_enabled, after.next_service_date) == ("", True, None)
    assert after.store.merchant.newest_software_version == ""
    assert Terminal.objects.count() == 1


def test_other_merchants_and_stores_tills_are_not_there(shop: Shop, manager: Client) -> None:
    theirs = Terminal.objects.get(store__merchant=make_merchant())
    elsewhere = shop.merchant.stores.create(code="S002", name="x")
    ours = Terminal.objects.create(store=elsewhere, code="POS-02")
    works_in(shop.manager, shop.merchant.stores.get(code="S001"))
    for till in (theirs, ours):
        assert manager.get(f"{_PATH}/{till.pk}").status_code == 404
        assert manager.post(f"{_PATH}/{till.pk}/refunds", {"reason": "x"}).status_code == 404
    assert manager.post(_PATH, {"code": "POS-03", "store": "S002"}).status_code == 404
    assert "POS-02" not in manager.get(_PATH).content.decode()
    assert Terminal.objects.filter(refunds_enabled=True).count() == Terminal.objects.count() == 3


def test_pages_are_for_owners_and_managers(shop: Shop, as_staff: SignIn) -> None:
    till = Terminal.objects.get()
    for staff in (shop.cashier, shop.reviewer, shop.finance):
        for path in (_PATH, f"{_PATH}/{till.pk}"):
            assert as_staff(staff).get(path).status_code == 403
        assert as_staff(staff).post(f"{_PATH}/{till.pk}/refunds", {"reason": "x"}).status_code == 403
    assert as_staff(make_staff(shop.merchant, "owner")).get(_PATH).status_code == 200
    assert Terminal.objects.get().refunds_enabled
