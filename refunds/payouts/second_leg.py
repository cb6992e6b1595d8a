"""Where a paid refund went from the channel on: to the payer's bank, or, where the bank did not take it, to their balance.

The payout is paid and booked when the channel says so. Alipay passes the money on to a card's bank, which takes up to 15 days and
may refuse; until it is known, the channel is asked again. A refusal calls finance: the customer looks for the money on the card.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from core.audit.actors import channel
from core.audit.record import record
from payment_channels.contract import (
    BANK_NOTIFIED,
    CredentialsInvalid,
    Done,
    Outcome,
    ProfileInvalid,
    RefundReference,
    SecondLeg,
    Unknown,
)
from refunds.models import Execution
from refunds.payouts.adapters import adapter_for
from refunds.states import ExecutionState

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 20
#: Nobody else asks about one that is in hand; longer than a channel's time-out.
_LEASE: Final = timedelta(minutes=5)
#: When is asked, by the age of the payout: a quarter of a minute, then hourly, then twice a day.
_FIRST: Final = timedelta(seconds=15)
_PAUSES: Final = ((timedelta(minutes=5), timedelta(minutes=5)), (timedelta(days=1), timedelta(hours=1)))
_LATER: Final = timedelta(hours=12)
#: A bank has 15 days (https://opendocs.alipay.com/open/02ekfl, 银行卡冲退); what is unsaid then is finance's business.
GIVES_UP_AFTER: Final = timedelta(days=15)


def note(execution: Execution, done: Done, *, at: datetime) -> None:
    """Set on a payout what a proof says of its destination. Saves nothing."""
    execution.paid_to = done.paid_to or execution.paid_to
    execution.received_account = done.received_account.replace("\0", "")[:80] or execution.received_account
    execution.arrives_at = done.arrives_at or execution.arrives_at
    execution.second_leg = done.second_leg
    execution.second_leg_due_at = None
    if done.second_leg is SecondLeg.PENDING:
        age = at - (execution.succeeded_at or at)
        if age >= GIVES_UP_AFTER:
            execution.needs_attention = True
        else:
            execution.second_leg_due_at = at + _pause(age)
    elif done.second_leg is SecondLeg.FAILED:
        execution.needs_attention, execution.arrives_at = True, None


def hear(execution: Execution, outcome: Outcome, *, at: datetime) -> None:
    """A notice after the end: where it is about the way to the bank, or that is still open, it is a reason to ask now."""
    if not isinstance(outcome, Unknown):
        return
    if outcome.code == BANK_NOTIFIED or execution.second_leg == SecondLeg.PENDING:
        execution.second_leg_due_at = at


def ask_due(*, at: datetime) -> int:
    """Ask about the ways to the bank that are due, each outside of any transaction. Returns how many were asked about."""
    due = _take(at)
    for execution in due:
        account = execution.channel_account
        try:
            outcome = adapter_for(account.pk, account.revision).query_refund(reference(execution))
        except (CredentialsInvalid, ProfileInvalid) as error:
            logger.warning("channel account %s cannot be used: %s", account.pk, error)
            continue
        if isinstance(outcome, Done):
            store(execution, outcome, at)
    return len(due)


@transaction.atomic
def _take(at: datetime) -> Sequence[Execution]:
    due = list(
        Execution.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("transaction", "channel_account")
        .filter(state=ExecutionState.SUCCEEDED, second_leg_due_at__lte=at)
        .order_by("second_leg_due_at")[:_AT_ONCE]
    )
    Execution.objects.filter(pk__in=[one.pk for one in due]).update(second_leg_due_at=at + _LEASE)
    return due


@transaction.atomic
def store(asked: Execution, done: Done, at: datetime) -> None:
    """Write down what the channel says of the way to the bank, unless it is of another refund or amount."""
    execution = Execution.objects.select_for_update().get(pk=asked.pk)
    if (done.refund_no, done.amount_fen) != (execution.refund_no, execution.amount_fen):
        return
    note(execution, done, at=at)
    execution.save(
        update_fields=[
            "paid_to",
            "received_account",
            "arrives_at",
            "second_leg",
            "second_leg_due_at",
            "needs_attention",
        ]
    )
    if done.second_leg is not SecondLeg.PENDING:
        record(
            merchant_id=execution.merchant_id,
            by=channel(asked.channel_account.channel),
            action=f"refund.second_leg_{done.second_leg or 'none'}",
            object_type="refund_request",
            object_id=execution.request_id,
            at=at,
            data={"refund_no": execution.refund_no, "paid_to": execution.paid_to},
        )


def reference(execution: Execution) -> RefundReference:
    """The payout as the channel is asked about it. ``execution`` comes with its sale."""
    sale = execution.transaction
    return RefundReference(
        refund_no=execution.refund_no,
        channel_transaction_no=sale.channel_transaction_no,
        order_no=sale.order_no,
        amount_fen=execution.amount_fen,
        sent_at=execution.first_sent_at,
    )


def _pause(age: timedelta) -> timedelta:
    if age < _FIRST:
        return _FIRST
    return next((pause for until, pause in _PAUSES if age < until), _LATER)
