"""What the pages of shifts say."""

from __future__ import annotations

from django.utils import timezone

from desk.access import scope_of
from desk.shifts.page import shift_page, shifts_page
from refunds.payouts import shifts
from tests.desk.conftest import Shop


def test_list_when_every_till_has_a_shift_offers_none_to_open(shop: Shop) -> None:
    scope = scope_of(shop.manager)
    assert [form.name for form in shifts_page(scope=scope).forms] == ["begin"]
    for till in shop.merchant.stores.get().terminals.all():
        shifts.begin(terminal=till.code, float_fen=100, by=scope.by, at=timezone.now())
    assert shifts_page(scope=scope).forms == []


def test_page_of_a_shift_offers_to_close_it_once(shop: Shop) -> None:
    scope = scope_of(shop.manager)
    shift = shifts.begin(terminal="POS-01", float_fen=100, by=scope.by, at=timezone.now())
    found = shifts.standing(shift_id=shift.pk, by=scope.by)
    assert [form.name for form in shift_page(found=found).forms] == ["close"]
    closed = shifts.close(shift_id=shift.pk, counted_fen=100, by=scope.by, at=timezone.now())
    assert shift_page(found=closed).forms == []
