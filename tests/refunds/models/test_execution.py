"""A payout's number, and what the database refuses of a payout."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from refunds.models import Execution, RefundRequest
from refunds.models.execution import new_execution
from refunds.rules.method import MethodChoice
from tests.factories import make_merchant, make_request, make_sale
from tests.refunds.plans import ask, order_of_two

pytestmark = pytest.mark.django_db


def _payout(request: RefundRequest) -> Execution:
    return Execution.objects.get(request=request)


def test_number_is_letters_and_digits_and_names_request_leg_and_attempt() -> None:
    first, _ = order_of_two()
    request = ask(first)
    made = [
        new_execution(
            request,
            channel_account_id=1,
            choice=MethodChoice(method="refund", reason="no_voids"),
            at=timezone.now(),
            attempt_no=2,
            leg=leg,
        )
        for leg in request.legs.order_by("sequence")
    ]
    stem = request.number.replace("-", "")
    assert [one.refund_no for one in made] == [f"{stem}N2", f"{stem}L2N2"]
    assert all(one.refund_no.isalnum() for one in made)
    assert sum(one.amount_fen for one in made) == request.amount_fen


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"amount_fen": 1}, "keeps its number and amount"),
        ({"refund_no": "R1"}, "keeps its number and amount"),
        ({"due_at": None}, "execution_open_has_due_time"),
    ],
)
def test_payout_when_it_says_what_cannot_be_is_refused_by_the_database(changes: dict[str, Any], refusal: str) -> None:
    payout = _payout(make_request(make_sale(make_merchant()), 1_200))
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
        Execution.objects.filter(pk=payout.pk).update(**changes)
    kept = Execution.objects.get(pk=payout.pk)
    assert (kept.amount_fen, kept.refund_no) == (1_200, payout.refund_no)


def test_payout_when_it_would_be_paid_without_being_sent_is_refused_by_the_database() -> None:
    payout = _payout(make_request(make_sale(make_merchant()), 1_200))
    with pytest.raises(DatabaseError), transaction.atomic():
        Execution.objects.filter(pk=payout.pk).update(state="succeeded", due_at=None, succeeded_at=timezone.now())
    assert Execution.objects.get(pk=payout.pk).state == "ready"


def test_payout_when_one_is_live_a_second_is_refused_by_the_database() -> None:
    payout = _payout(make_request(make_sale(make_merchant()), 1_200))
    payout.pk, payout.refund_no, payout.attempt_no = None, f"{payout.refund_no}X", 2
    with pytest.raises(IntegrityError, match="one_live_execution"), transaction.atomic():
        payout.save(force_insert=True)
