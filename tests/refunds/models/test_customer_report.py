"""The walls of the table of reports."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import CustomerReport, RefundRequest
from tests.customer.conftest import in_state

pytestmark = pytest.mark.django_db


def _make(request: RefundRequest, **fields: object) -> CustomerReport:
    return CustomerReport.objects.create(
        merchant_id=request.merchant_id, request=request, said_at=timezone.now(), **{"kind": "help", **fields}
    )


def test_one_case_of_a_kind_is_open_and_one_appeal_is_made() -> None:
    request = in_state("refunded")
    _make(request, due_at=timezone.now())
    _make(request, kind="appeal")
    for again in ({"due_at": timezone.now()}, {"kind": "appeal"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            _make(request, **again)


def test_a_case_closes_with_an_outcome_and_who_said_it() -> None:
    request = in_state("refunded")
    with pytest.raises(IntegrityError), transaction.atomic():
        _make(request, due_at=timezone.now(), closed_at=timezone.now())
