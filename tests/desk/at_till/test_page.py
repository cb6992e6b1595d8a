"""What the phone shows of a refund at the till."""

from __future__ import annotations

from django.utils import timezone

from desk.access import scope_of
from desk.at_till.page import asked
from refunds.review import at_the_till
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale, till


def test_page_shows_what_the_till_showed(shop: Shop) -> None:
    request = make_request(make_sale(shop.merchant, 50_000), 30_000)
    row = at_the_till.show(
        request_id=request.pk,
        terminal="POS-01",
        by=till(shop.merchant),
        asked_by="key:1",
        at=timezone.now(),
        version=request.version,
        amount_fen=30_000,
    ).authorisation
    page = asked(row, scope=scope_of(shop.manager))
    assert (page.number, page.till, page.amount_fen, page.paid_fen) == (request.number, "POS-01", 30_000, 50_000)
    assert page.customer_consent is True
