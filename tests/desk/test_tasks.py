"""What wakes the workers for the desk."""

from __future__ import annotations

from django.utils import timezone

from desk import tasks
from merchants.principals import of_staff
from refunds.models import ListExport
from refunds.review import exporting
from tests.desk.conftest import Shop


def test_exports_when_nothing_is_asked_for_does_nothing_and_else_makes_it(shop: Shop) -> None:
    tasks.exports()
    by = of_staff(shop.finance)
    exporting.ask(page="transactions", query="", form="xlsx", language="zh-hans", by=by, at=timezone.now())
    tasks.exports()
    assert ListExport.objects.get().state == "ready"
