"""What was negotiated, as every room reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from merchants.principals import of_staff
from refunds.facts import agreements
from refunds.intake import resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import RefundRequest
from refunds.review import agreeing, deciding
from refunds.review.agreeing import Consent
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


def _agreed(*amounts_fen: int) -> RefundRequest:
    """A request of 300.00 that waits for its customer, who agreed to these amounts before."""
    request = make_request(make_sale(make_merchant(), 50_000), 30_000, by=None)
    by, at = of_staff(make_staff(request.merchant, "reviewer")), timezone.now()
    for fen in amounts_fen:
        said = Consent(agreed_by="王女士", means="phone", agreed_at=at - timedelta(minutes=1))
        agreeing.agree_amount(request_id=request.pk, amount_fen=fen, consent=said, by=by, at=at)
    version = RefundRequest.objects.get(pk=request.pk).version
    return deciding.request_info(request_id=request.pk, by=by, at=at, version=version, message="请补充照片")


def test_agreed_when_negotiated_twice_is_the_last() -> None:
    assert agreements.agreed_fen(request_id=_agreed().pk) is None
    assert agreements.agreed_fen(request_id=_agreed(9_000, 6_000).pk) == 6_000


@pytest.mark.parametrize(
    ("corrected_fen", "state", "failing"),
    [
        (6_000, "approved", []),
        (9_000, "in_review", ["as_agreed"]),
        # Less than the customer agreed to is another amount, too.
        (5_000, "in_review", ["as_agreed"]),
    ],
)
def test_resubmit_when_another_amount_was_agreed_is_left_to_a_person(
    corrected_fen: int, state: str, failing: list[str]
) -> None:
    request = _agreed(6_000)
    by = of_staff(make_staff(request.merchant, "reviewer"))
    correction = Correction(amount_fen=corrected_fen)
    again = resubmitting.resubmit(request_id=request.pk, correction=correction, by=by, at=timezone.now())
    assert again.state == state
    assert [rule["code"] for rule in again.verdict["rules"] if not rule["passed"]] == failing
