"""What the pages of webhooks show."""

from __future__ import annotations

from django.utils import timezone

from desk.access import scope_of
from desk.webhooks.page import webhook_page, webhooks_page
from integrations.models import WebhookDelivery
from tests.desk.conftest import Shop
from tests.factories import make_merchant, works_in
from tests.integrations.rig import make_endpoint, tell


def test_list_has_ones_own_endpoints_with_how_they_do(shop: Shop) -> None:
    now = timezone.now()
    for fields in ({}, {"failing_since": now}, {"enabled": False}, {"enabled": False, "disabled_at": now}):
        make_endpoint(shop.merchant, **fields)
    make_endpoint(make_merchant())
    tell(shop.merchant)
    page = webhooks_page(scope=scope_of(shop.manager), issued=None, typed_url="", chosen=(), form_error="")
    assert [(row.state, row.waiting) for row in page.rows] == [("on", 1), ("failing", 1), ("off", 0), ("given_up", 0)]
    assert page.all_stores
    works_in(shop.manager, shop.merchant.stores.get())
    page = webhooks_page(scope=scope_of(shop.manager), issued=None, typed_url="", chosen=(), form_error="")
    assert (page.rows, page.all_stores) == ([], "")


def test_log_has_each_delivery_with_its_attempts_the_last_first(shop: Shop) -> None:
    endpoint = make_endpoint(shop.merchant)
    for _ in range(3):
        tell(shop.merchant)
    first, second, _third = WebhookDelivery.objects.order_by("pk")
    at = timezone.now().isoformat()
    log = [{"at": at, "status": status, "ms": 1, "said": "x"} for status in (500, 200)]
    WebhookDelivery.objects.filter(pk=first.pk).update(state="delivered", log=log)
    WebhookDelivery.objects.filter(pk=second.pk).update(state="failed")
    page = webhook_page(endpoint=endpoint, issued=None, only_failed=False, form_error="")
    assert [row.state for row in page.deliveries] == ["waiting", "failed", "delivered"]
    assert [attempt.status for attempt in page.deliveries[2].attempts] == [200, 500]
    failed = webhook_page(endpoint=endpoint, issued=None, only_failed=True, form_error="")
    assert [row.delivery.pk for row in failed.deliveries] == [second.pk]
