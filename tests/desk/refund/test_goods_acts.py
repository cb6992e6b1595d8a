"""The acts about goods at the desk: what is done, and what is said where it is refused."""

from __future__ import annotations

import pytest

from refunds.models import RefundRequest
from tests.desk.refund.test_goods import post
from tests.refunds.goods.conftest import fresh, in_review, receive, shop, waiting

pytestmark = pytest.mark.django_db

__all__ = ["in_review", "shop", "waiting"]


def test_ask_goods_when_the_day_is_wrong_opens_the_dialog_again(in_review: RefundRequest) -> None:
    answer = post(in_review, "ask-goods", due_at="2020-01-01T10:00")
    assert answer.status_code == 422
    assert "Choose a day within the next 60 days" in answer.content.decode()
    assert fresh(in_review).state == "in_review"


def test_receive_when_somebody_else_did_says_so(waiting: RefundRequest) -> None:
    receive(waiting)
    answer = post(waiting, "receive-goods")
    assert answer.status_code == 409
    assert "Somebody has said already" in answer.content.decode()


def test_ask_offer_and_answer_through_the_desk(in_review: RefundRequest) -> None:
    assert post(in_review, "offer", kind="reship", message="补发").status_code == 302
    assert post(in_review, "answer-offer", accepted="0").status_code == 302
    assert in_review.offers.get().answer == "declined"
    assert post(fresh(in_review), "ask-goods").status_code == 302
    assert post(fresh(in_review), "send-goods", carrier="顺丰", parcel_no="1").status_code == 422
    assert post(fresh(in_review), "call-off").status_code == 302
    assert in_review.goods_returns.get().state == "called_off"
