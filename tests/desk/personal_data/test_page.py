"""What the page of personal data says."""

from __future__ import annotations

from django.utils import translation

from desk.access import scope_of
from desk.personal_data.page import personal_data_page
from tests.desk.conftest import Shop


def test_page_says_how_long_each_kind_is_kept(shop: Shop) -> None:
    with translation.override("en"):
        (table,) = personal_data_page(scope=scope_of(shop.manager)).tables
    assert len(table.rows) == 7
    assert {row.cells[1].text for row in table.rows} >= {"1095 days", "24 hours", "stays"}
