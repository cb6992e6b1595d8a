"""How often a caller may call."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis
from django.test import Client

from api import throttling
from refunds.models import RefundRequest
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_sale

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _window_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows are counted by the clock: one that ends in the middle of a test would count twice."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)


def test_a_key_beyond_its_own_limit_is_told_when_to_come_back() -> None:
    limited = api_for(make_merchant(), rate_limit=3)
    assert [limited.get("policy").status_code for _ in range(3)] == [200, 200, 200]
    refused = limited.get("policy")
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 1 <= int(refused["Retry-After"]) <= 11
    sale = make_sale(limited.merchant)
    body = {"transaction": str(sale.pk), "amount_fen": 100, "reason": "quality"}
    assert limited.post("refund-requests", body).status_code == 429
    assert not RefundRequest.objects.exists()
    assert api_for(limited.merchant).get("policy").status_code == 200, "another key has its own count"


def test_guessing_keys_is_slowed_down_by_address_and_real_keys_are_not(api: Api) -> None:
    client = Client(REMOTE_ADDR="203.0.113.7")
    answers = [client.get("/api/v1/policy", headers={"Authorization": f"Bearer rdk_{number}"}) for number in range(22)]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429] * 2
    assert int(answers[-1]["Retry-After"]) > 0
    assert client.get("/api/v1/policy", headers={"Authorization": f"Bearer {api.key}"}).status_code == 200


def test_requests_pass_while_nobody_can_count_them(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(throttling, "client", away)
    assert api.get("policy").status_code == 200
