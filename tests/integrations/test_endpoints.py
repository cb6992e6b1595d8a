"""Endpoints of webhooks, kept by those who may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid, NotFound
from integrations import delivering, endpoints
from integrations.addresses import AddressRefused
from integrations.endpoints import EndpointDisabled, Wanted
from integrations.models import WebhookDelivery, WebhookEndpoint
from merchants.models import Merchant
from merchants.principals import Principal, of_key, of_staff
from tests.factories import make_merchant, make_staff, works_in
from tests.integrations.rig import make_endpoint, tell

pytestmark = pytest.mark.django_db
NOW = timezone.now()
URL = "https://93.184.216.34/hook"


def _owner(merchant: Merchant) -> Principal:
    return of_staff(make_staff(merchant, "owner"))


def test_add_makes_an_endpoint_with_a_secret_that_is_nowhere_in_plain() -> None:
    merchant = make_merchant()
    row = endpoints.add(wanted=Wanted(url=URL, types=["policy.published"]), by=_owner(merchant), at=NOW)
    assert row.secret.startswith("whsec_")
    assert (row.store_id, row.types, row.style, row.enabled) == (None, ["policy.published"], "thin", True)
    told = AuditEvent.objects.get(action="webhook_endpoint.add")
    assert row.secret not in str(told.data)
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM integrations_webhookendpoint")
        assert row.secret.encode() not in bytes(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Wanted(url="http://93.184.216.34/"), "webhook_url_refused"),
        (Wanted(url="https://169.254.169.254/latest"), "webhook_url_refused"),
        (Wanted(), "webhook_url_refused"),
        (Wanted(url=URL, types=["refund_request.*"]), "unknown_event_type"),
    ],
)
def test_add_when_it_cannot_be_called_stores_nothing(wanted: Wanted, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        endpoints.add(wanted=wanted, by=_owner(make_merchant()), at=NOW)
    assert refusal.value.code == code
    assert not WebhookEndpoint.objects.exists()


def test_add_when_there_are_twenty_is_refused() -> None:
    merchant = make_merchant()
    for _ in range(endpoints.MOST):
        make_endpoint(merchant)
    with pytest.raises(Invalid, match="at most"):
        endpoints.add(wanted=Wanted(url=URL), by=_owner(merchant), at=NOW)
    assert WebhookEndpoint.objects.count() == endpoints.MOST


def test_whoever_works_in_one_store_keeps_that_stores_endpoints_only() -> None:
    merchant = make_merchant()
    here, there = merchant.stores.get(), merchant.stores.create(code="S2", name="二")
    staff = make_staff(merchant, "manager")
    works_in(staff, here)
    by = of_staff(staff)
    mine = endpoints.add(wanted=Wanted(url=URL), by=by, at=NOW)
    assert mine.store_id == here.pk
    with pytest.raises(NotFound):
        endpoints.add(wanted=Wanted(url=URL), by=by, at=NOW, store=there)
    make_endpoint(merchant)
    assert list(endpoints.endpoints_of(by)) == [mine]
    works_in(staff, here, there)
    with pytest.raises(Invalid):
        endpoints.add(wanted=Wanted(url=URL), by=of_staff(staff), at=NOW)


def test_another_merchants_endpoint_does_not_exist_and_a_cashier_keeps_none() -> None:
    row, stranger = make_endpoint(make_merchant()), _owner(make_merchant())
    for act in (
        lambda: endpoints.change(endpoint_id=row.pk, wanted=Wanted(enabled=False), by=stranger, at=NOW),
        lambda: endpoints.remove(endpoint_id=row.pk, by=stranger, at=NOW),
        lambda: endpoints.rotate(endpoint_id=row.pk, by=stranger, at=NOW),
        lambda: endpoints.test(endpoint_id=row.pk, by=stranger, at=NOW),
        lambda: endpoints.replay(endpoint_id=row.pk, delivery_id=1, by=stranger, at=NOW),
        lambda: endpoints.recover(endpoint_id=row.pk, since=NOW, by=stranger, at=NOW),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(Forbidden):
        endpoints.endpoints_of(of_staff(make_staff(row.merchant, "cashier")))
    secret, row_now = row.secret, WebhookEndpoint.objects.get()
    assert (row_now.enabled, row_now.secret) == (True, secret)


def test_change_when_the_new_url_leads_inside_changes_nothing() -> None:
    row = make_endpoint(merchant := make_merchant())
    with pytest.raises(AddressRefused):
        endpoints.change(endpoint_id=row.pk, wanted=Wanted(url="https://10.0.0.1/"), by=_owner(merchant), at=NOW)
    assert WebhookEndpoint.objects.get().url == row.url


def test_change_switches_off_what_waits_and_on_again_from_the_next_event() -> None:
    row, by = make_endpoint(merchant := make_merchant(), failures=9, failing_since=NOW), None
    by = _owner(merchant)
    tell(merchant)
    endpoints.change(endpoint_id=row.pk, wanted=Wanted(enabled=False), by=by, at=NOW)
    assert WebhookDelivery.objects.get().state == "failed"
    for act in (endpoints.test, lambda **named: endpoints.recover(since=NOW, **named)):
        with pytest.raises(EndpointDisabled):
            act(endpoint_id=row.pk, by=by, at=NOW)
    row = endpoints.change(endpoint_id=row.pk, wanted=Wanted(enabled=True), by=by, at=NOW)
    assert (row.failures, row.failing_since) == (0, None)
    assert WebhookDelivery.objects.get().state == "failed"


def test_rotate_keeps_the_secret_before_for_the_overlap() -> None:
    row = make_endpoint(merchant := make_merchant())
    before, by = row.secret, _owner(merchant)
    row = endpoints.rotate(endpoint_id=row.pk, by=by, at=NOW, overlap=timedelta(hours=1))
    assert row.secret != before
    assert (row.previous_secret, row.previous_until) == (before, NOW + timedelta(hours=1))
    with pytest.raises(Invalid):
        endpoints.rotate(endpoint_id=row.pk, by=by, at=NOW, overlap=timedelta(days=365))


def test_replay_queues_one_again_with_its_body() -> None:
    row = make_endpoint(merchant := make_merchant())
    tell(merchant)
    WebhookDelivery.objects.update(state="delivered", body="{}", attempts=3, due_at=None, delivered_at=NOW)
    delivery = WebhookDelivery.objects.get()
    again = endpoints.replay(endpoint_id=row.pk, delivery_id=delivery.pk, by=_owner(merchant), at=NOW)
    assert (again.state, again.attempts, again.body, again.due_at) == ("pending", 0, "{}", NOW)


def test_recover_after_three_days_down_queues_all_that_is_missing_in_one_call() -> None:
    merchant = make_merchant()
    since = NOW - timedelta(days=3)
    tell(merchant, created_at=since - timedelta(hours=1))
    row = make_endpoint(merchant, types=["refund_request.approved"])
    tell(merchant, created_at=since)
    tell(merchant, created_at=since)
    WebhookDelivery.objects.update(state="failed", due_at=None, attempts=13)
    arrived = WebhookDelivery.objects.order_by("pk").last()
    assert arrived is not None
    WebhookDelivery.objects.filter(pk=arrived.pk).update(state="delivered")
    WebhookEndpoint.objects.filter(pk=row.pk).update(enabled=False)
    for _ in range(2):
        tell(merchant, created_at=NOW)
    tell(merchant, type="refund_request.rejected", created_at=NOW)
    WebhookEndpoint.objects.filter(pk=row.pk).update(enabled=True)
    by = _owner(merchant)
    assert endpoints.recover(endpoint_id=row.pk, since=since, by=by, at=NOW) == 3
    waiting = WebhookDelivery.objects.filter(state="pending").order_by("sequence").values_list("sequence", flat=True)
    assert list(waiting) == [2, 4, 5]
    assert [one.webhook_id for one in delivering.claim(at=NOW)] == [
        f"evt_{one.event_id}" for one in WebhookDelivery.objects.filter(state="sending").order_by("sequence")
    ]
    WebhookDelivery.objects.update(state="delivered")
    assert endpoints.recover(endpoint_id=row.pk, since=since, by=by, at=NOW) == 0
    assert endpoints.recover(endpoint_id=row.pk, since=since, by=by, at=NOW, delivered_too=True) == 4


def test_test_is_sent_to_this_endpoint_alone_and_stands_in_no_feed(settings: Settings) -> None:
    merchant = make_merchant()
    row, _other = make_endpoint(merchant), make_endpoint(merchant)
    delivery = endpoints.test(endpoint_id=row.pk, by=_owner(merchant), at=NOW)
    assert (delivery.type, delivery.event_id, delivery.endpoint_id) == ("webhook.test", None, row.pk)
    (outgoing,) = delivering.claim(at=NOW)
    assert '"type":"webhook.test"' in outgoing.body


def test_remove_forgets_its_deliveries_and_no_event() -> None:
    row = make_endpoint(merchant := make_merchant())
    event = tell(merchant)
    endpoints.remove(endpoint_id=row.pk, by=_owner(merchant), at=NOW)
    assert not WebhookDelivery.objects.exists()
    event.refresh_from_db()
    assert AuditEvent.objects.filter(action="webhook_endpoint.remove").exists()


@pytest.mark.parametrize(
    ("types", "scopes", "missing"),
    [
        ([], [], "refunds:read"),
        (["refund_request.refunded"], ["transactions:read"], "refunds:read"),
        (["transaction.created"], ["refunds:read"], "transactions:read"),
        ([], ["refunds:read"], "transactions:read"),
    ],
)
def test_key_is_told_and_shown_no_more_than_it_may_read(types: list[str], scopes: list[str], missing: str) -> None:
    """Otherwise the scope to manage webhooks would be one to read every customer."""
    merchant = make_merchant()
    by = of_key(
        key_id=7,
        name="bi",
        merchant_id=merchant.pk,
        stores=None,
        scopes=frozenset({"webhooks:write", *scopes}),
        made_by=None,
    )
    with pytest.raises(Forbidden, match=missing):
        endpoints.add(wanted=Wanted(url=URL, types=types, style="full"), by=by, at=NOW)
    assert not WebhookEndpoint.objects.exists()
    owners = endpoints.add(wanted=Wanted(url=URL, types=types, style="full"), by=_owner(merchant), at=NOW)
    for act in (
        lambda: endpoints.endpoint_of(endpoint_id=owners.pk, by=by),
        lambda: endpoints.change(endpoint_id=owners.pk, wanted=Wanted(url="https://93.184.216.35/"), by=by, at=NOW),
        lambda: endpoints.recover(endpoint_id=owners.pk, since=NOW, by=by, at=NOW),
    ):
        with pytest.raises(Forbidden, match=missing):
            act()
    harmless = endpoints.add(wanted=Wanted(url=URL, types=["webhook_endpoint.disabled"]), by=by, at=NOW)
    with pytest.raises(Forbidden, match=missing):
        endpoints.change(endpoint_id=harmless.pk, wanted=Wanted(types=types), by=by, at=NOW)
    assert WebhookEndpoint.objects.get(pk=harmless.pk).types == ["webhook_endpoint.disabled"]
