"""Refunds of the day that a person pays: handed over as the worker does it, some of them paid."""

from __future__ import annotations

from datetime import datetime, timedelta

from merchants import principals
from merchants.models import Role, Staff
from refunds import payouts
from refunds.intake.claims import Account
from refunds.models import Execution, RefundRequest
from refunds.payouts import by_hand
from refunds.payouts.adapters import adapter_for
from refunds.payouts.by_hand import Payment
from refunds.review import deciding
from refunds.states import Route
from samples.demo.merchants import House
from samples.demo.story import Ending, Story

#: From the approval to the moment a person has it before them, and until it is paid.
_HANDED_OVER, _PAID_AFTER = timedelta(seconds=2), timedelta(minutes=17)


def account_of(story: Story) -> Account | None:
    """An account that nobody has: a bank's prefix and digits drawn with the story."""
    if story.route != Route.BANK_TRANSFER:
        return None
    return Account(
        holder_name=story.name, account_no=f"62170000{story.desk:04d}{story.amount_fen:07d}", bank_name="建设银行"
    )


def approve(request: RefundRequest, *, decider: Staff, first: Staff | None, at: datetime) -> RefundRequest:
    """By two where the policy wants two."""
    for one in (first, decider):
        if one is not None:
            by = principals.of_staff(one)
            request = deciding.approve(request_id=request.pk, by=by, at=at, version=request.version)
    return request


def tell(
    house: House, story: Story, request: RefundRequest, *, decider: Staff, first: Staff | None, decided_at: datetime
) -> RefundRequest:
    """Approve it, hand it over, and where the story says so pay it."""
    at = decided_at + _HANDED_OVER
    approve(request, decider=decider, first=first, at=decided_at)
    account_id = Execution.objects.values_list("channel_account_id", flat=True).get(request_id=request.pk)
    claimed = payouts.claim(limit=1, at=at, only_account=account_id)
    payouts.settle([payouts.ask(one, adapter_for(one.account_id, one.account_revision)) for one in claimed], at=at)
    waiting = RefundRequest.objects.get(pk=request.pk)
    if story.ending is not Ending.PAID_BY_HAND:
        return waiting
    finance = next(one for one in house.staff.values() if one.role == Role.FINANCE)
    paid_at = at + _PAID_AFTER
    # Read off the refund's own number, so that it is the same in every run.
    number = request.number.rpartition("-")[2]
    return by_hand.confirm(
        request_id=request.pk,
        payment=Payment(
            reference_no=f"2026{number}" if story.route == Route.BANK_TRANSFER else number,
            paid_at=paid_at,
            drawer=story.sale.terminal if story.route == Route.CASH else "",
        ),
        by=principals.of_staff(finance),
        at=paid_at,
        version=waiting.version,
    )
