"""What the page of deputies lists."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from desk.access import scope_of
from desk.deputies.page import deputies_page
from merchants.models import Delegation
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_staff


def test_page_lists_ones_own_merchants_with_their_state_and_deciders_only(shop: Shop) -> None:
    now, day = timezone.now(), timedelta(days=1)
    people = {"absent": shop.manager, "deputy": shop.reviewer, "made_by": shop.manager, "made_at": now}
    for start, end, revoked in ((-3, -2, None), (-1, 2, None), (3, 4, None), (-1, 5, now)):
        Delegation.objects.create(
            merchant=shop.merchant, starts_at=now + start * day, ends_at=now + end * day, revoked_at=revoked, **people
        )
    other = make_merchant()
    strangers = {name: make_staff(other, "manager") for name in ("absent", "deputy", "made_by")}
    Delegation.objects.create(merchant=other, starts_at=now, ends_at=now + day, made_at=now, **strangers)
    page = deputies_page(scope=scope_of(shop.manager), at=now, typed={}, form_error="")
    assert [row.state for row in page.rows] == ["revoked", "later", "now", "over"]
    offered = {choice.value for choice in page.people}
    assert {str(shop.reviewer.pk), str(shop.manager.pk)} <= offered
    assert not {str(shop.cashier.pk), str(shop.finance.pk), str(strangers["absent"].pk)} & offered
