"""Refunds that a channel has answered, without a channel."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from payment_channels.contract import Done, Refused, Retry
from refunds import payouts
from refunds.models import Execution, RefundRequest
from refunds.payouts import Answer


def paid(request: RefundRequest, *, at: datetime | None = None) -> RefundRequest:
    """The approved request, claimed and paid."""
    now = at or timezone.now()
    payouts.claim(limit=100, at=now)
    payout = Execution.objects.get(request=request, state="sending")
    outcome = Done(
        refund_no=payout.refund_no,
        channel_refund_no=f"50{payout.pk.int % 10**20}",
        amount_fen=payout.amount_fen,
        succeeded_at=now,
        raw="{}",
    )
    payouts.settle([Answer(payout.pk, request.pk, payout.channel_account_id, outcome, "query")], at=now)
    return RefundRequest.objects.get(pk=request.pk)


def failed(request: RefundRequest, *, retry: Retry = Retry.SAME_NUMBER, at: datetime | None = None) -> RefundRequest:
    """The approved request, claimed and refused by the channel."""
    now = at or timezone.now()
    payouts.claim(limit=100, at=now)
    payout = Execution.objects.get(request=request, state="sending")
    outcome = Refused(code="NO", message="no", retry=retry)
    payouts.settle([Answer(payout.pk, request.pk, payout.channel_account_id, outcome, "answer")], at=now)
    return RefundRequest.objects.get(pk=request.pk)
