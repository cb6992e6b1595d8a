"""What a judgement is told of goods."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from refunds.facts import goods
from refunds.goods import returns
from refunds.models import RefundRequest
from tests.refunds.goods.conftest import fresh, in_review, inspect, receive, shop, waiting, who

pytestmark = pytest.mark.django_db

__all__ = ["in_review", "shop", "waiting"]


def test_known_of_goods_follows_the_last_return(waiting: RefundRequest) -> None:
    assert goods.known(waiting) == {}
    receive(waiting)
    assert goods.known(fresh(waiting)) == {}
    inspect(waiting)
    assert goods.known(fresh(waiting)) == {"goods_received": True, "goods_found": "as_described"}


def test_known_of_goods_when_given_up_says_why(waiting: RefundRequest) -> None:
    returns.call_off(request_id=waiting.pk, by=who(waiting), at=timezone.now(), version=waiting.version)
    assert goods.known(fresh(waiting)) == {"goods_found": "not_needed"}


def test_expect_when_the_policy_says_otherwise_gives_as_many_days(in_review: RefundRequest) -> None:
    version = in_review.policy_version
    rules: dict[str, Any] = {**version.rules, "goods_days": 3}
    from merchants import policies  # noqa: PLC0415
    from merchants.principals import of_staff  # noqa: PLC0415
    from tests.factories import make_staff  # noqa: PLC0415

    now = timezone.now()
    published = policies.publish(
        merchant=in_review.merchant, name="x", rules=rules, by=of_staff(make_staff(in_review.merchant, "owner")), at=now
    )
    in_review.policy_version_id = published.pk
    row = goods.expect(in_review, at=now)
    assert row.due_at is not None
    assert (row.due_at - now).days == 3


def test_clock_again_when_it_never_stood_is_what_it_was(in_review: RefundRequest) -> None:
    assert goods.clock_again(in_review, at=timezone.now()) == in_review.due_at
