"""A ranking."""

from __future__ import annotations

from analytics import charts
from tests.analytics.charts.reading import classed, parse


def test_bars_are_scaled_to_the_longest() -> None:
    bars = [charts.Bar(label="a", value=50, figure="50"), charts.Bar(label="b", value=25, figure="25")]

    tree = parse(charts.horizontal_bars(bars=bars, title="t", headers=["a", "b", "c"]))

    assert [bar.get("width") for bar in classed(tree, "fill")] == ["100%", "50%"]
