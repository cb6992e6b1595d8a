"""One bar cut into parts."""

from __future__ import annotations

from analytics import charts
from tests.analytics.charts.reading import parse


def test_stacked_bar_leaves_out_parts_of_nothing_and_names_the_rest() -> None:
    parts = [
        charts.Part(label="before", value=0, figure="¥0.00", tone="p0"),
        charts.Part(label="this", value=75, figure="¥0.75", tone="p1"),
        charts.Part(label="left", value=25, figure="¥0.25", tone="p2"),
    ]

    tree = parse(charts.stacked_bar(parts=parts))

    assert [(part.get("x"), part.get("class")) for part in tree.iter("rect")] == [("0%", "p1"), ("75%", "p2")]
    assert "before" not in "".join(tree.itertext())
