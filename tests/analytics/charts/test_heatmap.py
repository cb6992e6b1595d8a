"""Weekdays and hours."""

from __future__ import annotations

import pytest

from analytics import charts
from analytics.charts.heatmap import busiest, shade


def heat(values: list[list[int]]) -> str:
    return charts.heat_map(
        rows=["Mon", "Tue"],
        columns=["9", "10", "11"],
        values=values,
        title="When",
        description="peak Tue 11",
        corner="Day",
    )


def test_heat_map_refuses_values_that_do_not_fit_their_labels() -> None:
    with pytest.raises(ValueError, match="one count a column"):
        heat([[1, 2], [3, 4]])


@pytest.mark.parametrize(("count", "step"), [(0, 0), (1, 1), (50, 3), (100, 6)])
def test_heat_map_shades_by_sixths_of_the_largest(count: int, step: int) -> None:
    assert shade(count=count, largest=100) == step


def test_one_hour_that_stands_far_out_does_not_leave_the_others_pale() -> None:
    assert busiest([*([3] * 60), 90, 0]) == 3
    assert shade(count=90, largest=3) == shade(count=3, largest=3) == 6
    assert busiest([5]) == 5
    assert busiest([0, 0]) == 0
