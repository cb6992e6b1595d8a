"""/api/v1/webhook-endpoints."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from api.schemas import page_of
from api.webhooks import NewWebhookEndpointOut, WebhookDeliveryOut, WebhookEndpointsOut
from integrations import delivering
from integrations.addresses import Result
from integrations.models import WebhookDelivery, WebhookEndpoint
from refunds.models import IdempotencyRecord
from tests.api.conftest import Api, api_for
from tests.api.test_description import same_names
from tests.factories import make_merchant
from tests.integrations.rig import make_endpoint, tell

pytestmark = pytest.mark.django_db
URL = "https://93.184.216.34/hook"


def _send(api: Api, method: str, path: str, body: Any = None) -> Any:
    data = "" if body is None else json.dumps(body)
    headers = {"Authorization": f"Bearer {api.key}"}
    return getattr(Client(), method)(f"/api/v1/{path}", data, content_type="application/json", headers=headers)


def test_endpoint_is_added_listed_changed_rotated_and_removed(api: Api) -> None:
    answer = api.post("webhook-endpoints", {"url": URL, "types": ["policy.published"], "style": "full"})
    assert answer.status_code == 201
    added = answer.json()
    same_names(NewWebhookEndpointOut(), added)
    assert added["secret"].startswith("whsec_")
    listed = api.get("webhook-endpoints").json()
    same_names(WebhookEndpointsOut(), listed)
    assert (listed["results"][0]["url"], "secret" in listed["results"][0]) == (URL, False)
    path = f"webhook-endpoints/{added['id']}"
    assert _send(api, "patch", path, {"enabled": False}).json()["enabled"] is False
    assert api.get(path).json()["types"] == ["policy.published"]
    rotated = api.post(f"{path}/rotate", {"overlap": "1h"}).json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != added["secret"]
    assert _send(api, "delete", path).status_code == 204
    assert api.get(path).status_code == 404


def test_repeat_of_the_same_call_makes_no_second_endpoint_and_keeps_no_secret(api: Api) -> None:
    body = {"url": URL}
    first = api.post("webhook-endpoints", body, idempotency_key="one")
    again = api.post("webhook-endpoints", body, idempotency_key="one")
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert (again.json()["id"], again.json()["secret"]) == (first.json()["id"], None)
    assert WebhookEndpoint.objects.count() == 1
    assert first.json()["secret"] not in IdempotencyRecord.objects.get().body
    assert api.post("webhook-endpoints", body, idempotency_key=None).status_code == 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"url": "https://127.0.0.1/"}, 422, "webhook_url_refused"),
        ({"url": "http://93.184.216.34/"}, 422, "webhook_url_refused"),
        ({"url": URL, "types": ["no.such"]}, 422, "unknown_event_type"),
        ({"url": URL, "store": "S404"}, 422, "unknown_store"),
        ({"url": URL, "secret": "mine"}, 400, "invalid_input"),
        ({}, 400, "invalid_input"),
        ({"url": URL, "style": "fat"}, 400, "invalid_input"),
    ],
)
def test_endpoint_that_cannot_be_is_not_stored(api: Api, body: Any, status: int, code: str) -> None:
    answer = api.post("webhook-endpoints", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not WebhookEndpoint.objects.exists()


def test_test_replay_recover_and_log(api: Api) -> None:
    row = make_endpoint(api.merchant)
    path = f"webhook-endpoints/{row.pk}"
    tell(api.merchant)
    assert api.post(f"{path}/test", {}).json()["type"] == "webhook.test"
    now = timezone.now()
    claimed = delivering.claim(at=now)
    delivering.note([(one.delivery_id, Result(500, "no", 7)) for one in claimed], at=now)
    page = api.get(f"{path}/deliveries").json()
    same_names(page_of(WebhookDeliveryOut)(), page)
    assert [one["type"] for one in page["results"]] == ["webhook.test", "refund_request.approved"]
    assert page["results"][1]["attempts"][0]["status"] == 500
    assert json.loads(page["results"][1]["body"])["sequence"] == 1
    assert api.get(f"{path}/deliveries", status="failed").json()["results"] == []
    WebhookDelivery.objects.update(state="failed")
    failed = api.get(f"{path}/deliveries", status="failed", limit=1).json()
    assert len(failed["results"]) == 1
    assert len(Client().get(failed["next"], headers={"Authorization": f"Bearer {api.key}"}).json()["results"]) == 1
    replayed = api.post(f"{path}/deliveries/{page['results'][1]['id']}/replay", {})
    assert (replayed.status_code, replayed.json()["status"]) == (200, "pending")
    assert api.post(f"{path}/recover", {"since": "2020-01-01T00:00:00+08:00"}).json() == {"waiting": 1}
    assert api.get(f"{path}/deliveries", status="sent").status_code == 400


def test_endpoint_of_another_merchant_is_a_404_and_a_key_needs_the_scope(api: Api) -> None:
    row = make_endpoint(make_merchant())
    tell(row.merchant)
    delivery = WebhookDelivery.objects.get()
    path = f"webhook-endpoints/{row.pk}"
    answers = [
        api.get(path), _send(api, "patch", path, {"enabled": False}), _send(api, "delete", path),
        api.post(f"{path}/rotate", {}), api.post(f"{path}/test", {}), api.get(f"{path}/deliveries"),
        api.post(f"{path}/recover", {"since": "2020-01-01T00:00:00+08:00"}),
        api.post(f"{path}/deliveries/{delivery.pk}/replay", {}),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {api.get("webhook-endpoints/999999").content}
    assert WebhookEndpoint.objects.get().enabled
    poor = api_for(api.merchant, scopes=["refunds:read"])
    assert poor.get("webhook-endpoints").status_code == 403
