"""Incidents at the desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from analytics import anomalies
from analytics.anomalies import Finding
from core.calendar import SHANGHAI
from merchants.models import Staff
from refunds.models import Apology, Incident, Notification
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale

SignIn = Callable[[Staff], Client]


def _open(client: Client, **fields: str) -> Incident:
    began = (timezone.now() - timedelta(hours=2)).astimezone(SHANGHAI)
    said = {"title": "Till is dark", "store": "S001", "began_at": f"{began:%Y-%m-%dT%H:%M}"}
    answer = client.post("/desk/incidents", {**said, **fields})
    assert answer.status_code == 302, answer.content.decode()
    return Incident.objects.latest("pk")


def test_incident_is_reported_by_a_cashier_and_handled_by_a_manager(shop: Shop, as_staff: SignIn) -> None:
    refund = make_request(make_sale(shop.merchant, 10_000), phone="13912345678")
    fault = make_request(make_sale(shop.merchant, 50_000), 30_000, reason="system_fault")
    Notification.objects.all().delete()
    cashier, manager = as_staff(shop.cashier), as_staff(shop.manager)
    incident = _open(cashier)
    url = f"/desk/incidents/{incident.pk}"
    page = cashier.get(url).content.decode()
    assert refund.number in page
    assert "Apologise" not in page
    assert cashier.post(f"{url}/apologise", {"confirmed": "1"}).status_code == 403
    page = manager.post(f"{url}/apologise").content.decode()
    assert "1 person would be written to, once" in page
    assert "written to before" not in page
    # What they read stands beside it, and leads to where its words are changed.
    assert "We are sorry: a fault at" in page
    assert "/desk/settings/messages/apology/sms/" in page
    assert not Apology.objects.exists()
    manager.post(f"{url}/apologise", {"confirmed": "1"})
    assert Notification.objects.filter(event="apology").count() == 1
    refused = manager.post(f"{url}/ticket", {"provider": "Lakala", "cost": "x"})
    assert refused.status_code == 422
    assert 'value="Lakala"' in refused.content.decode()
    said = {"provider": "Lakala", "ticket_no": "T1", "promised_at": "2030-01-01T10:00", "cost": "120"}
    said["refunds_wait"] = "1"
    page = manager.post(f"{url}/ticket", said, follow=True).content.decode()
    assert "¥120.00" in page
    assert "Waiting for the provider" in page
    # Whoever notes another ticket number keeps what was promised, and what it costs.
    form = {"promised_at": "2030-01-01 10:00", "cost": "120.00", "ticket_no": "T1", "provider": "Lakala"}
    for name, value in form.items():
        assert re.search(rf'name="{name}"[^>]*value="{value}"', page), name
    seen = manager.get(f"/desk/refunds/{fault.number}").content.decode()
    assert "waits for the provider&#x27;s answer" in seen
    manager.post(f"{url}/answer", {"words": "a new till comes"})
    assert "The provider answered: in review again" in manager.get(f"/desk/refunds/{fault.number}").content.decode()
    assert manager.post(f"{url}/close", {"cause": "till"}).status_code == 422
    page = manager.post(f"{url}/close", {"cause": "till", "prevention": "spare"}, follow=True).content.decode()
    assert "a new till comes" in page
    assert "The incident is closed." in page
    listed = manager.get("/desk/incidents").content.decode()
    assert "Lessons of 90 days" in listed
    assert "Change the rules" in listed


def test_incident_that_affects_no_refund_says_why_nobody_is_written_to(shop: Shop, as_staff: SignIn) -> None:
    incident = _open(as_staff(shop.cashier))
    page = as_staff(shop.manager).get(f"/desk/incidents/{incident.pk}").content.decode()
    assert 'disabled aria-describedby="why-nobody"' in page
    assert "there is nobody to write to" in page


def test_finding_of_the_analytics_leads_to_a_form_that_begins_with_it(
    shop: Shop, as_staff: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Finding(store_id=None, reason="quality", reason_share=None, terminal="", rate=0.09, baseline=0.02, count=12)
    monkeypatch.setattr(anomalies, "find", lambda _figures: found)
    manager = as_staff(shop.manager)
    context = manager.get("/desk/analytics").context
    insight = context["insight"]
    form = manager.get(insight.measure_url).content.decode()
    assert f'value="{escape(insight.strong)}"' in form
    assert _open(manager, title=insight.strong).title == insight.strong


def test_form_when_it_cannot_be_keeps_what_was_typed(shop: Shop, as_staff: SignIn) -> None:
    client = as_staff(shop.cashier)
    answer = client.post("/desk/incidents", {"title": "Dark", "store": "S001", "began_at": "yesterday"})
    assert answer.status_code == 422
    assert 'value="Dark"' in answer.content.decode()
    assert not Incident.objects.exists()
