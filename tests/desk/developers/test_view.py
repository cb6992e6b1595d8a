"""The page for developers."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import LazySettings
from django.test import Client

from merchants.models import Merchant, Staff
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]
PAGE = "/desk/developers"


def test_page_when_there_are_no_stand_ins_says_so_and_makes_nothing(
    shop: Shop, as_staff: SignIn, settings: LazySettings
) -> None:
    settings.STAND_INS_DIR = ""
    answer = as_staff(shop.manager).post(f"{PAGE}?mode=test", {"name": "x"})
    assert answer.status_code == 409
    assert 'role="alert"' in answer.content.decode()
    assert not Merchant.objects.filter(sandbox_of=shop.merchant).exists()


def test_page_and_its_acts_are_for_those_who_make_keys(shop: Shop, as_staff: SignIn) -> None:
    for person in (shop.reviewer, shop.cashier, shop.finance):
        client = as_staff(person)
        assert client.get(PAGE).status_code == 403
        assert client.post(f"{PAGE}/test-keys/1/revoke").status_code == 403
    assert as_staff(shop.manager).post(f"{PAGE}/test-keys/1/revoke").status_code == 404
