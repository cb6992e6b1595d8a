"""Refunds that wait in ``verifying``: the channel is asked about their payments, again and again, until it answers or time is up.

A request is taken one at a time under a lease, its own ``step_due_at``: where a worker is killed, another takes it when that has
passed. Nothing is asked inside a transaction.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from core import clock
from merchants import principals
from refunds.intake import verifying
from refunds.models import RefundRequest
from refunds.payouts.trade_queries import NobodyToAsk, ask_about_payment
from refunds.states import State
from terminals.confirming import AskedJustNow

#: Nobody else takes one that is in hand; longer than asking about every payment of an order.
LEASE: Final = timedelta(minutes=2)
#: A channel that says nothing for this long is waited for no longer: a person decides.
GIVE_UP_AFTER: Final = timedelta(minutes=10)
_SHORTEST, _LONGEST = timedelta(seconds=5), timedelta(minutes=2)
_AT_ONCE: Final = 50


def work() -> int:
    """Ask about what is due. Returns how many requests were looked at."""
    for count in range(_AT_ONCE):
        request = _take(clock.now())
        if request is None:
            return count
        _confirm(request)
    return _AT_ONCE


@transaction.atomic
def _take(at: datetime) -> RefundRequest | None:
    due = RefundRequest.objects.select_for_update(skip_locked=True).filter(state=State.VERIFYING, step_due_at__lte=at)
    request = due.only("updated_at").order_by("step_due_at", "pk").first()
    if request is not None:
        RefundRequest.objects.filter(pk=request.pk).update(step_due_at=at + LEASE)
    return request


def _confirm(request: RefundRequest) -> None:
    # Not all wait for a channel: of some the goods have just been looked at.
    if verifying.go_on(request_id=request.pk, gave_up=False, at=clock.now()):
        return
    # It came into this state with its last change.
    gave_up = clock.now() - request.updated_at >= GIVE_UP_AFTER
    for transaction_id in verifying.unasked(request.pk, at=clock.now()):
        try:
            ask_about_payment(transaction_id=transaction_id, by=principals.SYSTEM, at=clock.now())
        except NobodyToAsk:
            gave_up = True
        except AskedJustNow:
            # By somebody else; their answer is ours as well.
            continue
    now = clock.now()
    if not verifying.go_on(request_id=request.pk, gave_up=gave_up, at=now):
        pause = min(max((now - request.updated_at) / 2, _SHORTEST), _LONGEST)
        RefundRequest.objects.filter(pk=request.pk, state=State.VERIFYING).update(step_due_at=now + pause)
