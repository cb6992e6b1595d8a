"""One version of the policy at the desk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from merchants import policies
from merchants.models import Staff
from merchants.principals import of_staff
from tests.desk.conftest import Shop
from tests.factories import RULES, make_merchant, make_staff

pytestmark = pytest.mark.django_db


def test_version_shows_what_it_changed_and_offers_its_rules_again(
    shop: Shop, as_staff: Callable[[Staff], Client]
) -> None:
    policies.publish(
        merchant=shop.merchant,
        name="b",
        rules={**RULES, "handling_minutes": 45},
        reason="人手不足",
        by=of_staff(shop.manager),
        at=timezone.now(),
    )
    page = as_staff(shop.cashier).get("/desk/policy/versions/2")
    assert [one.after for one in page.context["changes"]] == ["45 minutes"]
    assert "人手不足" in page.content.decode()
    assert "Go back to these rules" not in page.content.decode()
    assert "Go back to these rules" in as_staff(shop.manager).get("/desk/policy/versions/1").content.decode()
    assert as_staff(shop.cashier).get("/desk/policy/versions/3").status_code == 404
    assert as_staff(make_staff(make_merchant(), "owner")).get("/desk/policy/versions/2").status_code == 404
