"""A shop's people and what is set up around them, over REST: by the desk's acts, once a key, and no secret is told twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from core.audit.models import AuditEvent
from merchants.models import ApiKey, Merchant, Staff, Store
from tests.api.conftest import Session, session_for
from tests.factories import make_account, make_merchant, make_staff

pytestmark = pytest.mark.django_db

_PEOPLE = {"login": "anna", "role": "reviewer", "stores": ["S001"], "limit_fen": 30_000}


@pytest.fixture
def owner(merchant: Merchant) -> Session:
    return session_for(make_staff(merchant, "owner"))


@override_settings(ROOT_URLCONF="config.urls")
def test_what_is_made_twice_under_one_key_is_made_once_and_its_secret_is_told_once(
    merchant: Merchant, owner: Session
) -> None:
    key = {"name": "till", "store": "S001", "scopes": ["refunds:read"], "signed": True}
    for path, body, secrets in (
        ("stores", {"code": "S009", "name": "x"}, ()),
        ("team-members", _PEOPLE, ("link",)),
        ("api-keys", key, ("key", "signing_secret")),
    ):
        first, again = (owner.post(path, body, key=path) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201), first.content
        assert all(first.json()[name] for name in secrets)
        assert again.json() == {**first.json(), **dict.fromkeys(secrets)}
    assert (
        Store.objects.count(),
        Staff.objects.filter(username__endswith=".anna").count(),
        ApiKey.objects.count(),
    ) == (2, 1, 1)


def test_what_another_merchant_has_is_not_there(merchant: Merchant, owner: Session) -> None:
    other = make_merchant()
    other.stores.create(code="S777", name="x")
    staff, account = make_staff(other, "manager"), make_account(other)
    key = other.api_keys.create(name="x", prefix="x", hash=b"x", scopes=["refunds:read"], created_at=other.created_at)
    before = AuditEvent.objects.count()
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("get", "stores/S777", {}),
        ("put", "stores/S777", {"name": "y"}),
        ("post", "stores/S777/close", {}),
        ("get", f"team-members/{staff.pk}", {}),
        ("put", f"team-members/{staff.pk}", {"role": "cashier"}),
        ("post", f"team-members/{staff.pk}/switch", {"on": False}),
        ("get", f"channel-accounts/{account.code}", {}),
        ("put", f"channel-accounts/{account.code}/profile", {"profile": {}}),
        ("post", f"channel-accounts/{account.code}/close", {}),
        ("post", f"api-keys/{key.pk}/revoke", {"typed_name": "x"}),
        ("post", "team-members", {**_PEOPLE, "stores": ["S777"]}),
        ("post", "api-keys", {"name": "x", "store": "S777", "scopes": ["refunds:read"]}),
    ]
    for number, (method, path, body) in enumerate(calls):
        send = getattr(owner, method)
        answer = (
            send(path) if method == "get" else send(path, body, **({"key": f"k{number}"} if method == "post" else {}))
        )
        assert answer.status_code == 404, (path, answer.content)
    assert AuditEvent.objects.count() == before
    assert {row["code"] for row in owner.get("stores").json()["results"]} == {"S001"}
    assert owner.get("channel-accounts").json()["results"] == []


def test_manager_of_one_store_sees_no_settings_of_the_whole(merchant: Merchant) -> None:
    make_account(merchant)
    local = session_for(make_staff(merchant, "manager", stores=[merchant.stores.get()]))
    for path in ("stores", "team-members", "channel-accounts", "message-templates"):
        assert local.get(path).status_code == 403, path
    answer = local.post("api-keys", {"name": "x", "store": None, "scopes": ["refunds:read"]}, key="k")
    assert (answer.status_code, ApiKey.objects.count()) == (403, 0)
