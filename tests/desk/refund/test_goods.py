"""The refund's page about goods that come back, and about offers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from refunds.goods import offers
from refunds.models import RefundRequest
from refunds.worker import confirming
from tests.factories import make_staff
from tests.refunds.goods.conftest import ask, fresh, in_review, inspect, receive, shop, waiting, who

pytestmark = pytest.mark.django_db

__all__ = ["in_review", "shop", "waiting"]


def browser(request: RefundRequest, role: str = "reviewer") -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_staff(request.merchant, role), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _page(request: RefundRequest, role: str = "reviewer") -> str:
    answer = browser(request, role).get(f"/desk/refunds/{request.number}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_page_when_goods_are_awaited_offers_to_receive_them(waiting: RefundRequest) -> None:
    page = _page(waiting)
    assert "Goods returned" in page
    assert "dlg-receive_goods" in page
    assert "dlg-ask_goods" not in page
    assert "/inspect" not in page


def test_page_when_goods_are_there_leads_to_the_inspection(waiting: RefundRequest) -> None:
    receive(waiting)
    page = _page(waiting)
    assert f"/desk/refunds/{waiting.number}/inspect" in page
    assert "dlg-receive_goods" not in page


def test_page_when_less_is_proposed_begins_with_the_proposal(waiting: RefundRequest) -> None:
    receive(waiting)
    inspect(waiting, (2, "used", "restock"), proposed_fen=15_000, finding="使用过")
    confirming.work()
    page = _page(waiting)
    assert 'value="150.00"' in page
    assert "Proposed after the goods were inspected" in page
    assert "Of the goods: Used" in page


def test_page_when_something_is_offered_takes_the_answer(in_review: RefundRequest) -> None:
    offers.offer(
        request_id=in_review.pk, kind="exchange", message="换", by=who(in_review), at=timezone.now(), version=3
    )
    assert "The customer takes it" in _page(in_review)
    offers.answer(request_id=in_review.pk, accepted=True, by=who(in_review), at=timezone.now())
    assert "name-order" in _page(in_review)


def test_queue_has_a_view_of_goods_on_their_way(waiting: RefundRequest, in_review: RefundRequest) -> None:
    listed = browser(waiting).get("/desk?view=goods").content.decode()
    assert waiting.number in listed
    assert in_review.number not in listed


@pytest.mark.parametrize("asks", [True, False])
def test_page_when_in_review_may_ask_for_goods(in_review: RefundRequest, asks: bool) -> None:
    if asks:
        ask(in_review)
    assert ("dlg-ask_goods" in _page(fresh(in_review))) is not asks


def post(request: RefundRequest, act: str, *, role: str = "reviewer", **form: Any) -> Any:
    return browser(request, role).post(f"/desk/refunds/{request.number}/{act}", {"version": request.version, **form})
