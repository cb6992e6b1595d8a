"""Deputies over REST: by user name, for staff in their session, never more than one has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from merchants.models import Delegation, Merchant, Staff
from tests.api.conftest import session_for
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def _said(absent: Staff, deputy: Staff, **change: Any) -> dict[str, Any]:
    now = timezone.now()
    time = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=7)).isoformat()}
    return {"absent": absent.username, "deputy": deputy.username, **time, **change}


def test_deputy_when_given_is_listed_until_revoked(merchant: Merchant) -> None:
    manager, reviewer = make_staff(merchant, "manager"), make_staff(merchant, "reviewer")
    owner = session_for(make_staff(merchant, "owner"))
    body = _said(manager, reviewer, limit_fen=50_000)
    given = owner.post("delegations", body, key="d1")
    assert given.status_code == 201, given.content
    assert owner.post("delegations", body, key="d1").json() == given.json()
    (row,) = owner.get("delegations").json()["results"]
    assert row == given.json()
    assert (row["absent"], row["deputy"], row["limit_fen"], row["state"]) == (
        manager.username,
        reviewer.username,
        50_000,
        "now",
    )
    ended = owner.post(f"delegations/{row['id']}/revoke").json()
    assert ended["state"] == "revoked"
    assert owner.post(f"delegations/{row['id']}/revoke").json() == ended
    assert Delegation.objects.count() == 1


def test_deputy_when_refused_changes_nothing(merchant: Merchant) -> None:
    manager, reviewer = make_staff(merchant, "manager"), make_staff(merchant, "reviewer")
    owner, cashier = make_staff(merchant, "owner"), make_staff(merchant, "cashier")
    local = make_staff(merchant, "manager", stores=[merchant.stores.get()])
    foreigner = make_staff(make_merchant(), "reviewer")
    for who, body, status, code in (
        (manager, _said(reviewer, manager), 422, "delegation_to_oneself"),
        (local, _said(reviewer, owner), 422, "delegation_too_much"),
        (owner, _said(manager, cashier), 422, "delegation_role"),
        (owner, _said(manager, foreigner), 404, "not_found"),
        (owner, _said(manager, reviewer, ends_at="2020-01-01T00:00:00Z"), 422, "delegation_time"),
        (owner, _said(manager, reviewer, limit_fen=0), 400, None),
        (owner, {**_said(manager, reviewer), "ends_at": None}, 400, None),
        (reviewer, _said(manager, reviewer), 403, "role_required"),
    ):
        answer = session_for(who).post("delegations", body, key=f"{who.pk} {code}")
        assert answer.status_code == status, answer.content
        assert code is None or answer.json()["code"] == code
    assert not Delegation.objects.exists()


def test_deputy_of_another_merchant_is_neither_seen_nor_ended(merchant: Merchant) -> None:
    body = _said(make_staff(merchant, "manager"), make_staff(merchant, "reviewer"))
    given = session_for(make_staff(merchant, "owner")).post("delegations", body, key="d1").json()
    abroad = session_for(make_staff(make_merchant(), "owner"))
    assert abroad.get("delegations").json()["results"] == []
    assert abroad.post(f"delegations/{given['id']}/revoke").status_code == 404
    assert Delegation.objects.get().revoked_at is None
