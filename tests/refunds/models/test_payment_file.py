"""A payout is in one file, and comes back once."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import Execution, PaymentFile, PaymentFileRow, ReturnedTransfer
from refunds.states import Route
from tests.refunds import hand

pytestmark = pytest.mark.django_db


def test_payout_when_it_is_in_a_file_is_in_no_other() -> None:
    execution = Execution.objects.get(request=hand.waiting(Route.BANK_TRANSFER))
    first, second = (
        PaymentFile.objects.create(merchant_id=execution.merchant_id, made_by="?", made_at=timezone.now())
        for _ in range(2)
    )
    PaymentFileRow.objects.create(file=first, execution=execution)
    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentFileRow.objects.create(file=second, execution=execution)
    assert PaymentFileRow.objects.get().file == first
    assert str(first) == f"PF-{first.pk:06d}"


def test_return_when_it_is_paid_again_without_a_reference_is_not_stored() -> None:
    request = hand.confirmed(hand.waiting(Route.BANK_TRANSFER))
    said = {"merchant": request.merchant, "request": request, "execution": request.executions.get()}
    with pytest.raises(IntegrityError), transaction.atomic():
        ReturnedTransfer.objects.create(
            **said, trouble="payee_wrong", noted_by="?", noted_at=timezone.now(), repaid_at=timezone.now()
        )
    assert not ReturnedTransfer.objects.exists()
