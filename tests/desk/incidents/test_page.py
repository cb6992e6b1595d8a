"""What the page of an incident offers, and to whom."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from desk.access import scope_of
from desk.incidents.page import incident_page, incidents_page
from merchants.principals import of_staff
from refunds.follow_up import incidents
from refunds.follow_up.incidents import Problem
from tests.desk.conftest import Shop


def test_page_when_it_is_late_says_so_and_offers_acts_to_those_who_may(shop: Shop) -> None:
    now = timezone.now()
    problem = Problem(title="?", began_at=now, store="S001", terminal="POS-01")
    incident = incidents.open_incident(problem=problem, by=of_staff(shop.cashier), at=now)
    later = now + timedelta(days=2)
    page = incident_page(incident, scope=scope_of(shop.cashier), at=later)
    assert (page.late, page.may_handle, page.owner) == (True, False, shop.cashier.name)
    assert incident_page(incident, scope=scope_of(shop.manager), at=now).may_handle
    (row,) = incidents_page(scope=scope_of(shop.manager), at=later, typed={}, form_error="").rows
    assert row.late
    assert row.place.endswith("POS-01")
