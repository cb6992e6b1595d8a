"""Opening hours as the API answers them."""

from __future__ import annotations

from api.schemas_opening import StoreHoursOut
from merchants.models import Store


def test_hours_of_a_store_when_nobody_said_them_are_null() -> None:
    told = StoreHoursOut.of(Store(code="S001", name="一号店", opening_hours=""))
    assert told == {"store": "S001", "name": "一号店", "hours": None, "shown": ""}


def test_hours_of_a_store_are_told_as_they_are_kept() -> None:
    week = {"week": ["10:00-22:00"] * 7}
    assert StoreHoursOut.of(Store(code="S001", name="一号店", hours=week))["hours"] == week
