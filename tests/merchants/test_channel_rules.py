"""Rule changes at channels: noted with day and source, seen by the staff."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from core.errors import Forbidden, Invalid, NotFound
from merchants import channel_rules
from merchants.models import ChannelRuleChange, ChannelRuleReading
from merchants.principals import of_staff
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db

_CHANGE: dict[str, Any] = {
    "channel": "wechat",
    "effective_date": date(2026, 12, 1),
    "text": "部分退款间隔一分钟",
    "source": "https://pay.weixin.qq.com/doc",
}


def test_change_is_seen_by_whoever_notes_it_and_once_by_others() -> None:
    merchant = make_merchant()
    reviewer, cashier = make_staff(merchant, "reviewer"), make_staff(merchant, "cashier")
    change = channel_rules.add(**_CHANGE, by=of_staff(reviewer), at=timezone.now())
    for _ in range(2):
        channel_rules.mark_seen(change_id=change.pk, by=of_staff(cashier), at=timezone.now())
    (listed,) = channel_rules.changes_of(merchant_id=merchant.pk)
    assert {one.staff for one in listed.readings.all()} == {reviewer, cashier}
    assert listed.readings.count() == 2


@pytest.mark.parametrize("lacks", [{"channel": "paypal"}, {"effective_date": None}, {"text": " "}, {"source": ""}])
def test_change_when_something_is_missing_is_refused(lacks: dict[str, Any]) -> None:
    by = of_staff(make_staff(make_merchant(), "owner"))
    with pytest.raises(Invalid):
        channel_rules.add(**{**_CHANGE, **lacks}, by=by, at=timezone.now())
    assert not ChannelRuleChange.objects.exists()


def test_change_of_another_merchant_is_not_there_and_a_cashier_notes_none() -> None:
    merchant = make_merchant()
    change = channel_rules.add(**_CHANGE, by=of_staff(make_staff(merchant, "owner")), at=timezone.now())
    stranger = of_staff(make_staff(make_merchant(), "owner"))
    with pytest.raises(NotFound):
        channel_rules.mark_seen(change_id=change.pk, by=stranger, at=timezone.now())
    with pytest.raises(Forbidden):
        channel_rules.add(**_CHANGE, by=of_staff(make_staff(merchant, "cashier")), at=timezone.now())
    assert (ChannelRuleChange.objects.count(), ChannelRuleReading.objects.count()) == (1, 1)
