"""API keys at the desk: shown once, rotated with an overlap, revoked; each only with the key's name typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.models import ApiKey, Staff
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_staff

SignIn = Callable[[Staff], Client]


def _issued(answer: Any) -> str:
    (key,) = re.findall(r"data-issued-key>(rd_live_[\w-]+)<", answer.content.decode())
    return str(key)


def _issue(client: Client, name: str = "收银台 1") -> tuple[ApiKey, str]:
    key = _issued(client.post("/desk/api-keys", {"name": name, "store": "*", "scopes": ["refunds:read"]}))
    return ApiKey.objects.order_by("-pk")[0], key


def _works(key: str) -> bool:
    status = Client().get("/api/v1/refund-requests", headers={"Authorization": f"Bearer {key}"}).status_code
    assert status in {200, 401}
    return status == 200


def test_key_is_shown_once(manager: Client) -> None:
    _row, key = _issue(manager)
    assert key not in manager.get("/desk/api-keys").content.decode()
    assert manager.post("/desk/api-keys", {"name": "x", "store": "*", "scopes": []}).status_code == 422


@pytest.mark.parametrize("act", ["rotate", "revoke"])
@pytest.mark.parametrize("typed", [None, "", "收银台", "收银台 2", "x"])
def test_act_on_a_key_without_its_name_typed_changes_nothing(manager: Client, act: str, typed: str | None) -> None:
    row, key = _issue(manager)
    events = AuditEvent.objects.count()
    form = {"overlap": "24h"} | ({} if typed is None else {"typed_name": typed})
    manager.post(f"/desk/api-keys/{row.pk}/{act}", form)
    assert _works(key)
    assert ApiKey.objects.filter(revoked_at=None).count() == ApiKey.objects.count() == 1
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("act", ["rotate", "revoke"])
def test_page_before_the_act_says_which_key_and_does_nothing(manager: Client, act: str) -> None:
    row, key = _issue(manager)
    page = manager.get(f"/desk/api-keys/{row.pk}/{act}")
    assert page.status_code == 200
    assert row.prefix in page.content.decode()
    assert "typed_name" in page.content.decode()
    assert _works(key)


def test_list_has_no_form_that_acts_on_a_key(manager: Client) -> None:
    row, _key = _issue(manager)
    page = manager.get("/desk/api-keys").content.decode()
    assert not re.search(rf"<form[^>]*api-keys/{row.pk}/", page)
    assert "Renew" not in page


@pytest.mark.parametrize(
    ("overlap", "lasts"), [("1h", timedelta(hours=1)), ("24h", timedelta(days=1)), ("7d", timedelta(days=7))]
)
def test_rotated_key_works_beside_the_new_one_until_the_overlap_ends(
    manager: Client, overlap: str, lasts: timedelta
) -> None:
    row, old = _issue(manager)
    began = timezone.now()
    new = _issued(manager.post(f"/desk/api-keys/{row.pk}/rotate", {"typed_name": " 收银台  1 ", "overlap": overlap}))
    assert (_works(old), _works(new)) == (True, True)
    assert "valid until" in manager.get("/desk/api-keys").content.decode()
    with time_machine.travel(began + lasts - timedelta(seconds=5)):
        assert (_works(old), _works(new)) == (True, True)
    with time_machine.travel(began + lasts + timedelta(seconds=30)):
        assert (_works(old), _works(new)) == (False, True)
    event = AuditEvent.objects.get(action="api_key.rotate")
    assert (event.object_id, event.data["prefix"]) == (str(row.pk), row.prefix)


def test_rotated_key_without_overlap_is_dead_at_once(manager: Client) -> None:
    row, old = _issue(manager)
    new = _issued(manager.post(f"/desk/api-keys/{row.pk}/rotate", {"typed_name": row.name, "overlap": "0"}))
    assert (_works(old), _works(new)) == (False, True)


@pytest.mark.parametrize("overlap", ["", "30d", "-1", "24"])
def test_overlap_that_is_no_choice_changes_nothing(manager: Client, overlap: str) -> None:
    row, old = _issue(manager)
    answer = manager.post(f"/desk/api-keys/{row.pk}/rotate", {"typed_name": row.name, "overlap": overlap})
    assert answer.status_code == 422
    assert _works(old)
    assert ApiKey.objects.count() == 1


def test_key_is_rotated_once_and_its_overlap_ended_early(manager: Client) -> None:
    row, old = _issue(manager)
    form = {"typed_name": row.name, "overlap": "7d"}
    new = _issued(manager.post(f"/desk/api-keys/{row.pk}/rotate", form))
    assert manager.post(f"/desk/api-keys/{row.pk}/rotate", form).status_code == 409
    assert ApiKey.objects.count() == 2
    assert manager.post(f"/desk/api-keys/{row.pk}/revoke", {"typed_name": row.name}).status_code == 302
    assert (_works(old), _works(new)) == (False, True)


def test_revoked_key_is_dead(manager: Client) -> None:
    row, key = _issue(manager)
    assert manager.post(f"/desk/api-keys/{row.pk}/revoke", {"typed_name": row.name}).status_code == 302
    assert not _works(key)
    assert AuditEvent.objects.filter(action="api_key.revoke", object_id=str(row.pk)).count() == 1


def test_keys_are_for_owners_and_managers_of_the_merchant(shop: Shop, as_staff: SignIn) -> None:
    row, key = _issue(as_staff(shop.manager))
    for staff in (shop.cashier, shop.reviewer, shop.finance):
        assert as_staff(staff).get("/desk/api-keys").status_code == 403
    foreign = as_staff(make_staff(make_merchant(), "owner"))
    for act in ("rotate", "revoke"):
        for staff in (shop.cashier, shop.reviewer, shop.finance):
            form = {"typed_name": row.name, "overlap": "0"}
            assert as_staff(staff).post(f"/desk/api-keys/{row.pk}/{act}", form).status_code == 403
        assert foreign.get(f"/desk/api-keys/{row.pk}/{act}").status_code == 404
        assert foreign.post(f"/desk/api-keys/{row.pk}/{act}", {"typed_name": row.name}).status_code == 404
    assert _works(key)
