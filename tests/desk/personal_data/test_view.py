"""The page of personal data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]
_PATH = "/desk/settings/personal-data"
_FORM = {"phone": "13800006021", "again": "13800006021", "reason": "asked at the store"}


def _reject(request: RefundRequest, shop: Shop) -> None:
    deciding.reject(
        request_id=request.pk,
        by=of_staff(shop.manager),
        at=timezone.now(),
        version=request.version,
        reason="no_proof",
        message="no",
    )


def test_term_is_set_and_a_person_is_erased(shop: Shop, owner: Client) -> None:
    request = shop.waiting(phone="13800006021", name="王敏")
    assert "The term is saved." in owner.post(_PATH, {"days": "400"}, follow=True).content.decode()
    assert owner.post(f"{_PATH}/erase", _FORM).status_code == 409
    _reject(request, shop)
    page = owner.post(f"{_PATH}/erase", _FORM, follow=True).content.decode()
    assert "Erased. Refunds: 1" in page
    request = RefundRequest.objects.get(pk=request.pk)
    assert request.customer_name == ""
    assert owner.post(f"{_PATH}/erase", _FORM).status_code == 422


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("", {"days": "30"}),
        ("", {"days": "1e3"}),
        ("/erase", {**_FORM, "again": "13800006022"}),
        ("/erase", {**_FORM, "reason": ""}),
    ],
)
def test_form_that_is_refused_changes_nothing(shop: Shop, owner: Client, path: str, form: dict[str, str]) -> None:
    request = shop.waiting(phone="13800006021")
    _reject(request, shop)
    assert owner.post(f"{_PATH}{path}", form).status_code == 422
    request = RefundRequest.objects.get(pk=request.pk)
    shop.merchant.refresh_from_db()
    assert (request.customer_phone, shop.merchant.retention_days) == ("13800006021", 1095)


def test_page_is_for_owners(shop: Shop, as_staff: SignIn) -> None:
    for staff in (shop.cashier, shop.manager, shop.finance):
        assert as_staff(staff).get(_PATH).status_code == 403
        assert as_staff(staff).post(f"{_PATH}/erase", _FORM).status_code == 403
