"""Withdrawing a request, sending a failed one out again, giving up a leg: the ways back that are no stage of their own."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from core.errors import Conflict
from core.plain_text import one_line
from merchants import policies
from merchants.policies.rules import Rules
from merchants.principals import Principal
from merchants.rights import Act
from payment_channels.contract import Retry
from refunds import lifecycle
from refunds.facts import conditions, duplicates, holds, plans, sums
from refunds.models import Approval, Execution, RefundRequest
from refunds.models.approval import Decision
from refunds.models.execution import new_execution
from refunds.payouts.settling import FOLLOW_UP_AFTER
from refunds.rules.method import MethodChoice
from refunds.states import ExecutionState, State
from terminals.accounts import replacement_of


class NeedsReview(Conflict, code="sum_needs_review"):
    """With this refund its order comes to more than was decided on: a person looks at it again."""


class AskedAnew(Conflict, code="possible_duplicate"):
    """The same was asked for again while this one had failed; ``facts["number"]`` is that refund."""


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
    if failed.failure_retry != Retry.NEVER or failed.failure_remedy in _OUR_OWN:
        return True
    return failed.failure_remedy in _NOT_THERE and _goes_through(failed) != failed.channel_account_id


#: Refusals of an account that does not know the payment: it may have been another's, as its channel said since.
_NOT_THERE = frozenset({"check_sale", "sale_state"})


def _goes_through(failed: Execution) -> int:
    """The account through which it would go out now: the one in the place of its own, or the one its sale belongs to since."""
    account = failed.channel_account
    if (replaced_by := replacement_of(account)) is not None:
        return replaced_by.pk
    of_sale = failed.transaction.channel_account
    return account.pk if of_sale is None or of_sale.channel != account.channel else of_sale.pk


def can_retry(request: RefundRequest, last: Execution | None) -> bool:
    """Whether what failed of a request may be sent again as it is; ``last`` is its newest payout."""
    if not request.leg_count:
        return request.state == State.FAILED and last is not None and can_go_out_again(last)
    failed = [one.attempts[-1] for one in plans.standing_of(request) if one.has_failed]
    return bool(failed) and all(can_go_out_again(row) for row in failed)


@transaction.atomic
def retry(*, request_id: UUID, by: Principal, at: datetime, version: int, sequence: int | None = None) -> RefundRequest:
    """Send what failed again once its cause is mended: under its own number, or a new one where the channel wants that or its
    account was replaced (``accounts.replacement_of``) or is known not to be the payment's, through the right one then.

    Of a plan all legs that failed, or the one that is named; what is paid already stays as it is. Raises ``AskedAnew`` where the
    same was asked for again meanwhile.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RETRY, by=by, request=request)
    legs = plans.standing_of(request, Execution.objects.select_for_update().filter(request_id=request_id))
    failed = [one.attempts[-1] for one in legs if one.has_failed and sequence in (None, one.leg.sequence)]
    if request.state not in (State.FAILED, State.PARTIALLY_REFUNDED) or not failed:
        raise lifecycle.WrongState(
            "only a failed payout can be sent again", state=request.state, version=request.version
        )
    if not all(can_go_out_again(row) for row in failed):
        raise Conflict(
            "the channel will refuse this again: correct the request and resubmit it", code="retry_is_no_use"
        )
    holds.check_not_held(transaction_id=request.transaction_id)
    transition = "renew_leg"
    if request.state == State.FAILED:
        transition = "retry"
        _check_covered(request, at)
        if same := duplicates.same_as_request(request):
            # The order is held by now: nobody can ask beside this.
            raise AskedAnew(f"{same[0].number} asked for the same meanwhile", number=same[0].number)
        for sale_id, count in Counter(one.leg.transaction_id for one in legs).items():
            sums.make_room(transaction_id=sale_id, limit=None, more=count)
    retried = lifecycle.advance(
        request_id,
        transition,
        by=by.actor,
        at=at,
        expected_version=version,
        data={"refund_no": ", ".join(row.refund_no for row in failed)},
    )
    for row in failed:
        account_id = _goes_through(row)
        if account_id != row.channel_account_id or row.failure_retry == Retry.NEW_NUMBER:
            new_execution(
                retried,
                channel_account_id=account_id,
                choice=MethodChoice(row.method, row.method_reason),
                at=at,
                attempt_no=row.attempt_no + 1,
                leg=row,
            ).save()
        else:
            Execution.objects.filter(pk=row.pk).update(state=ExecutionState.READY, due_at=at, ended_at=None, denials=0)
    return retried


