"""What a chart promises: no inline style, escaped words, a name and a description, its figures as a table."""

from __future__ import annotations

import pytest

from analytics import charts
from tests.analytics.charts.reading import parse

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


def heat(values: list[list[int]]) -> str:
    return charts.heat_map(
        rows=["Mon", "Tue"],
        columns=["9", "10", "11"],
        values=values,
        title="When",
        description="peak Tue 11",
        corner="Day",
    )


EVERY_CHART = {
    "sparkline": charts.sparkline(values=[1, 5, 2]),
    "trend": trend([charts.TrendPoint(label=EVIL, value=10, previous=20, url="/a?b=1&c=2")]),
    "bars": charts.horizontal_bars(
        bars=[charts.Bar(label=EVIL, value=3, figure="3", share="100%", url="/a")], title=EVIL, headers=["a", "b", "c"]
    ),
    "share": charts.share_bar(share_pct=40, tone="bad"),
    "funnel": charts.funnel(steps=[charts.FunnelStep(label=EVIL, count=9)], title=EVIL, headers=("a", "b", "c")),
    "heat": heat([[0, 1, 2], [3, 4, 5]]),
    "stacked": charts.stacked_bar(parts=[charts.Part(label=EVIL, value=5, figure="5", tone="p1")]),
}


@pytest.mark.parametrize("name", EVERY_CHART)
def test_every_chart_is_well_formed_escaped_and_without_inline_style(name: str) -> None:
    markup = EVERY_CHART[name]

    tree = parse(markup)

    assert "<script" not in markup
    assert all("style" not in node.attrib for node in tree.iter())
    assert all(not attribute.startswith("on") for node in tree.iter() for attribute in node.attrib)


@pytest.mark.parametrize("name", ["trend", "heat"])
def test_pictures_have_a_name_a_title_and_a_description(name: str) -> None:
    tree = parse(EVERY_CHART[name])

    picture = next(node for node in tree.iter("svg") if node.get("role") == "img")
    assert picture.get("aria-label")
    assert picture.findtext("title")
    assert picture.findtext("desc")
