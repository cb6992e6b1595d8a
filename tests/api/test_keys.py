"""Mandates and the switches through REST."""

from __future__ import annotations

from typing import Any

import pytest

from merchants.models import ApiKey, Merchant, Store
from tests.api.conftest import Session, api_for, session_for
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db
LIMITS: dict[str, Any] = {
    "max_fen": 20_000,
    "max_fen_day": 100_000,
    "max_fen_customer_30d": 50_000,
    "reasons": ["quality"],
    "routes": ["original"],
    "stores": ["S001"],
    "hours": {"from": "09:00", "to": "21:00"},
    "always_review": True,
    "on_behalf_of_required": True,
    "expires_at": "2027-01-01T00:00:00+08:00",
}


@pytest.fixture
def owner(merchant: Merchant) -> Session:
    return session_for(make_staff(merchant, "owner"))


def test_mandate_is_set_and_listed(merchant: Merchant, owner: Session) -> None:
    api_for(merchant)
    key = ApiKey.objects.get()
    answer = owner.put(f"api-keys/{key.pk}/mandate", LIMITS)
    assert (answer.status_code, answer.json()["mandate"]) == (200, LIMITS), answer.content
    (listed,) = owner.get("api-keys").json()["results"]
    assert (listed["id"], listed["mandate"], listed["store"]) == (key.pk, LIMITS, None)
    assert owner.put(f"api-keys/{key.pk}/mandate", {}).json()["mandate"] == {}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"max_fen": 0}, 400),
        ({"reasons": ["whatever"]}, 400),
        ({"hours": {"from": "9", "to": "21:00"}}, 400),
        ({"hours": {"from": "09:00"}}, 400),
        ({"hours": {"from": "09:00", "to": "09:00"}}, 422),
        ({"stores": ["S999"]}, 422),
        ({"limit": 1}, 400),
    ],
)
def test_mandate_that_is_wrong_is_refused(
    merchant: Merchant, owner: Session, wrong: dict[str, Any], status: int
) -> None:
    api_for(merchant)
    key = ApiKey.objects.get()
    answer = owner.put(f"api-keys/{key.pk}/mandate", wrong)
    assert answer.status_code == status, answer.content
    assert ApiKey.objects.get().mandate == {}


def test_key_changes_no_mandate_and_stops_nothing(merchant: Merchant) -> None:
    api = api_for(merchant)
    assert api.post("key-stops", {"all": True, "stopped": True}).status_code == 403
    assert Merchant.objects.get().keys_stopped_at is None


def test_switches_stop_a_key_a_store_and_all(merchant: Merchant, owner: Session) -> None:
    api = api_for(merchant)
    key = ApiKey.objects.get()
    for which in ({"key": key.pk}, {"all": True}):
        answer = owner.post("key-stops", {**which, "stopped": True, "note": "odd refunds"})
        assert answer.status_code == 200, answer.content
        refused = api.get("refund-requests")
        assert (refused.status_code, refused.json()["code"]) == (403, "key_stopped")
        assert owner.post("key-stops", {**which, "stopped": False}).status_code == 200
        assert api.get("refund-requests").status_code == 200
    assert owner.post("key-stops", {"store": "S001", "stopped": True}).json()["stopped_stores"] == ["S001"]
    assert Store.objects.get().keys_stopped_at is not None
    for wrong in ({"stopped": True}, {"all": True, "store": "S001", "stopped": True}):
        assert owner.post("key-stops", wrong).status_code == 400


def test_current_key_is_the_one_that_asks_and_staff_have_none() -> None:
    merchant = make_merchant()
    api_for(merchant)
    api = api_for(merchant, scopes=["refunds:read"])
    ApiKey.objects.filter(pk=api.by.key_id or 0).update(mandate={"max_fen": 100})
    found = api.get("api-keys/current").json()
    assert (found["id"], found["scopes"], found["mandate"]) == (api.by.key_id, ["refunds:read"], {"max_fen": 100})
    assert session_for(make_staff(merchant, "owner")).get("api-keys/current").status_code == 404
