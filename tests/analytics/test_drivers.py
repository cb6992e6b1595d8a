"""What a change of the refunded amount is made of."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from analytics.drivers import Movement, movement
from analytics.figures import Selection
from analytics.overview import overview
from analytics.periods import last_days
from core.calendar import SHANGHAI
from refunds.states import Reason, State
from tests.analytics.rows import World

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 14, 40, tzinfo=SHANGHAI)
WEEK = last_days(days=7, now=NOW)
BEFORE = NOW - timedelta(days=10)


def paid(
    world: World, *, at: datetime, store: int = 0, till: int = 0, reason: str = Reason.QUALITY, fen: int = 1_000
) -> None:
    """One refund that succeeded then, of a sale of 100 yuan."""
    shop = world.stores[store]
    terminal = world.tills[shop.pk][till]
    sale = world.sale(at=at, store=shop, terminal=terminal)
    world.request(
        sale, state=State.CLOSED, created_at=at, succeeded_at=at, reason=reason, amount_fen=fen, terminal=terminal
    )


def moved(world: World) -> Movement:
    world.write()
    return movement(overview(scope=Selection(merchant_id=world.merchant.pk), period=WEEK))


def test_rise_names_store_reason_and_till_and_adds_up() -> None:
    world = World()
    paid(world, at=BEFORE, store=0)
    paid(world, at=BEFORE, store=1, reason=Reason.GOODWILL, fen=700)
    for _ in range(4):
        paid(world, at=NOW, store=1, till=1, reason=Reason.DUPLICATE_CHARGE, fen=2_000)
    paid(world, at=NOW, store=1, till=0, reason=Reason.DUPLICATE_CHARGE, fen=500)
    paid(world, at=NOW, store=0)

    found = moved(world)

    assert found.change_fen == 8_500 + 1_000 - 1_700
    (driver,) = found.drivers
    assert (driver.store_id, driver.reason, driver.terminal) == (world.stores[1].pk, Reason.DUPLICATE_CHARGE, "POS-02")
    assert (driver.count, driver.previous_count, driver.change_fen) == (5, 0, 8_500)
    # What became less stands in the rest: told and rest make the whole.
    assert found.rest_fen == -700
    # Two sales became six: at the rate of before, three times as much would have come back.
    assert found.volume_fen == 3_400


def test_fall_names_what_became_less() -> None:
    world = World()
    for _ in range(3):
        paid(world, at=BEFORE, store=2, till=0)
    paid(world, at=NOW, store=2, till=1, fen=200)

    found = moved(world)

    (driver,) = found.drivers
    assert (found.change_fen, driver.change_fen, found.rest_fen) == (-2_800, -2_800, 0)
    assert (driver.count, driver.previous_count, driver.terminal) == (1, 3, "POS-01")


def test_till_is_not_named_where_the_store_has_one_or_the_change_is_spread() -> None:
    one_till, spread = World(), World()
    for _ in range(3):
        paid(one_till, at=NOW)
    for till in (0, 1):
        paid(spread, at=NOW, till=till)

    assert [driver.terminal for driver in moved(one_till).drivers] == [""]
    assert [driver.terminal for driver in moved(spread).drivers] == [""]


def test_nothing_before_is_no_rate_to_compare_with() -> None:
    world = World()
    paid(world, at=NOW)
    found = moved(world)
    assert (found.volume_fen, found.change_fen) == (None, 1_000)


def test_five_are_told_and_the_others_are_one_sum() -> None:
    world = World()
    for place, reason in enumerate(list(Reason)[:7], start=1):
        paid(world, at=NOW, reason=reason, fen=place * 100)
    found = moved(world)
    assert [driver.change_fen for driver in found.drivers] == [700, 600, 500, 400, 300]
    assert found.rest_fen == 300


def test_nothing_at_all_moves_nothing() -> None:
    found = moved(World())
    assert (found.change_fen, found.drivers, found.rest_fen) == (0, [], 0)
