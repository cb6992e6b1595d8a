"""A list asks the same as the rule itself."""

from __future__ import annotations

import pytest
from django.utils import timezone

from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import decidable
from tests.factories import make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["cashier", "reviewer", "manager", "finance", "owner"])
def test_list_and_rule_agree_for_every_role_and_amount(in_review: RefundRequest, role: str) -> None:
    merchant, now = in_review.merchant, timezone.now()
    staff = make_staff(merchant, role)
    own = make_request(make_sale(merchant, 50_000, cashier="C9"), 30_000, by=staff)
    high = make_request(make_sale(merchant, 200_000, cashier="C8"), 150_000)
    by = of_staff(staff)
    requests = list(RefundRequest.objects.filter(pk__in=[in_review.pk, own.pk, high.pk]).select_related("transaction"))
    narrowed = set(RefundRequest.objects.filter(decidable.decidable(by=by, at=now)).values_list("pk", flat=True))
    refused = decidable.undecidable(requests=requests, by=by, at=now)
    for request in requests:
        may = decidable.may_decide(by=by, request=request, at=now)
        assert may <= (request.pk in narrowed), "the list leaves out nothing that may be decided"
        if role in {"reviewer", "manager", "owner"}:
            assert may == (request.pk not in refused)
    if role in {"reviewer", "manager", "owner"}:
        assert refused[own.pk].code == "own_request"
        assert (high.pk in refused) == (role == "reviewer")


def test_roles_are_those_of_the_tier(in_review: RefundRequest) -> None:
    assert decidable.deciding_roles(request=in_review, at=timezone.now()) == {"reviewer", "manager", "owner"}