#: Where nothing of a refund is paid yet, and something was begun.
_UNDER_WAY = (State.EXECUTING, State.UNKNOWN, State.MANUAL_PENDING)


def _held_payouts(request_id: UUID) -> QuerySet[Execution]:
    """A refund's payouts with their accounts, locked against those who claim and settle."""
    rows = Execution.objects.select_for_update(of=("self",)).filter(request_id=request_id).order_by("pk")
    return rows.select_related("channel_account").defer("channel_account__sealed_credentials")


@transaction.atomic
def give_up_leg(
    *, request_id: UUID, sequence: int, note: str, by: Principal, at: datetime, version: int
) -> RefundRequest:
    """Give up a failed leg of a refund of which another is paid: its amount is free again, and what waited for it goes on.

    A leg, or an everyday refund, that waits for an account which takes no calls is given up as well: nothing was paid, and
    where nothing else of the refund is paid or under way it has failed and goes on by another way. Raises ``Forbidden``,
    ``WrongState`` or ``AlreadyChanged``.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RETRY, by=by, request=request)
    legs = plans.standing_of(request, _held_payouts(request_id))
    given_up = next((one for one in legs if one.leg.sequence == sequence), None)
    is_barred = given_up is not None and given_up.is_barred and request.state in (*_UNDER_WAY, State.PARTIALLY_REFUNDED)
    has_failed = given_up is not None and given_up.has_failed and request.state == State.PARTIALLY_REFUNDED
    if given_up is None or not (is_barred or has_failed):
        raise lifecycle.WrongState(
            "only a leg that failed, or whose account takes no calls, can be given up",
            state=request.state,
            version=request.version,
        )
    lifecycle.check_version(request, version)
    others = [one for one in legs if one is not given_up and one.state != plans.GIVEN_UP]
    amount_fen = given_up.leg.amount_fen
    note = one_line(note, limit=300)
    data: dict[str, object] = {"leg": sequence, "amount_fen": amount_fen, "note": note}
    if is_barred:
        plans.end_barred(given_up, request=request, by=by.actor, at=at, note=note)
        if request.state in _UNDER_WAY:
            if any(one.is_open for one in others):
                return request
            data = {"refund_no": given_up.attempts[-1].refund_no, "code": plans.ACCOUNT_GIVEN_UP}
            return lifecycle.advance(request_id, "fail", by=by.actor, at=at, data=data)
    if all(one.is_paid for one in others):
        return lifecycle.advance(
            request_id,
            "give_up_rest",
            by=by.actor,
            at=at,
            expected_version=version,
            data=data,
            leg=sequence,
            amount_fen=amount_fen,
            succeeded_at=max(row.succeeded_at for one in others for row in one.attempts if row.succeeded_at),
            follow_up_at=at + FOLLOW_UP_AFTER,
        )
    changed = lifecycle.advance(
        request_id,
        "give_up_leg",
        by=by.actor,
        at=at,
        expected_version=version,
        data=data,
        leg=sequence,
        amount_fen=amount_fen,
    )
    now_free = plans.may_start(plans.standing_of(changed))
    Execution.objects.bulk_create(plans.payouts(changed, now_free, at=at))
    return changed


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
    code = policies.store_codes(rules, merchant_id=request.merchant_id).get(request.store_id, "")
    for tier in rules.tiers_in(code):
        if tier.name == name:
            yield tier.limit_fen if tier.limit_fen is not None else 10**18
