"""The pages of webhooks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from integrations.models import WebhookDelivery, WebhookEndpoint
from merchants.models import Staff
from tests.desk.conftest import Shop
from tests.factories import make_merchant
from tests.integrations.rig import make_endpoint, tell

SignIn = Callable[[Staff], Client]
LIST = "/desk/developers/webhooks"
URL = "https://93.184.216.34/hook"


def test_endpoint_is_added_and_its_secret_is_shown_once(shop: Shop, as_staff: SignIn) -> None:
    client = as_staff(shop.manager)
    form = {"url": URL, "store": "*", "style": "full", "types": ["policy.published"]}
    page = client.post(LIST, form).content.decode()
    row = WebhookEndpoint.objects.get()
    assert row.secret in page
    assert (row.url, row.store_id, row.style, row.types) == (URL, None, "full", ["policy.published"])
    page = client.get(LIST).content.decode()
    assert row.secret not in page
    assert URL in page


@pytest.mark.parametrize(
    "changes", [{"url": "https://10.0.0.1/"}, {"url": ""}, {"store": ""}, {"store": "S404"}, {"types": ["no.such"]}]
)
def test_refused_form_keeps_what_was_typed_and_stores_nothing(
    shop: Shop, as_staff: SignIn, changes: dict[str, object]
) -> None:
    answer = as_staff(shop.manager).post(LIST, {"url": URL, "store": "*", **changes})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_endpoint_is_tested_switched_rotated_recovered_and_removed(shop: Shop, as_staff: SignIn) -> None:
    client, row = as_staff(shop.manager), make_endpoint(shop.merchant)
    tell(shop.merchant)
    page = f"{LIST}/{row.pk}"
    assert "A test event is on its way" in client.post(f"{page}/test", follow=True).content.decode()
    assert WebhookDelivery.objects.filter(type="webhook.test").exists()
    assert "switched off" in client.post(f"{page}/disable", follow=True).content.decode()
    refused = client.post(f"{page}/test")
    assert (refused.status_code, "Switch it on first" in refused.content.decode()) == (409, True)
    client.post(f"{page}/enable")
    answer = client.post(f"{page}/recover", {"since": "2020-01-01T00:00"}, follow=True)
    assert "Events that are sent now, in order: 1." in answer.content.decode()
    assert client.post(f"{page}/recover", {"since": "?"}).status_code == 422
    before = row.secret
    assert client.post(f"{page}/rotate", {"overlap": "24h"}).status_code == 422
    shown = client.post(f"{page}/rotate", {"overlap": "24h", "confirmed": "1"}).content.decode()
    row.refresh_from_db()
    assert row.secret != before
    assert row.secret in shown
    assert row.secret not in client.get(page).content.decode()
    assert client.post(f"{page}/remove").status_code == 422
    client.post(f"{page}/remove", {"confirmed": "1"})
    assert not WebhookEndpoint.objects.exists()
    assert client.post(f"{page}/test").status_code == 404


def test_delivery_is_sent_again_and_unknown_acts_are_none(shop: Shop, as_staff: SignIn) -> None:
    client, row = as_staff(shop.manager), make_endpoint(shop.merchant)
    tell(shop.merchant)
    WebhookDelivery.objects.update(state="failed", body='{"a": "<b onclick=x>"}', attempts=13)
    delivery = WebhookDelivery.objects.get()
    page = client.get(f"{LIST}/{row.pk}?status=failed").content.decode()
    assert "<b onclick" not in page
    client.post(f"{LIST}/{row.pk}/deliveries/{delivery.pk}/replay")
    assert WebhookDelivery.objects.get().state == "pending"
    assert client.post(f"{LIST}/{row.pk}/deliveries/999/replay").status_code == 404
    assert client.post(f"{LIST}/{row.pk}/explode").status_code == 404
    WebhookEndpoint.objects.update(enabled=False)
    assert client.post(f"{LIST}/{row.pk}/deliveries/{delivery.pk}/replay").status_code == 409


def test_endpoint_that_was_given_up_is_counted_in_the_navigation_and_said_on_its_page(
    shop: Shop, as_staff: SignIn
) -> None:
    row = make_endpoint(shop.merchant, enabled=False, disabled_at=timezone.now())
    client = as_staff(shop.manager)
    assert "did not answer for three days" in client.get(f"{LIST}/{row.pk}").content.decode()
    assert "switched off: it did not answer" in client.get(LIST).content.decode()


def test_pages_are_for_owners_and_managers_of_the_merchant(shop: Shop, as_staff: SignIn) -> None:
    assert as_staff(shop.reviewer).get(LIST).status_code == 403
    strange = make_endpoint(make_merchant())
    assert as_staff(shop.manager).get(f"{LIST}/{strange.pk}").status_code == 404


@pytest.mark.parametrize(("language", "words"), [("en", "Addresses that are called"), ("zh-hans", "会被通知的地址")])
def test_page_speaks_both_languages(shop: Shop, as_staff: SignIn, language: str, words: str) -> None:
    client = as_staff(shop.manager)
    make_endpoint(shop.merchant)
    assert words in client.get(LIST, headers={"accept-language": language}).content.decode()
