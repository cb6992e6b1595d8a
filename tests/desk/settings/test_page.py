"""What the page of all settings lists."""

from __future__ import annotations

from desk.access import scope_of
from desk.settings.page import settings_page
from tests.desk.conftest import Shop


def test_list_when_a_right_is_missing_leaves_its_page_out(shop: Shop) -> None:
    (table,) = settings_page(scope=scope_of(shop.reviewer)).tables
    assert [row.cells[0].url for row in table.rows] == ["/desk/policy"]
