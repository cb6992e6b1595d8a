"""Bars over time."""

from __future__ import annotations

from analytics import charts
from tests.analytics.charts.reading import classed, parse, texts

EVIL = '<script>alert("x")</script>'


def trend(points: list[charts.TrendPoint]) -> str:
    return charts.bar_trend(
        points=points,
        title=f"Refunded {EVIL}",
        description="November",
        headers=("Date", "Now", "Before"),
        format_value=lambda value: f"¥{value}",
        format_axis=lambda value: f"{value:.0f}",
    )


def test_trend_draws_a_bar_a_day_marks_the_unfinished_one_and_links_the_figures() -> None:
    points = [
        charts.TrendPoint(label="11-21", value=30_000, previous=10_000, url="/list?day=21"),
        charts.TrendPoint(label="11-22", value=12_000, partial=True),
    ]

    tree = parse(trend(points))

    bars = classed(tree, "bar")
    assert [bar.get("class") for bar in bars] == ["bar", "bar partial"]
    assert float(bars[0].get("height", "0")) > float(bars[1].get("height", "0"))
    assert texts(tree, ".//tbody//td") == ["¥30000", "¥10000", "¥12000", "--"]
    assert [link.get("href") for link in tree.iterfind(".//tbody//a")] == ["/list?day=21"]


def test_trend_of_nothing_shows_an_empty_plot() -> None:
    tree = parse(trend([charts.TrendPoint(label="11-22", value=0)]))

    assert [bar.get("height") for bar in classed(tree, "bar")] == ["0"]
    assert parse(trend([])) is not None


def test_trend_labels_at_most_eight_moments_and_always_the_newest() -> None:
    points = [charts.TrendPoint(label=f"day {day}", value=day) for day in range(1, 31)]

    labels = [node.text for node in classed(parse(trend(points)), "tick") if (node.text or "").startswith("day")]

    assert len(labels) <= 8
    assert labels[-1] == "day 30"
