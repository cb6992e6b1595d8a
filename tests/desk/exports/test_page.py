"""How far a file is."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from desk.access import scope_of
from desk.exports.page import exports_page
from merchants.principals import of_staff
from refunds.models import ListExport
from refunds.review import exporting
from tests.desk.conftest import Shop


def test_page_when_a_file_is_being_made_says_how_far_and_how_long(shop: Shop) -> None:
    now = timezone.now()
    exporting.ask(page="refunds", query="", form="csv", language="en", by=of_staff(shop.finance), at=now)
    ListExport.objects.update(state="running", rows=1_000, done=250, began_at=now - timedelta(seconds=10))
    page = exports_page(scope=scope_of(shop.finance), at=now)
    assert (page.moving, page.rows[0].percent) == (True, 25)
    assert "30" in page.rows[0].left
