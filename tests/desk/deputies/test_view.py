"""The page of deputies."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import Delegation, Staff
from tests.desk.conftest import Shop
from tests.factories import make_staff

SignIn = Callable[[Staff], Client]


def _form(absent: Staff, deputy: Staff, **more: str) -> dict[str, str]:
    said = {"absent": str(absent.pk), "deputy": str(deputy.pk)}
    return {**said, "starts_at": "2026-01-01T09:00", "ends_at": "2026-01-02T09:00", "limit": "", **more}


def test_deputy_is_named_and_ended(shop: Shop, as_staff: SignIn) -> None:
    owner = make_staff(shop.merchant, "owner")
    client = as_staff(owner)
    form = _form(owner, shop.manager, starts_at="2099-01-01T09:00", ends_at="2099-01-09T09:00", limit="5,000.00")
    page = client.post("/desk/deputies", form, follow=True).content.decode()
    assert f"{shop.manager.name} decides for {owner.name}." in page
    row = Delegation.objects.get()
    assert (row.absent_id, row.deputy_id, row.limit_fen) == (owner.pk, shop.manager.pk, 500_000)
    page = client.post(f"/desk/deputies/{row.pk}/revoke", follow=True).content.decode()
    assert "no longer decides for" in page
    assert Delegation.objects.get().revoked_at is not None


def test_refused_form_keeps_what_was_typed_and_says_why(shop: Shop, as_staff: SignIn) -> None:
    owner = make_staff(shop.merchant, "owner")
    answer = as_staff(owner).post("/desk/deputies", _form(owner, shop.manager, limit="12"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "It ends after it begins" in page
    assert 'value="2026-01-02T09:00"' in page
    for wrong in ("no day", ""):
        assert as_staff(owner).post("/desk/deputies", _form(owner, shop.manager, ends_at=wrong)).status_code == 422
    assert as_staff(owner).post("/desk/deputies", {**_form(owner, shop.manager), "deputy": "x"}).status_code == 404
    assert not Delegation.objects.exists()


def test_page_is_for_owners_and_managers(shop: Shop, as_staff: SignIn) -> None:
    assert as_staff(shop.manager).get("/desk/deputies").status_code == 200
    assert as_staff(shop.reviewer).get("/desk/deputies").status_code == 403
