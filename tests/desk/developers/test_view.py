"""The page for developers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from integrations import sandbox_clock
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
        assert client.post(f"{PAGE}/clock", {"advance": "P3D"}).status_code == 403
    assert as_staff(shop.manager).post(f"{PAGE}/test-keys/1/revoke").status_code == 404


def test_clock_is_moved_on_from_the_page_and_says_where_it_goes(shop: Shop, owner: Client) -> None:
    # Without a sandbox there is no clock.
    assert owner.post(f"{PAGE}/clock", {"advance": "P3D"}).status_code == 404
    twin = Merchant.objects.create(
        code="twin", name="twin", kind=shop.merchant.kind, sandbox_of=shop.merchant, created_at=timezone.now()
    )
    assert "Move the clock on" in owner.get(f"{PAGE}?mode=test").content.decode()
    assert owner.post(f"{PAGE}/clock", {"advance": "P9999D"}).status_code == 422
    page = owner.post(f"{PAGE}/clock", {"advance": "P3D"}, follow=True).content.decode()
    assert "on its way to" in page
    twin.refresh_from_db()
    assert twin.clock_target_at is not None
    assert timedelta(days=2.9) < twin.clock_target_at - timezone.now() < timedelta(days=3.1)
    # Twice in a row is refused, and said on the page.
    assert owner.post(f"{PAGE}/clock", {"advance": "P3D"}).status_code == 409
    sandbox_clock.run(twin.pk)
    assert "on its way to" not in owner.get(f"{PAGE}?mode=test").content.decode()
