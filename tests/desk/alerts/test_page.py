"""What the page of alerts shows: names and how each does, no address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

import pytest
from django.utils import timezone, translation

from desk.access import scope_of
from desk.alerts.page import alert_address_page, alerts_page
from integrations.models import AlertAddress
from tests.desk.conftest import Shop
from tests.factories import make_merchant


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def test_list_has_ones_own_addresses_by_name_and_not_what_opens_the_group(shop: Shop) -> None:
    given = {"kind": "email", "language": "en", "events": ["channel_down"], "created_at": timezone.now()}
    hours = {"quiet_from": time(22), "quiet_until": time(7)}
    for name, more in (("one", {"last_error": "refused"}), ("two", hours)):
        AlertAddress.objects.create(merchant=shop.merchant, name=name, address="a@example.com", **given, **more)
    AlertAddress.objects.create(merchant=make_merchant(), name="theirs", **given)
    page = alerts_page(scope=scope_of(shop.manager))
    rows = [[cell.text for cell in row.cells] for row in page.tables[0].rows]
    assert rows == [["one", "none", "does not take messages"], ["two", "22:00 – 07:00", "in use"]]
    own = alert_address_page(address=AlertAddress.objects.get(name="one"))
    assert [form.name for form in own.forms] == ["test", "remove"]
    assert "a@example.com" not in f"{page}{own}"
