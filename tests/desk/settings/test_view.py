"""The page of all settings."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import Staff
from tests.desk.conftest import Shop
from tests.factories import make_staff


def test_settings_lead_everybody_to_what_they_may_open(shop: Shop, as_staff: Callable[[Staff], Client]) -> None:
    cashier = as_staff(shop.cashier).get("/desk/settings").content.decode()
    assert "/desk/policy" in cashier
    assert "/desk/audit" not in cashier
    client = as_staff(make_staff(shop.merchant, "owner"))
    owner = client.get("/desk/settings")
    links = [cell.url for table in owner.context["tables"] for row in table.rows for cell in row.cells if cell.url]
    assert len(links) > 5
    assert {client.get(link).status_code for link in links} == {200}
