"""An exchange or a second delivery instead of the money."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from core.errors import DomainError
from merchants.principals import Principal
from refunds.goods import offers
from refunds.models import ExchangeOffer, RefundRequest
from refunds.review import deciding
from tests.factories import of_customer
from tests.refunds.goods.conftest import fresh, who
from tests.refunds.goods.test_returns import _at_once

pytestmark = pytest.mark.django_db


def _offer(request: RefundRequest, **more: Any) -> ExchangeOffer:
    said = {"kind": "exchange", "message": "换一台新的", "by": who(request), "version": request.version, **more}
    return offers.offer(request_id=request.pk, at=timezone.now(), **said)


def _answer(request: RefundRequest, *, accepted: bool, by: Principal | None = None, **more: Any) -> ExchangeOffer:
    by = by or of_customer(request)
    return offers.answer(request_id=request.pk, accepted=accepted, by=by, at=timezone.now(), **more)


def test_answer_when_the_customer_accepts_withdraws_and_frees_the_amount(in_review: RefundRequest) -> None:
    made = _offer(in_review)
    assert (made.answer, fresh(in_review).state, fresh(in_review).version) == ("", "in_review", 4)
    taken = _answer(in_review, accepted=True, new_order_no="of a customer, not believed")
    ended = fresh(in_review)
    assert (taken.answer, taken.new_order_no) == ("accepted", "")
    assert (ended.state, ended.reserved_fen) == ("cancelled", 0)
    assert "换货" in ended.message_to_customer or "Exchanged" in ended.message_to_customer
    assert (ended.transaction.reserved_fen, ended.transaction.live_refunds) == (0, 0)
    named = offers.name_order(request_id=ended.pk, new_order_no="B0001", by=who(ended), at=timezone.now())
    assert named.new_order_no == "B0001"
    with pytest.raises(DomainError) as refused:
        offers.name_order(request_id=ended.pk, new_order_no="B0002", by=who(ended), at=timezone.now())
    assert refused.value.code == "no_such_offer"


def test_answer_when_staff_say_it_for_the_customer_names_the_new_order(in_review: RefundRequest) -> None:
    _offer(in_review, kind="reship")
    taken = _answer(in_review, accepted=True, by=who(in_review), new_order_no="B0001")
    assert (taken.new_order_no, fresh(in_review).state) == ("B0001", "cancelled")


def test_answer_when_the_customer_declines_leaves_the_refund_to_review(in_review: RefundRequest) -> None:
    _offer(in_review)
    assert _answer(in_review, accepted=False).answer == "declined"
    still = fresh(in_review)
    assert (still.state, still.reserved_fen) == ("in_review", in_review.reserved_fen)
    with pytest.raises(DomainError) as refused:
        _answer(in_review, accepted=True)
    assert (refused.value.code, fresh(in_review).state) == ("no_such_offer", "in_review")
    assert _offer(still).answer == ""


def test_answer_when_the_refund_was_decided_meanwhile_is_refused(in_review: RefundRequest) -> None:
    _offer(in_review)
    deciding.approve(request_id=in_review.pk, by=who(in_review), at=timezone.now(), version=4)
    with pytest.raises(DomainError) as refused:
        _answer(in_review, accepted=True)
    assert (refused.value.code, fresh(in_review).state) == ("state_conflict", "approved")


@pytest.mark.parametrize(("more", "code"), [({"kind": "gold"}, "unknown_offer"), ({"version": 1}, "version_conflict")])
def test_offer_when_something_is_wrong_changes_nothing(
    in_review: RefundRequest, more: dict[str, Any], code: str
) -> None:
    with pytest.raises(DomainError) as refused:
        _offer(in_review, **more)
    assert (refused.value.code, ExchangeOffer.objects.count(), fresh(in_review).version) == (code, 0, 3)


def test_offer_when_one_stands_is_refused(in_review: RefundRequest) -> None:
    _offer(in_review)
    with pytest.raises(DomainError) as refused:
        _offer(fresh(in_review))
    assert (refused.value.code, ExchangeOffer.objects.count()) == ("offer_stands", 1)


def test_offer_when_goods_are_awaited_is_refused(waiting: RefundRequest) -> None:
    with pytest.raises(DomainError) as refused:
        _offer(waiting)
    assert (refused.value.code, ExchangeOffer.objects.count()) == ("state_conflict", 0)


@pytest.mark.django_db(transaction=True)
def test_answer_and_approve_at_once_never_both(in_review: RefundRequest) -> None:
    _offer(in_review)
    reviewer = who(in_review)
    refused = _at_once(
        lambda: _answer(in_review, accepted=True),
        lambda: deciding.approve(request_id=in_review.pk, by=reviewer, at=timezone.now(), version=4),
    )
    assert len(refused) == 1
    assert fresh(in_review).state in ("cancelled", "approved")
    assert ExchangeOffer.objects.get().answer == ("accepted" if fresh(in_review).state == "cancelled" else "")
