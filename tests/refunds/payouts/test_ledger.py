"""What a payout is booked as: what was owed against what the channel holds, and what became of its fee."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from refunds.models import Execution, LedgerEntry, RefundRequest
from refunds.payouts import ledger
from tests.factories import make_account, make_merchant, make_request, make_sale
from tests.refunds.settled import paid

pytestmark = pytest.mark.django_db


def _paid(amount_fen: int = 1_200, **profile: Any) -> RefundRequest:
    merchant = make_merchant()
    account = make_account(merchant, **profile)
    request = make_request(make_sale(merchant, channel_account=account), amount_fen)
    paid(request)
    return request


def _booked(request: RefundRequest) -> dict[tuple[str, str], int]:
    entries = LedgerEntry.objects.filter(execution__request=request)
    assert entries.aggregate(sum=Sum("amount_fen"))["sum"] == 0
    return {(row.kind, row.account): row.amount_fen for row in entries}


def test_payout_when_there_is_no_fee_has_two_sides() -> None:
    booked = _booked(_paid(fee_rate_bp=0))
    assert booked == {("payout", "refunds_payable"): 1_200, ("payout", "channel_clearing"): -1_200}


@pytest.mark.parametrize(("returned", "account"), [(True, "channel_clearing"), (False, "fees_lost")])
def test_payout_when_the_channel_has_a_fee_books_what_became_of_it_rounded_to_the_fen(
    returned: bool, account: str
) -> None:
    booked = _booked(_paid(1_234, fee_rate_bp=60, fee_returned=returned))
    # 7.404 fen
    assert (booked["fee", account], booked["fee", "channel_fees"]) == (7, -7)


def test_post_payouts_when_nothing_is_paid_books_nothing() -> None:
    request = make_request(make_sale(make_merchant()))
    ledger.post_payouts([], at=timezone.now())
    ledger.post_payouts([Execution.objects.get(request=request).pk], at=timezone.now())
    assert not LedgerEntry.objects.exists()


def test_post_missing_when_all_is_in_the_books_writes_nothing() -> None:
    before = _booked(_paid())
    assert ledger.post_missing() == 0
    assert LedgerEntry.objects.count() == len(before)
