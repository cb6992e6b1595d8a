"""What the pages of stores say."""

from __future__ import annotations

from desk.access import scope_of
from desk.stores.page import store_page, stores_page
from tests.desk.conftest import Shop


def test_list_leads_to_the_stores_tills_and_page(shop: Shop) -> None:
    (table,) = stores_page(scope=scope_of(shop.manager)).tables
    links = [cell.url for cell in table.rows[0].cells if cell.url]
    assert links == ["/desk/settings/stores/S001", "/desk/settings/terminals?store=S001"]


def test_page_of_a_store_offers_to_close_it(shop: Shop) -> None:
    page = store_page(store=shop.merchant.stores.get())
    assert [form.name for form in page.forms] == ["change", "close"]
