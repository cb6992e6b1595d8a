from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.charts.geometry import nice_ceiling, percent, short, smooth_path


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (12.5, "12.5"), (12.499, "12.5"), (100.0, "100"), (-0.25, "-0.25"), (30, "30")]
)
def test_short_drops_what_says_nothing(number: float, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("largest", "top"), [(2900, 4000), (4000, 4000), (4001, 8000), (95, 100), (1, 1), (0, 0), (290_000, 400_000)]
)
def test_nice_ceiling_divides_into_round_steps(largest: float, top: float) -> None:
    assert nice_ceiling(largest=largest, intervals=4) == pytest.approx(top)


@given(st.floats(min_value=1, max_value=1e12))
def test_nice_ceiling_holds_the_largest_without_wasting_the_plot(largest: float) -> None:
    top = nice_ceiling(largest=largest, intervals=4)

    assert largest <= top * (1 + 1e-9)
    assert top <= largest * 2.5 * (1 + 1e-9)


@pytest.mark.parametrize(("part", "whole", "share"), [(1, 4, 25), (9, 4, 100), (-1, 4, 0), (1, 0, 0)])
def test_percent_stays_within_the_bar(part: float, whole: float, share: float) -> None:
    assert percent(part, whole) == share


@given(st.lists(st.integers(min_value=0, max_value=500), min_size=2, max_size=40))
def test_smooth_path_never_swings_beyond_its_points(heights: list[int]) -> None:
    points = [(index * 10.0, float(height)) for index, height in enumerate(heights)]

    path = smooth_path(points)

    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path)]
    assert path.startswith("M")
    assert path.count("C") == len(points) - 1
    assert min(heights) - 0.01 <= min(numbers[1::2])
    assert max(numbers[1::2]) <= max(heights) + 0.01


def test_smooth_path_of_nothing_and_of_one_point() -> None:
    assert smooth_path([]) == ""
    assert smooth_path([(1, 2)]) == "M1 2"
