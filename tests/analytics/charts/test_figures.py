"""The table behind a chart."""

from __future__ import annotations

import pytest

from analytics.charts import Figures
from tests.analytics.charts.reading import parse, texts
from tests.analytics.charts.test_charts import EVERY_CHART


@pytest.mark.parametrize("name", ["trend", "bars", "funnel", "heat"])
def test_every_chart_has_its_figures_as_a_table(name: str) -> None:
    tree = parse(EVERY_CHART[name])

    assert tree.find(".//details[@class='figures']//table//tbody//th[@scope='row']") is not None


def test_figures_when_a_row_has_an_address_link_its_name_and_put_numbers_to_the_right() -> None:
    figures = Figures(headers=["store", "refunds"], rows=[("S001", "3"), ("S002", "0")], urls=["/list?store=S001", ""])

    tree = parse(figures.markup(caption="Stores"))

    assert [link.get("href") for link in tree.iterfind(".//tbody//a")] == ["/list?store=S001"]
    assert texts(tree, ".//tbody//td") == ["3", "0"]
    assert [head.get("class") for head in tree.iterfind(".//thead//th")] == [None, "right"]
