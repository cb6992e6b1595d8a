"""The fields of an inspection."""

from __future__ import annotations

import pytest

from desk.inspection.page import inspection_page
from refunds.models import RefundRequest
from tests.refunds.goods.conftest import receive, shop, waiting

pytestmark = pytest.mark.django_db

__all__ = ["shop", "waiting"]


def test_page_when_opened_has_all_pieces_in_the_first_row(waiting: RefundRequest) -> None:
    row = receive(waiting)
    (article,) = inspection_page(waiting, row, typed={}).articles
    assert (article.sku, article.first.quantity, article.is_open) == ("SKU-1", "2", False)
    line = row.lines.get().pk
    (again,) = inspection_page(waiting, row, typed={f"quantity-{line}-1": "1"}).articles
    assert again.is_open
