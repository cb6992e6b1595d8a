"""The five steps of a refund, as its page shows them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone, translation

from desk.progress import MOVING, arrival_label, ask_every_s, is_settled, steps
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from refunds.rules.arrival import Arrival
from refunds.states import UNDECIDED, State
from tests.desk.conftest import Shop

AT = datetime(2026, 11, 25, 4, tzinfo=UTC)


@pytest.mark.parametrize("state", list(State))
def test_page_asks_at_once_while_money_moves_at_ease_while_people_decide_and_then_no_more(state: State) -> None:
    request = RefundRequest(state=state)

    assert is_settled(request) is (state not in MOVING)
    assert ask_every_s(request) == (3 if state in MOVING else 20 if state in UNDECIDED else 0)


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        ("at_once", "within minutes"),
        ("own_history", "by 2026-11-25, as refunds took lately"),
        ("working_days", "by 2026-11-25"),
    ],
)
def test_arrival_is_a_day_in_shanghai_and_says_where_that_is_from(basis: str, words: str) -> None:
    with translation.override("en"):
        assert arrival_label(Arrival(AT, AT, basis)) == words


def _shown(request: RefundRequest) -> list[tuple[str, str]]:
    request = RefundRequest.objects.select_related("claimed_by", "transaction__channel_account").get(pk=request.pk)
    approvals = list(request.approvals.select_related("staff").order_by("pk"))
    with translation.override("en"):
        return [
            (step.status, step.note)
            for step in steps(request, approvals=approvals, payout=None, waited=None, at=timezone.now())
        ]


def test_steps_when_it_waits_for_a_person_say_whose_it_is(shop: Shop) -> None:
    request = shop.waiting()
    assert _shown(request)[:4] == [("done", ""), ("done", "to a person"), ("now", "nobody's yet"), ("todo", "")]

    deciding.claim(request_id=request.pk, by=of_staff(shop.reviewer), at=timezone.now())

    assert _shown(request)[2] == ("now", f"with {shop.reviewer.name}")


def test_steps_when_the_customer_owes_something_promise_no_day(shop: Shop) -> None:
    request = shop.waiting()
    deciding.request_info(
        request_id=request.pk,
        by=of_staff(shop.reviewer),
        at=timezone.now(),
        version=request.version,
        message="请补照片",
    )

    assert _shown(request)[4] == ("todo", "")


def test_steps_when_it_is_rejected_end_with_who_did_it(shop: Shop) -> None:
    request = shop.waiting()
    deciding.reject(
        request_id=request.pk,
        by=of_staff(shop.reviewer),
        at=timezone.now(),
        version=request.version,
        reason="no_proof",
        message="没有凭证",
    )

    assert _shown(request)[2:] == [("failed", shop.reviewer.name), ("skipped", ""), ("skipped", "")]
