"""Withdrawing a request, and sending a failed one out again: the two ways back that are no stage of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import Conflict
from merchants import policies
from merchants.policy_rules import Rules
from merchants.principals import Principal
from merchants.rights import Act
from payment_channels.contract import Retry
from refunds import lifecycle
from refunds.facts import conditions, duplicates, holds, sums
from refunds.models import Approval, Execution, RefundRequest
from refunds.models.approval import Decision
from refunds.models.execution import new_execution
from refunds.rules.method import MethodChoice
from refunds.states import ExecutionState, State


class NeedsReview(Conflict):
    """With this refund its order comes to more than was decided on: a person looks at it again."""

    code = "sum_needs_review"


class AskedAnew(Conflict):
    """The same was asked for again while this one had failed; ``facts["number"]`` is that refund."""

    code = "possible_duplicate"


@transaction.atomic
def cancel(
    *, request_id: UUID, by: Principal, at: datetime, message: str = "", expected_version: int | None = None
) -> RefundRequest:
    """Withdraw a request of which nothing was sent yet; the amount is free again."""
    conditions.check(Act.CANCEL, by=by, request=lifecycle.lock_requests([request_id])[request_id])
    cancelled = lifecycle.advance(
        request_id, "cancel", by=by.actor, at=at, expected_version=expected_version, message=message
    )
    Execution.objects.filter(request_id=request_id, state=ExecutionState.READY).update(
        state=ExecutionState.CANCELLED, due_at=None, ended_at=at
    )
    return cancelled


#: Refusals that spoke of our account and not of the refund: once that is mended, the same refund may go out again.
_OUR_OWN = frozenset({"check_keys", "check_permission", "check_account"})


def can_go_out_again(failed: Execution) -> bool:
    """Whether a refused payout may be sent again as it is; the others need a corrected request."""
    return failed.failure_retry != Retry.NEVER or failed.failure_remedy in _OUR_OWN


@transaction.atomic
def retry(*, request_id: UUID, by: Principal, at: datetime, version: int) -> RefundRequest:
    """Send a failed payout again once its cause is mended: under its own number, or a new one where the channel wants that.

    Raises ``AskedAnew`` where the same was asked for again meanwhile.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RETRY, by=by, request=request)
    if request.state != State.FAILED:
        raise lifecycle.WrongState(
            "only a failed payout can be sent again", state=request.state, version=request.version
        )
    failed = Execution.objects.select_for_update().filter(request_id=request_id).order_by("-created_at")[:1].get()
    if not can_go_out_again(failed):
        raise Conflict(
            "the channel will refuse this again: correct the request and resubmit it", code="retry_is_no_use"
        )
    _check_covered(request, at)
    holds.check_not_held(transaction_id=request.transaction_id)
    if same := duplicates.same_as_request(request):
        # The order is held by now: nobody can ask beside this.
        raise AskedAnew(f"{same[0].number} asked for the same meanwhile", number=same[0].number)
    sums.make_room(transaction_id=request.transaction_id, limit=None)
    retried = lifecycle.advance(
        request_id, "retry", by=by.actor, at=at, expected_version=version, data={"refund_no": failed.refund_no}
    )
    if failed.failure_retry == Retry.NEW_NUMBER:
        new_execution(
            retried,
            channel_account_id=failed.channel_account_id,
            choice=MethodChoice(failed.method, failed.method_reason),
            at=at,
            attempt_no=failed.attempt_no + 1,
        ).save()
    else:
        Execution.objects.filter(pk=failed.pk).update(state=ExecutionState.READY, due_at=at, ended_at=None, denials=0)
    return retried


def _check_covered(request: RefundRequest, at: datetime) -> None:
    """A failed payout is sent again without a new decision: only while the old one covers what the order comes to by now.

    Locks the order. Raises ``CapReached`` or ``NeedsReview``.
    """
    amount_fen = request.approved_fen or request.amount_fen
    sum_fen = amount_fen + sums.held(transaction_id=request.transaction_id, lock=True).order_fen - request.reserved_fen
    sums.check_caps(request=request, amount_fen=amount_fen, at=at)
    rules = policies.rules_in_force(merchant_id=request.merchant_id, at=at)
    if all(sum_fen > covered for covered in _covered(request, rules)):
        raise NeedsReview("together with the order's other refunds this one needs a new decision")


def _covered(request: RefundRequest, rules: Rules) -> Iterator[int]:
    """Up to which sum the standing decision reaches."""
    yield request.approved_fen or request.amount_fen
    if request.by_rule:
        yield rules.order_limit_fen
        return
    approvals = Approval.objects.filter(request_id=request.pk, decision=Decision.APPROVE).order_by("-version")
    name = approvals.values_list("tier", flat=True).first()
    for tier in rules.tiers:
        if tier.name == name:
            yield tier.limit_fen if tier.limit_fen is not None else 10**18
