"""What the page of opening hours shows to whom."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone, translation

from desk.access import scope_of
from desk.hours.page import hours_page
from merchants.models import Grace, Store
from tests.desk.conftest import Shop
from tests.factories import works_in


def test_graces_are_shown_to_those_who_work_there_with_what_they_may_end(shop: Shop) -> None:
    now = timezone.now()
    first = shop.merchant.stores.get()
    second = Store.objects.create(merchant=shop.merchant, code="S002", name="二号店")
    for ids, days in (([first.pk], 1), ([second.pk], -1), (None, -3)):
        Grace.objects.create(
            merchant=shop.merchant,
            store_ids=ids,
            starts_at=now + timedelta(days=days),
            ends_at=now + timedelta(days=days + 2),
            hours=72,
            reason="flood",
            declared_by=shop.manager,
            declared_at=now,
        )

    def shown() -> list[tuple[str, str, bool]]:
        with translation.override("en"):
            page = hours_page(scope=scope_of(shop.manager), at=now)
        return [(row.stores, row.state, row.may_end) for row in page.graces]

    assert shown() == [("一号店", "to_come", True), ("二号店", "now", True), ("All stores", "over", False)]
    works_in(shop.manager, second)
    assert shown() == [("二号店", "now", True), ("All stores", "over", False)]
