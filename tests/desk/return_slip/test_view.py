"""The slip of a return."""

from __future__ import annotations

import pytest

from refunds.models import RefundRequest
from tests.desk.refund.test_goods import browser
from tests.refunds.goods.conftest import in_review, inspect, receive, shop, waiting

pytestmark = pytest.mark.django_db

__all__ = ["in_review", "shop", "waiting"]


def test_slip_when_goods_came_back_says_what_and_how_they_were(waiting: RefundRequest) -> None:
    receive(waiting, carrier="顺丰", parcel_no="SF12345")
    inspect(waiting, (2, "used", "restock"))
    slip = browser(waiting, "cashier").get(f"/desk/refunds/{waiting.number}/return-slip").content.decode()
    for said in (waiting.number, waiting.transaction.order_no, "空气炸锅 4L", "SF12345", "Used", "Back on the shelf"):
        assert said in slip


def test_slip_when_nothing_came_back_is_not_there(in_review: RefundRequest) -> None:
    assert browser(in_review).get(f"/desk/refunds/{in_review.number}/return-slip").status_code == 404
