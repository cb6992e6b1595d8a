"""The customer's page about goods that are to come back, and about an offer instead of the money."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from refunds.goods import offers
from refunds.models import Notification, RefundRequest
from refunds.telling import outbox, tracking, wording
from tests.refunds.goods.conftest import fresh, in_review, inspect, receive, shop, waiting, who

pytestmark = pytest.mark.django_db

__all__ = ["in_review", "shop", "waiting"]


def _page(request: RefundRequest) -> str:
    return str(Client().get(f"/r/{tracking.token_for(request.pk)}?lang=en").content.decode())


def _post(request: RefundRequest, act: str, **form: str) -> int:
    return Client().post(f"/r/{tracking.token_for(request.pk)}/{act}?lang=en", form).status_code


def test_page_says_where_the_goods_stand_at_every_step(waiting: RefundRequest) -> None:
    page = _page(waiting)
    assert "Please bring or send the goods back by" in page
    assert "空气炸锅 4L × 2" in page
    assert _post(waiting, "parcel", carrier="顺丰", parcel_no="SF12345") == 302
    assert "Your parcel is on its way" in _page(waiting)
    receive(waiting)
    assert "Your goods are there; the store looks at them by" in _page(waiting)
    inspect(waiting, (2, "used", "restock"), proposed_fen=100, finding="colleagues only")
    page = _page(waiting)
    assert "Inspected" in page
    assert "colleagues only" not in page


def test_parcel_when_its_number_is_none_is_explained(waiting: RefundRequest) -> None:
    assert _post(waiting, "parcel", carrier="顺丰", parcel_no="?") == 422
    assert waiting.goods_returns.get().state == "awaited"


def test_offer_when_declined_leaves_the_refund_as_it_is(in_review: RefundRequest) -> None:
    offers.offer(
        request_id=in_review.pk, kind="reship", message="再寄一份", by=who(in_review), at=timezone.now(), version=3
    )
    assert "再寄一份" in _page(in_review)
    assert _post(in_review, "offer", accepted="0") == 302
    assert (fresh(in_review).state, in_review.offers.get().answer) == ("in_review", "declined")
    assert _post(in_review, "offer", accepted="1") == 422
    assert fresh(in_review).state == "in_review"


def test_messages_when_goods_are_asked_for_there_and_an_exchange_is_offered(
    waiting: RefundRequest, in_review: RefundRequest
) -> None:
    RefundRequest.objects.update(customer_phone="13800006021")
    outbox.write_notifications(at=timezone.now())
    assert Notification.objects.filter(request=waiting, event="waiting_goods").exists()

    def sms(request: RefundRequest, event: str) -> str:
        return wording.words(event=event, medium="sms", locale="en", request=fresh(request)).body

    assert "please bring or send the goods" in sms(waiting, "waiting_goods")
    receive(waiting)
    assert "Your goods are there" in sms(waiting, "waiting_goods")
    offers.offer(request_id=in_review.pk, kind="exchange", message="x", by=who(in_review), at=timezone.now(), version=3)
    assert "offers you instead: Exchange" in sms(in_review, "in_review")
