"""Payouts that wait for their channel account: due at once when it is well again, instead of after their back-off."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from payment_channels.contract import Retry
from refunds.models import Execution
from refunds.states import ExecutionState

#: What a refusal leaves behind where it speaks of the account: the next refund through it waits for the same thing.
HOLDS_AN_ACCOUNT = (Retry.AFTER_TOP_UP.value, Retry.AFTER_MENDING.value)


@transaction.atomic
def wake(account_ids: Collection[int], *, at: datetime) -> int:
    """Make due what these accounts held back or left without an answer. Returns how many.

    Rows that another loop has in hand are left alone: their due time is the end of its lease.
    """
    waiting = (
        Execution.objects.select_for_update(skip_locked=True)
        .filter(
            channel_account_id__in=account_ids,
            state__in=(ExecutionState.HELD, ExecutionState.UNKNOWN),
            due_at__gt=at,
        )
        .exclude(due_at=F("last_asked_at") + timedelta(seconds=settings.EXECUTION_LEASE_S))
    )
    return Execution.objects.filter(pk__in=list(waiting.values_list("pk", flat=True))).update(due_at=at)
