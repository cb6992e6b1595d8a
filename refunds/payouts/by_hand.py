"""Payouts that a person makes: a bank transfer, cash from a drawer, store credit.

The payout was handed over by the worker like any other, through the adapter of the route, and rests at a person
(``manual_pending``). Here that person says what came of it: paid, with the number of the transfer, slip or voucher; or not
paid, and why. Either word is settled like a channel's answer, under the same locks: it counts once, moves the same counters
and books the same single payout.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, FieldError, Invalid
from core.plain_text import one_line, reference_key
from merchants.principals import Principal
from payment_channels.contract import Outcome
from payment_channels.manual import ManualRefundChannel
from refunds import lifecycle
from refunds.evidence import files
from refunds.evidence.files import Picture
from refunds.facts import conditions, holds, payees, shares, vouching
from refunds.models import Execution, RefundRequest
from refunds.models.evidence import EvidenceKind
from refunds.payouts import Answer, settle
from refunds.payouts.second_leg import reference
from refunds.states import BY_HAND, EXECUTION_ENDED, ExecutionState, HandTrouble, Route, State
from terminals.models import Terminal
from terminals.reporting import CLOCKS_DIFFER


class ReferenceUsed(Conflict, code="reference_used"):
    """Another payout was confirmed with this number: one slip proves one payout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What was paid: the number of the transfer, signed slip or voucher, when, and for cash the till it came from."""

    reference_no: str
    paid_at: datetime
    drawer: str = ""


def confirm(
    *,
    request_id: UUID,
    payment: Payment,
    by: Principal,
    at: datetime,
    version: int,
    pictures: tuple[Picture, ...] = (),
) -> RefundRequest:
    """It was paid. Raises ``Forbidden``, ``AlreadyChanged``, ``WrongState``, ``Invalid`` or ``ReferenceUsed``, and then nothing
    changed.
    """
    with transaction.atomic():
        request, execution = _take(request_id, by, version, at)
        holds.check_not_held(transaction_id=request.transaction_id)
        vouching.check(request)
        reference_no = _checked(payment, request, execution.channel_account.channel, at)
        payer_fen = shares.of_request(request)[execution.sequence if request.leg_count else 1]
        payee = payees.of(request, route=execution.channel_account.channel)
        outcome = ManualRefundChannel().confirmed(
            reference=reference(execution),
            voucher_no=reference_no,
            # Within the minute of the approval: after it.
            paid_at=max(payment.paid_at, request.decided_at or payment.paid_at),
            by=by.name,
            received_account="" if payee is None else str(payee),
            drawer=payment.drawer,
            payer_fen=None if payer_fen == execution.amount_fen else payer_fen,
        )
        try:
            with transaction.atomic():
                _settle(execution, outcome, by, at)
                Execution.objects.filter(pk=execution.pk).update(reference_key=reference_key(reference_no))
        except IntegrityError as error:
            if "channel_refund_no_once" not in str(error) and "reference_once" not in str(error):
                raise
            raise ReferenceUsed("another payout was confirmed with this number") from error
        if pictures:
            files.add(request_id=request.pk, pictures=pictures, by=by, at=at, kind=EvidenceKind.RECEIPT)
    return RefundRequest.objects.get(pk=request_id)


@transaction.atomic
def give_up(*, request_id: UUID, trouble: str, note: str, by: Principal, at: datetime, version: int) -> RefundRequest:
    """It could not be paid, and nothing was: the amount is free again. Raises as ``confirm`` does."""
    if trouble not in HandTrouble.values:
        raise Invalid("say why with one of the coded reasons", code="unknown_reason_code")
    _request, execution = _take(request_id, by, version, at)
    outcome = ManualRefundChannel().given_up(
        reference=reference(execution), trouble=trouble, note=one_line(note, limit=300), by=by.name
    )
    _settle(execution, outcome, by, at)
    return RefundRequest.objects.get(pk=request_id)


def _take(request_id: UUID, by: Principal, version: int, at: datetime) -> tuple[RefundRequest, Execution]:
    """The request and its open payout under the request's lock, for someone who may pay it."""
    request = lifecycle.lock_requests([request_id])[request_id]
    execution = waiting(request)
    route = request.route if execution is None else execution.channel_account.channel
    conditions.check(conditions.pay_act(route), by=conditions.as_now(by), request=request)
    if by.mandate is not None:
        paid_fen = request.amount_fen if execution is None else execution.amount_fen
        by.mandate.check(amount_fen=paid_fen, reason=request.reason, route=route, on_behalf_of=by.name, at=at)
    if request.version != version:
        raise lifecycle.AlreadyChanged(
            "the refund request was changed meanwhile", state=request.state, version=request.version
        )
    if execution is None or request.state not in (State.MANUAL_PENDING, State.PARTIALLY_REFUNDED):
        raise lifecycle.WrongState(
            "this refund does not wait for a payout by hand", state=request.state, version=request.version
        )
    return request, execution


