"""The pages of a key's mandate and of the switches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from core.audit.models import AuditEvent
from merchants import api_keys
from merchants.models import ApiKey, KeyScope, Merchant, Staff, Store
from merchants.principals import of_staff
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_staff

SignIn = Callable[[Staff], Client]


def _issue(merchant: Merchant) -> ApiKey:
    owner = make_staff(merchant, "owner")
    return api_keys.issue(
        merchant=merchant,
        name="agent",
        scopes=[KeyScope.REFUNDS_WRITE],
        by=of_staff(owner),
        at=timezone.now(),
        all_stores=True,
    )[0]


def test_mandate_is_set_shown_and_taken_away(shop: Shop, owner: Client) -> None:
    key = _issue(shop.merchant)
    path = f"/desk/api-keys/{key.pk}/mandate"
    form = {
        "max_fen": "200",
        "max_fen_day": "1,000.50",
        "reasons": ["quality", "goodwill"],
        "routes": ["original"],
        "hours": "09:00-21:00",
        "expires_at": "2027-01-31",
        "always_review": "1",
    }
    page = owner.post(path, form, follow=True).content.decode()
    assert ApiKey.objects.get(pk=key.pk).mandate == {
        "max_fen": 20_000,
        "max_fen_day": 100_050,
        "reasons": ["goodwill", "quality"],
        "routes": ["original"],
        "hours": {"from": "09:00", "to": "21:00"},
        "always_review": True,
        "expires_at": "2027-02-01T00:00:00+08:00",
    }
    for shown in ('value="200.00"', 'value="1000.50"', 'value="09:00-21:00"', 'value="2027-01-31"'):
        assert shown in page
    owner.post(path, {})
    assert ApiKey.objects.get(pk=key.pk).mandate == {}
    events = AuditEvent.objects.filter(action="api_key.mandate", object_id=str(key.pk))
    assert [bool(event.data["after"]) for event in events.order_by("pk")] == [True, False]


@pytest.mark.parametrize(
    ("field", "typed"), [("max_fen", "-1"), ("max_fen", "0"), ("hours", "nine"), ("expires_at", "soon")]
)
def test_mandate_that_cannot_be_read_changes_nothing_and_stays_typed(
    shop: Shop, owner: Client, field: str, typed: str
) -> None:
    key = _issue(shop.merchant)
    answer = owner.post(f"/desk/api-keys/{key.pk}/mandate", {field: typed})
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.content.decode()
    assert ApiKey.objects.get(pk=key.pk).mandate == {}


def test_switches_stop_one_key_a_store_and_all(shop: Shop, owner: Client) -> None:
    key = _issue(shop.merchant)
    for _ in range(2):
        was = ApiKey.objects.get(pk=key.pk).stopped_at
        owner.post(f"/desk/api-keys/{key.pk}/stop", {"note": "odd refunds"})
        assert (ApiKey.objects.get(pk=key.pk).stopped_at is None) is (was is not None)
    code = Store.objects.filter(merchant=shop.merchant).order_by("pk")[0].code
    for which, rows in ((code, Store.objects.filter(code=code)), ("*", Merchant.objects.filter(pk=shop.merchant.pk))):
        owner.post("/desk/api-keys/stops", {"which": which, "act": "stop"})
        assert rows.get().keys_stopped_at is not None
        owner.post("/desk/api-keys/stops", {"which": which, "act": "resume"})
        assert rows.get().keys_stopped_at is None
    assert AuditEvent.objects.filter(action="api_key.stop").count() == 3


def test_another_merchants_key_is_not_there(shop: Shop, owner: Client) -> None:
    other = _issue(make_merchant())
    for path in (f"/desk/api-keys/{other.pk}/mandate", f"/desk/api-keys/{other.pk}/stop"):
        assert owner.post(path, {"max_fen": "1"}).status_code == 404
    assert ApiKey.objects.get(pk=other.pk).mandate == {}


def test_who_works_in_one_store_does_not_stop_all(shop: Shop, as_staff: SignIn) -> None:
    store = Store.objects.filter(merchant=shop.merchant).order_by("pk")[0]
    manager = as_staff(make_staff(shop.merchant, "manager", stores=[store]))
    assert manager.post("/desk/api-keys/stops", {"which": "*", "act": "stop"}).status_code == 403
    assert Merchant.objects.get(pk=shop.merchant.pk).keys_stopped_at is None
