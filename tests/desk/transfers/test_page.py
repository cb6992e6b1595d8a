"""What the page of transfers shows."""

from __future__ import annotations

from desk.access import scope_of
from desk.transfers.page import transfers_page
from refunds.payouts.payment_files import Result
from refunds.states import Route
from tests.factories import make_staff
from tests.refunds import hand


def test_page_counts_what_waits_and_says_why_a_row_is_odd(db: None) -> None:
    request = hand.waiting(Route.BANK_TRANSFER)
    scope = scope_of(make_staff(request.merchant, "finance"))
    results = [Result(2, "R", "odd", "unknown_reference"), Result(3, "R", "paid")]
    page = transfers_page(scope=scope, results=results, typed={})
    assert (page.waiting, page.files, page.returned) == (1, [], [])
    assert [(row.tone, bool(row.why)) for row in page.results] == [("bad", True), ("ok", False)]
