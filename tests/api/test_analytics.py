"""GET /api/v1/analytics/summary: the same figures for clients."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from analytics.figures import Selection
from analytics.overview import overview
from analytics.periods import last_days
from api import schemas_figures
from core.calendar import SHANGHAI
from merchants import api_keys
from merchants.models import Role, Store
from merchants.principals import of_staff
from tests.analytics.rows import World
from tests.api.test_description import same_names
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 14, 40, tzinfo=SHANGHAI)
SUMMARY = "/api/v1/analytics/summary"


@pytest.fixture(autouse=True)
def _invariants_hold() -> None:
    """Rows without audit events and payouts break invariants on purpose."""


@pytest.fixture(autouse=True)
def _afternoon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world() -> World:
    world = World()
    world.fill(seed=3, start=NOW - timedelta(days=14), end=NOW, count=120)
    world.write()
    return world


def client(world: World, *, scopes: tuple[str, ...] = ("analytics:read",), store: Store | None = None) -> Client:
    owner = make_staff(world.merchant, Role.OWNER)
    _, key, _ = api_keys.issue(
        merchant=world.merchant,
        name="figures",
        scopes=scopes,
        by=of_staff(owner),
        at=NOW,
        store=store,
        all_stores=store is None,
    )
    return Client(headers={"authorization": f"Bearer {key}"})


def test_figures_are_those_of_the_page(world: World) -> None:
    body: dict[str, Any] = client(world).get(f"{SUMMARY}?from=2026-11-16&to=2026-11-22").json()
    same_names(schemas_figures.SummaryOut(), body)
    figures = overview(scope=Selection(merchant_id=world.merchant.pk), period=last_days(days=7, now=NOW))
    side = figures.current
    assert (body["from"], body["to"], body["previous_from"]) == ("2026-11-16", "2026-11-22", "2026-11-09")
    assert body["current"]["refunded"] == {
        "n": side.paid.count,
        "amount_fen": side.paid.amount_fen,
        "basis": "succeeded_at",
    }
    assert body["current"]["refund_rate"]["value"] == pytest.approx(side.refund_rate.value, abs=1e-6)
    assert body["current"]["refund_rate"]["n"] == side.sold.count
    assert body["current"]["handling_s"]["median"] == pytest.approx(side.handling.median_s, abs=1e-3)
    assert body["previous"]["submitted"]["n"] == figures.previous.submitted.count
    assert sum(row["amount_fen"] for row in body["stores"]) == side.paid.amount_fen
    assert sum(row["n"] for row in body["reasons"]) == side.paid.count


def test_one_store_by_filter_or_by_key_is_the_same(world: World) -> None:
    by_filter = client(world).get(f"{SUMMARY}?store=S002").json()
    by_key = client(world, store=world.stores[1]).get(SUMMARY).json()
    assert by_filter["current"] == by_key["current"]
    assert [row["store"] for row in by_key["stores"]] == ["S002"]


def test_nothing_to_divide_is_null_with_n_zero() -> None:
    world = World()
    body = client(world).get(SUMMARY).json()
    assert body["current"]["refund_rate"] == {"value": None, "n": 0, "basis": "succeeded_at"}
    assert body["current"]["satisfaction"]["mean_score"] is None
    assert (body["stores"], body["channels"], body["reasons"]) == ([], [], [])


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("from=yesterday", "from", "invalid_date"),
        ("from=2026-11-02&to=2026-11-01", "from", "from_after_to"),
        ("from=2020-01-01", "from", "period_too_long"),
        ("store=S999", "store", "unknown_store"),
        ("stoer=S001", "stoer", "unknown_field"),
    ],
)
def test_bad_input_is_a_problem_by_field(world: World, query: str, field: str, code: str) -> None:
    response = client(world).get(f"{SUMMARY}?{query}")
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]


def test_store_of_another_merchant_is_unknown(world: World) -> None:
    stranger = make_merchant()
    Store.objects.create(merchant=stranger, code="S777", name="别家")
    assert client(world).get(f"{SUMMARY}?store=S777").json()["errors"][0]["code"] == "unknown_store"


def test_key_of_one_store_cannot_ask_for_another(world: World) -> None:
    response = client(world, store=world.stores[1]).get(f"{SUMMARY}?store=S001")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "unknown_store")


def test_scope_is_needed(world: World) -> None:
    assert client(world, scopes=("refunds:read",)).get(SUMMARY).status_code == 403
    assert Client().get(SUMMARY).status_code == 401


@pytest.mark.parametrize(("role", "status"), [(Role.CASHIER, 403), (Role.MANAGER, 200)])
def test_staff_may_as_on_the_page(world: World, role: str, status: int) -> None:
    browser = Client()
    browser.force_login(make_staff(world.merchant, role), backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get(SUMMARY).status_code == status
