"""What became of the requests."""

from __future__ import annotations

from analytics import charts
from tests.analytics.charts.reading import classed, parse, texts


def test_funnel_measures_every_step_against_the_first() -> None:
    steps = [charts.FunnelStep(label="asked", count=200), charts.FunnelStep(label="paid", count=150, tone="ok")]

    tree = parse(charts.funnel(steps=steps, title="t", headers=("a", "b", "c")))

    assert [bar.get("width") for bar in classed(tree, "fill")] == ["100%", "75%"]
    assert texts(tree, ".//tbody/tr/td[2]") == ["100.0%", "75.0%"]


def test_funnel_of_nothing_states_no_share() -> None:
    tree = parse(charts.funnel(steps=[charts.FunnelStep(label="asked", count=0)], title="t", headers=("a", "b", "c")))

    assert texts(tree, ".//tbody/tr/td[2]") == ["--"]