def waiting(request: RefundRequest) -> Execution | None:
    """The payout that was handed over to a person and has not ended, of several the first leg's. The account's ``channel`` is its
    route.
    """
    found = Execution.objects.select_related("transaction", "channel_account").filter(
        request_id=request.pk, channel_account__channel__in=BY_HAND
    )
    handed_over = found.exclude(state__in=(*EXECUTION_ENDED, ExecutionState.READY, ExecutionState.SENDING))
    return handed_over.order_by("sequence", "pk").first()


def waiting_part(request: RefundRequest) -> tuple[str, int]:
    """Route and fen of what a person is to pay, of the whole refund or of a leg, without what a coupon had paid; of a refund
    where nothing waits, its own.
    """
    payer_fen = shares.of_request(request)
    execution = waiting(request) if request.leg_count else None
    if execution is None:
        return request.route, sum(payer_fen.values())
    return execution.channel_account.channel, payer_fen[execution.sequence]


def waiting_route(request: RefundRequest) -> str:
    """The route on which a person is to pay now; empty where none is."""
    if request.state == State.MANUAL_PENDING:
        return request.route if not request.leg_count else _route_of(waiting(request))
    return _route_of(waiting(request)) if request.state == State.PARTIALLY_REFUNDED else ""


def _route_of(execution: Execution | None) -> str:
    return "" if execution is None else execution.channel_account.channel


def _checked(payment: Payment, request: RefundRequest, route: str, at: datetime) -> str:
    """The reference as it is stored. Slips are numbered by store, so that theirs carry the store's code."""
    number = one_line(payment.reference_no, limit=200).strip()
    errors = []
    if not reference_key(number) or len(number) > 40:
        errors.append(FieldError("reference_no", "invalid", _("1 to 40 characters.")))
    if payment.paid_at > at + CLOCKS_DIFFER:
        errors.append(FieldError("paid_at", "in_the_future"))
    # People write minutes: the one of the approval counts as after it.
    if request.decided_at is not None and payment.paid_at < request.decided_at.replace(second=0, microsecond=0):
        errors.append(FieldError("paid_at", "before_approval"))
    if route == Route.CASH:
        if not Terminal.objects.filter(store_id=request.store_id, code=payment.drawer).exists():
            errors.append(FieldError("drawer", "unknown_terminal"))
    elif payment.drawer:
        errors.append(FieldError("drawer", "not_for_this_route"))
    if errors:
        raise Invalid("the payout cannot be confirmed like this", code="payment_incomplete", errors=errors)
    return f"{request.store.code}/{number}" if route == Route.CASH else number


def _settle(execution: Execution, outcome: Outcome, by: Principal, at: datetime) -> None:
    answer = Answer(
        execution.pk, execution.request_id, execution.channel_account_id, outcome, source="person", by=by.actor
    )
    settle([answer], at=at)
