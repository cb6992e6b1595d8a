"""What a chart promises: no inline style, escaped words, a name and a description, its figures as a table."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from analytics import charts
from analytics.charts.heatmap import busiest, shade

EVIL = '<script>alert("x")</script>'


def parse(markup: str) -> ElementTree.Element:
    """The markup as a tree; raises when a tag is left open."""
    return ElementTree.fromstring(f"<div>{markup}</div>")  # noqa: S314 - our own markup


def texts(tree: ElementTree.Element, path: str) -> list[str]:
    return ["".join(node.itertext()) for node in tree.iterfind(path)]


def classed(tree: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [node for node in tree.iter() if name in node.get("class", "").split()]


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


@pytest.mark.parametrize("name", ["trend", "bars", "funnel", "heat"])
def test_every_chart_has_its_figures_as_a_table(name: str) -> None:
    tree = parse(EVERY_CHART[name])

    assert tree.find(".//details[@class='figures']//table//tbody//th[@scope='row']") is not None


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


def test_sparkline_needs_two_values_and_survives_a_flat_line() -> None:
    assert charts.sparkline(values=[7]) == ""
    assert 'cy="13"' in charts.sparkline(values=[7, 7, 7])


def test_bars_are_scaled_to_the_longest() -> None:
    bars = [charts.Bar(label="a", value=50, figure="50"), charts.Bar(label="b", value=25, figure="25")]

    tree = parse(charts.horizontal_bars(bars=bars, title="t", headers=["a", "b", "c"]))

    assert [bar.get("width") for bar in classed(tree, "fill")] == ["100%", "50%"]


def test_funnel_measures_every_step_against_the_first() -> None:
    steps = [charts.FunnelStep(label="asked", count=200), charts.FunnelStep(label="paid", count=150, tone="ok")]

    tree = parse(charts.funnel(steps=steps, title="t", headers=("a", "b", "c")))

    assert [bar.get("width") for bar in classed(tree, "fill")] == ["100%", "75%"]
    assert texts(tree, ".//tbody/tr/td[2]") == ["100.0%", "75.0%"]


def test_funnel_of_nothing_states_no_share() -> None:
    tree = parse(charts.funnel(steps=[charts.FunnelStep(label="asked", count=0)], title="t", headers=("a", "b", "c")))

    assert texts(tree, ".//tbody/tr/td[2]") == ["--"]


def test_heat_map_refuses_values_that_do_not_fit_their_labels() -> None:
    with pytest.raises(ValueError, match="one count a column"):
        heat([[1, 2], [3, 4]])


@pytest.mark.parametrize(("count", "step"), [(0, 0), (1, 1), (50, 3), (100, 6)])
def test_heat_map_shades_by_sixths_of_the_largest(count: int, step: int) -> None:
    assert shade(count=count, largest=100) == step


def test_stacked_bar_leaves_out_parts_of_nothing_and_names_the_rest() -> None:
    parts = [
        charts.Part(label="before", value=0, figure="¥0.00", tone="p0"),
        charts.Part(label="this", value=75, figure="¥0.75", tone="p1"),
        charts.Part(label="left", value=25, figure="¥0.25", tone="p2"),
    ]

    tree = parse(charts.stacked_bar(parts=parts))

    assert [(part.get("x"), part.get("class")) for part in tree.iter("rect")] == [("0%", "p1"), ("75%", "p2")]
    assert "before" not in "".join(tree.itertext())


def test_one_hour_that_stands_far_out_does_not_leave_the_others_pale() -> None:
    assert busiest([*([3] * 60), 90, 0]) == 3
    assert shade(count=90, largest=3) == shade(count=3, largest=3) == 6
    assert busiest([5]) == 5
    assert busiest([0, 0]) == 0
