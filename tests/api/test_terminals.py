"""Tills over REST: what they say of themselves, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from terminals.models import Terminal
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant

_PATH = "terminals/POS-01/heartbeat"
_SAID: dict[str, Any] = {"version": "4.2.1", "checks": {"display": True, "keyboard": True, "printer": False}}


def test_heartbeat_tells_the_till_whether_it_takes_refunds_and_by_which_rules(api: Api) -> None:
    Terminal.objects.update(refunds_enabled=False, refunds_off_reason="盘点")
    answer = api.post(_PATH, {**_SAID, "missing_slips": 1}, idempotency_key=None)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["refunds_enabled"], body["refunds_off_reason"], body["is_current"]) == (False, "盘点", True)
    assert body["checks"] == _SAID["checks"]
    assert "200" in body["rules"]
    assert api.get("terminals/POS-01").json() == body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"checks": {"display": "yes"}}, "checks.display"),
        ({"checks": {"scanner": True}}, "checks.scanner"),
        ({"checks": []}, "checks"),
        ({"missing_slips": -1}, "missing_slips"),
        ({"missing_slips": True}, "missing_slips"),
        ({"missing_slips": 2**63}, "missing_slips"),
        ({"version": 4}, "version"),
        ({"version": "4" * 21}, "version"),
        ({"state": "ok"}, "state"),
    ],
)
def test_heartbeat_that_cannot_be_read_changes_nothing(api: Api, body: dict[str, Any], field: str) -> None:
    answer = api.post(_PATH, body)
    assert (answer.status_code, answer.json()["errors"][0]["field"].split("[")[0]) == (400, field)
    assert Terminal.objects.get().last_seen_at is None


def test_till_of_another_merchant_or_store_is_not_there(api: Api) -> None:
    abroad = make_merchant()
    Terminal.objects.filter(store__merchant=abroad).update(code="POS-77")
    assert api.get("terminals/POS-77").status_code == api.post("terminals/POS-77/heartbeat", _SAID).status_code == 404
    bound = api_for(api.merchant, store=api.merchant.stores.create(code="S002", name="二号店"))
    assert bound.get("terminals/POS-01").status_code == bound.post(_PATH, _SAID).status_code == 404
    assert not Terminal.objects.exclude(last_seen_at=None).exists()


def test_heartbeat_by_a_key_without_the_scope_is_refused(api: Api) -> None:
    reader = api_for(api.merchant, scopes=["refunds:read"])
    assert reader.get("terminals/POS-01").status_code == 200
    assert reader.post(_PATH, _SAID).status_code == 403
    assert Terminal.objects.get().last_seen_at is None
