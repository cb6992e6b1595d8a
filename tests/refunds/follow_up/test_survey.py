"""After the money: asked a day later, closed a week after that, rated once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.errors import Conflict, Invalid
from refunds.follow_up import survey
from refunds.follow_up.survey import CLOSE_AFTER, AlreadyRated
from refunds.models import RefundRequest
from refunds.payouts import FOLLOW_UP_AFTER
from tests.factories import make_merchant, make_request, make_sale, of_customer
from tests.refunds.settled import failed, paid

pytestmark = pytest.mark.django_db


def _state(request: RefundRequest) -> str:
    return str(RefundRequest.objects.get(pk=request.pk).state)


def test_each_step_comes_when_it_is_due_and_not_before() -> None:
    request = paid(make_request(make_sale(make_merchant())))
    now = timezone.now()
    assert survey.work(at=now) == 0
    assert survey.work(at=now + FOLLOW_UP_AFTER + timedelta(seconds=1)) == 1
    assert _state(request) == "follow_up"
    asked = now + FOLLOW_UP_AFTER + timedelta(seconds=1)
    assert survey.work(at=asked + CLOSE_AFTER - timedelta(seconds=1)) == 0
    assert survey.work(at=asked + CLOSE_AFTER) == 1
    closed = RefundRequest.objects.get(pk=request.pk)
    assert (closed.state, closed.step_due_at, closed.refunded_fen) == ("closed", None, 1_200)
    assert survey.work(at=asked + timedelta(days=365)) == 0


def test_what_is_not_paid_is_never_followed_up() -> None:
    sale = make_sale(make_merchant(), 50_000)
    states = [failed(make_request(sale)), make_request(sale), make_request(sale, 25_000)]
    assert survey.work(at=timezone.now() + timedelta(days=400)) == 0
    assert [_state(request) for request in states] == ["failed", "approved", "in_review"]


def test_more_than_one_batch_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_BATCH", 2)
    sale = make_sale(make_merchant(), 50_000)
    for _ in range(5):
        paid(make_request(sale))
    assert survey.work(at=timezone.now() + timedelta(days=2)) == 5


@pytest.mark.parametrize("state", ["refunded", "follow_up", "closed"])
def test_customer_rates_once_whenever_after_the_money(state: str) -> None:
    request = paid(make_request(make_sale(make_merchant())))
    now = timezone.now()
    for days in {"refunded": [], "follow_up": [2], "closed": [2, 40]}[state]:
        survey.work(at=now + timedelta(days=days))
    assert _state(request) == state
    survey.rate(by=of_customer(request), request_id=request.pk, score=4, comment="  快  ", at=now)
    with pytest.raises(AlreadyRated):
        survey.rate(by=of_customer(request), request_id=request.pk, score=5, comment="", at=now)
    assert _state(request) == state


@pytest.mark.parametrize("score", [0, 6, -1])
def test_scores_are_one_to_five(score: int) -> None:
    request = paid(make_request(make_sale(make_merchant())))
    with pytest.raises(Invalid):
        survey.rate(by=of_customer(request), request_id=request.pk, score=score, comment="", at=timezone.now())


def test_nothing_is_rated_before_the_money_arrived() -> None:
    request = make_request(make_sale(make_merchant()))
    with pytest.raises(Conflict):
        survey.rate(by=of_customer(request), request_id=request.pk, score=5, comment="", at=timezone.now())
