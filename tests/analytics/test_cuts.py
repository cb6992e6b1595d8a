"""A statement's rows as look-ups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from analytics import statements
from analytics.figures import Selection, Sold, Spread
from analytics.overview import Cuts, spread, spreads
from analytics.periods import last_days
from analytics.statements import SALES

#: Of GROUPING(bucket, store_id, cashier, terminal_id): everything, a store, a cashier of it.
_ROWS = [
    (0b1111, True, None, None, None, None, 3, 900, 100),
    (0b1011, True, None, 7, None, None, 2, 600, 100),
    (0b1001, True, None, 7, "C1", None, 2, 600, 100),
    (0b1111, False, None, None, None, None, 1, 50, 0),
]


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> Cuts[Sold]:
    def run(*_: Any, **__: Any) -> Iterator[tuple[Any, ...]]:
        yield from _ROWS

    monkeypatch.setattr(statements, "run", run)
    return Cuts(SALES, Sold, Selection(merchant_id=1), last_days(days=7, now=timezone.now()))


def test_at_when_something_happened_there_gives_its_figure(cuts: Cuts[Sold]) -> None:
    assert cuts.at() == Sold(3, 900, 100)
    assert cuts.at(current=False) == Sold(1, 50, 0)
    assert cuts.at(cashier="C1", store_id=7) == Sold(2, 600, 100), "in any order"


def test_at_when_nothing_happened_gives_the_empty_figure(cuts: Cuts[Sold]) -> None:
    assert cuts.at(store_id=8) == cuts.at(current=False, store_id=7) == cuts.at(bucket=0) == Sold()


def test_by_gives_one_grouping_alone(cuts: Cuts[Sold]) -> None:
    assert cuts.by("store_id") == {(True, 7): Sold(2, 600, 100)}
    assert cuts.by("terminal_id") == {}


def test_spread_of_nothing_has_no_median() -> None:
    assert spread() == Spread(0, None, None, None)
    assert spreads(1, [2.0, 3.0], 2.5, [4.0, 5.0], 4.5) == (Spread(1, 2.0, 3.0, 2.5), Spread(1, 4.0, 5.0, 4.5))
