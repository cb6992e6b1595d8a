"""Stores over REST; `test_team` has what all settings have in common."""

from __future__ import annotations

import pytest

from core.audit.models import AuditEvent
from merchants.models import Merchant, Store
from tests.api.conftest import Session, session_for
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(merchant: Merchant) -> Session:
    return session_for(make_staff(merchant, "owner"))


def test_store_is_opened_renamed_closed_and_opened_again(merchant: Merchant, owner: Session) -> None:
    opened = owner.post("stores", {"code": "S009", "name": "西单店", "phone": "010-66668888"}, key="k1")
    assert opened.status_code == 201, opened.content

    renamed = owner.put("stores/S009", {"name": "西单大悦城店", "phone": "010-66668888", "address": "西单北大街"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "西单大悦城店"), renamed.content
    closed = owner.post("stores/S009/close", key="k2")
    assert closed.status_code == 200, closed.content
    assert Store.objects.get(code="S009").closed_at is not None
    again = owner.post("stores/S009/reopen", key="k3")

    assert again.json() == owner.get("stores/S009").json() == renamed.json()
    assert Store.objects.get(code="S009").closed_at is None


def test_store_when_its_code_is_taken_or_its_name_is_missing_is_not_opened(merchant: Merchant, owner: Session) -> None:
    before = AuditEvent.objects.count()

    taken = owner.post("stores", {"code": "S001", "name": "x"}, key="k1")
    nameless = owner.post("stores", {"code": "S009", "name": ""}, key="k2")

    assert (taken.status_code, nameless.status_code) == (422, 400), taken.content
    assert (Store.objects.count(), AuditEvent.objects.count()) == (1, before)
