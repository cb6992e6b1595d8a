"""Incidents through REST: reported once, handled by staff, learned from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from refunds.models import Apology, Incident
from tests.api.conftest import Api, session_for
from tests.factories import make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


def test_incident_when_reported_twice_under_one_key_is_one_and_staff_handle_it(api: Api) -> None:
    refund = make_request(make_sale(api.merchant, 10_000), phone="13912345678")
    began = (timezone.now() - timedelta(hours=1)).isoformat()
    body = {"title": "网络中断", "began_at": began, "store": "S001"}
    first = api.post("incidents", body, idempotency_key="k")
    assert first.status_code == 201, first.content
    assert api.post("incidents", body, idempotency_key="k").json() == first.json()
    assert Incident.objects.count() == 1
    incident = first.json()
    assert incident["refunds"] == [str(refund.pk)]
    path = f"incidents/{incident['id']}"
    assert api.post(f"{path}/apologise", {}).status_code == 403
    session = session_for(make_staff(api.merchant, "manager"))
    assert session.post(f"{path}/apologise", {}).json() == {"people": 1, "before": 0, "unreachable": 0}
    assert not Apology.objects.exists()
    assert session.post(f"{path}/apologise", {"dry_run": False}).status_code == 200
    assert Apology.objects.count() == 1
    ticket = {"provider": "中国电信", "ticket_no": "T1", "cost_fen": 5_000, "refunds_wait": True}
    fault = make_request(make_sale(api.merchant, 50_000), 30_000, reason="network_fault")
    assert session.post(f"{path}/ticket", ticket).json()["state"] == "waiting"
    assert api.get(f"refund-requests/{fault.pk}").json()["state"] == "waiting_vendor"
    assert session.post(f"{path}/answers", {"words": "已派单"}).json()["answers"][0]["words"] == "已派单"
    closed = session.post(f"{path}/close", {"cause": "network", "prevention": "备用 4G"}).json()
    assert (closed["state"], closed["people_written_to"]) == ("closed", 1)
    assert session.post(f"{path}/close", {"cause": "network", "prevention": "?"}).status_code == 409
    (lesson,) = api.get("incidents/lessons").json()["results"]
    assert (lesson["cause"], lesson["cost_fen"], lesson["chronic"]) == ("network", 5_000, False)
    assert [one["id"] for one in api.get("incidents").json()["results"]] == [incident["id"]]
