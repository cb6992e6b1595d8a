"""What the pages of cases without a receipt offer, and to whom."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from desk.access import scope_of
from desk.no_receipt.page import case_page, cases_page
from merchants.principals import of_staff
from refunds.intake import without_receipt
from refunds.rules.candidates import Told
from tests.desk.conftest import Shop


def test_page_offers_what_this_person_may_do_and_says_what_is_late(shop: Shop) -> None:
    now = timezone.now()
    told = Told(amount_fen=12_300, phone_last4="5678", store="S001", terminal="POS-01")
    opened = without_receipt.open_case(kind="lost_receipt", told=told, note="", by=of_staff(shop.cashier), at=now)
    case = without_receipt.find(case_id=opened.pk, by=of_staff(shop.cashier))
    later = now + timedelta(days=4)
    page = case_page(case, scope=scope_of(shop.cashier), at=later)
    assert (page.late, page.close_url, bool(page.refund_url), bool(page.confirm_url)) == (True, "", True, True)
    assert "5678" not in str(page.told)
    assert case_page(case, scope=scope_of(shop.manager), at=now).close_url
    (row,) = cases_page(scope=scope_of(shop.manager), at=later, typed={}, form_error="").rows
    assert (row.late, row.owner, row.terminal) == (True, shop.cashier.name, "POS-01")
