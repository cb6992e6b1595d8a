"""What we believe against a channel's own ledger."""

from __future__ import annotations

import pytest

from invariants import against_channels
from refunds.models import RefundRequest

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]


def _ledger(rows: dict[str, str]) -> list[dict[str, object]]:
    request = RefundRequest.objects.get(state="refunded")
    payout = request.executions.get()
    return [{"refund_no": payout.refund_no, "amount_fen": payout.amount_fen}]


def test_ledger_that_agrees_is_silent_and_every_difference_is_found(rows: dict[str, str]) -> None:
    good = _ledger(rows)
    broken = RefundRequest.objects.get(state="failed").executions.get()
    assert list(against_channels.paid_per_ledger(good)) == []
    cases = {
        "paid twice": good + good,
        "not paid": [],
        "another amount": [{**good[0], "amount_fen": 1}],
        "failed yet paid": [*good, {"refund_no": broken.refund_no, "amount_fen": broken.amount_fen}],
        "unknown": [*good, {"refund_no": "X", "amount_fen": 1}],
    }
    for name, ledger in cases.items():
        assert list(against_channels.paid_per_ledger(ledger)), name
