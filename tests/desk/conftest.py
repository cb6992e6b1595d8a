"""A shop with its people, signed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from merchants import policies
from merchants.models import Merchant, Role, Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from tests.factories import RULES, make_merchant, make_request, make_sale, make_staff

BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True)
class Shop:
    """A merchant and one person a role."""

    merchant: Merchant
    cashier: Staff
    reviewer: Staff
    colleague: Staff
    manager: Staff
    finance: Staff

    def waiting(self, amount_fen: int = 26_800, **fields: Any) -> RefundRequest:
        """A request that waits for a person."""
        return make_request(make_sale(self.merchant, 33_980), amount_fen, **fields)


def two_eyes(shop: Shop) -> None:
    """Since the day before yesterday two people approve above 200 yuan."""
    since = timezone.now() - timedelta(days=2)
    rules = {**RULES, "four_eyes_above_fen": 20_000}
    owner = make_staff(shop.merchant, Role.OWNER)
    policies.publish(merchant=shop.merchant, name="two", rules=rules, by=of_staff(owner), at=since)


def make_shop() -> Shop:
    merchant = make_merchant()
    return Shop(
        merchant,
        *(
            make_staff(merchant, role)
            for role in (Role.CASHIER, Role.REVIEWER, Role.REVIEWER, Role.MANAGER, Role.FINANCE)
        ),
    )


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


@pytest.fixture
def as_staff() -> Callable[[Staff], Client]:
    """A browser of this person's."""

    def sign_in(staff: Staff) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(staff, backend=BACKEND)
        return client

    return sign_in


@pytest.fixture
def reviewer(shop: Shop, as_staff: Callable[[Staff], Client]) -> Client:
    return as_staff(shop.reviewer)


@pytest.fixture
def owner(shop: Shop, as_staff: Callable[[Staff], Client]) -> Client:
    return as_staff(make_staff(shop.merchant, "owner"))


@pytest.fixture
def manager(shop: Shop, as_staff: Callable[[Staff], Client]) -> Client:
    return as_staff(shop.manager)
