"""What the database refuses of a request, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from refunds.models import RefundRequest
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amount_fen": 0, "approved_fen": None}, "request_amount_positive"),
        ({"approved_fen": 1_201}, "request_approved_within_requested"),
        ({"approved_fen": 0}, "request_approved_within_requested"),
        ({"reserved_fen": 0}, "request_reserves_what_its_state_says"),
        ({"reserved_fen": 1_201}, "request_reserves_what_its_state_says"),
        ({"refunded_fen": 1_200}, "request_paid_when_its_state_says"),
    ],
)
def test_request_when_its_amounts_contradict_its_state_is_refused_by_the_database(
    changes: dict[str, Any], constraint: str
) -> None:
    request = make_request(make_sale(make_merchant()), 1_200)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        RefundRequest.objects.filter(pk=request.pk).update(**changes)
    kept = RefundRequest.objects.get(pk=request.pk)
    assert (kept.amount_fen, kept.approved_fen, kept.reserved_fen, kept.refunded_fen) == (1_200, 1_200, 1_200, 0)


def test_number_when_another_request_has_it_is_refused_by_the_database() -> None:
    merchant = make_merchant()
    first, second = (make_request(make_sale(merchant), 1_200) for _ in range(2))
    with pytest.raises(IntegrityError, match="request_number_once"), transaction.atomic():
        RefundRequest.objects.filter(pk=second.pk).update(number=first.number)
