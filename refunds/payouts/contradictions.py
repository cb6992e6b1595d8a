"""A channel that contradicts itself: it refused a payout for good, and later proves that it had paid it, or the other way round.

The word that came first has let go of the amount, so that it may have been asked for again by now. The sale is held, whoever
brings the later word (notice, query or statement); what is in review stays there, what is approved is not sent. Finance looks it
up with the channel and ends the hold: it was paid, and our books then say so, or it was not.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, TextChoices
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.audit.actors import Actor
from core.audit.record import record, record_of
from core.errors import Conflict, Invalid, existing
from core.plain_text import one_line
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from refunds import lifecycle
from refunds.facts import holds, plans
from refunds.models import Execution, Leg, RefundRequest
from refunds.payouts import ledger
from refunds.states import BY_HAND, EXECUTION_ENDED, ExecutionState, HandTrouble, State
from terminals.models import Transaction

logger = logging.getLogger(__name__)

NOTE_MAX = 500


class Finding(TextChoices):
    """What finance found out about a payout that was refused and then reported as paid."""

    PAID = "paid", _("It was paid: book it")
    NOT_PAID = "not_paid", _("It was not paid")
    SETTLED = "settled", _("It was paid twice, and the excess was settled outside")
    CLEARED = "cleared", _("Looked up with the channel: our books are right now")


class NotHeld(Conflict, code="not_held"):
    """The sale is not held (any more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidAfterAll:
    """The later word about a payout. ``source``: notice, query, answer or bill; ``proof`` as it came."""

    channel_refund_no: str
    paid_at: datetime
    proof: str
    source: str


def hold(execution: Execution, word: PaidAfterAll, *, by: Actor, at: datetime) -> None:
    """Hold the sale of a payout that has failed and was paid after all, and keep the word. Once a payout: a notice that is
    repeated after finance has looked changes nothing.

    The caller holds the request and saves nothing else of the payout.
    """
    if execution.paid_after_all_at is not None:
        return
    execution.paid_after_all_at = word.paid_at
    execution.channel_refund_no = word.channel_refund_no or execution.channel_refund_no
    execution.proof, execution.proof_source = word.proof or "-", word.source
    execution.needs_attention = True
    execution.save(update_fields=["paid_after_all_at", "channel_refund_no", "proof", "proof_source", "needs_attention"])
    holds.set_held(transaction_id=execution.transaction_id, at=at)
    logger.error("%s was refused and is reported as paid: its sale is held", execution.refund_no)
    record(
        merchant_id=execution.merchant_id,
        by=by,
        action="refund.hold",
        object_type="refund_request",
        object_id=execution.request_id,
        at=at,
        data={
            "refund_no": execution.refund_no,
            "channel_refund_no": execution.channel_refund_no,
            "amount_fen": execution.amount_fen,
            "source": word.source,
        },
    )


def hold_paid(execution: Execution, *, by: Actor, at: datetime) -> None:
    """Hold the sale of a payout that was proven paid and of which the channel says now that it was not; it stays paid in the
    books until finance has looked.
    """
    holds.set_held(transaction_id=execution.transaction_id, at=at)
    record(
        merchant_id=execution.merchant_id,
        by=by,
        action="transaction.hold",
        object_type="transaction",
        object_id=execution.transaction_id,
        at=at,
        data={"refund_no": execution.refund_no},
    )


@transaction.atomic
def end_hold(*, transaction_id: UUID, finding: str, note: str, by: Principal, at: datetime) -> Transaction:
    """Let go of a held sale, with what was found and how it is known. ``paid`` books the payout as the channel says.

    Raises ``Forbidden``, ``NotFound``, ``Invalid``, ``NotHeld``, ``OverRefund`` where the sale has no room for what is to be
    booked (withdraw or reject what was asked for anew), ``WrongState`` where another attempt of it is under way.
    """
    check_may(Act.END_HOLD, by=by)
    sale = existing(Transaction.objects.filter(pk=transaction_id, merchant_id=by.acting_for).first(), "sale")
    check_may(Act.END_HOLD, by=by, subject=Subject(merchant_id=sale.merchant_id, store_id=sale.store_id))
    if finding not in Finding.values:
        raise Invalid("say what was found", code="unknown_finding")
    text = one_line(note, limit=NOTE_MAX)
    if not text:
        raise Invalid("write how it is known", code="message_required")
    found = {payout.request_id for payout in contradicted(sale)}
    locked = lifecycle.lock_requests(found | {one.pk for one in _not_paid_by_hand(sale)})
    requests = {pk: request for pk, request in locked.items() if pk in found}
    if not Transaction.objects.select_for_update().filter(pk=sale.pk, held_at__isnull=False).exists():
        raise NotHeld("the sale is not held")
    payouts = contradicted(sale)
    if payouts and finding == Finding.CLEARED:
        raise Invalid("this finding answers another question than the hold asks", code="unknown_finding")
    if requests.keys() != {payout.request_id for payout in payouts}:
        raise lifecycle.AlreadyChanged("the channel has said more of this sale just now; look again")
    for payout in payouts:
        if finding == Finding.PAID:
            _book(payout, requests[payout.request_id], by, at)
        else:
            Execution.objects.filter(pk=payout.pk).update(needs_attention=False)
        lifecycle.record_act(
            requests[payout.request_id],
            "refund.end_hold",
            by=by.actor,
            at=at,
            data={"refund_no": payout.refund_no, "finding": finding, "note": text},
        )
    if payouts and finding == Finding.PAID:
        for other in _not_paid_by_hand(sale):
            if other.pk in locked and other.pk not in requests:
                _close_against(other, payouts[0], by, at)
    if not payouts:
        record_of(sale, by=by.actor, action="transaction.end_hold", at=at, data={"finding": finding, "note": text})
    holds.set_held(transaction_id=sale.pk, at=None)
    lifecycle.ring_after_commit(["refunds.execute"])
    sale.refresh_from_db()
    return sale


def waiting_by_hand(sale: Transaction) -> list[Execution]:
    """The payouts of a held sale's order that a person is to make: nobody should while it is not known what was paid already."""
    found = Execution.objects.filter(transaction__in=_held_order(sale), channel_account__channel__in=BY_HAND)
    open_ones = found.exclude(state__in=(*EXECUTION_ENDED, ExecutionState.READY, ExecutionState.SENDING))
    return list(open_ones.select_related("request", "channel_account").order_by("pk"))


def _not_paid_by_hand(sale: Transaction) -> list[RefundRequest]:
    """Refunds of a held sale's order that nobody paid by hand because the channel is said to have paid meanwhile."""
    requests = RefundRequest.objects.filter(transaction__in=_held_order(sale), state=State.FAILED).order_by("pk")
    last = Execution.objects.filter(request=OuterRef("pk")).order_by("-created_at", "-pk").values("failure_code")[:1]
    return list(requests.alias(why=Subquery(last)).filter(why=HandTrouble.PAID_MEANWHILE))


def _close_against(request: RefundRequest, paid: Execution, by: Principal, at: datetime) -> None:
    with translation.override(request.customer_locale):
        message = gettext("This payment was refunded to you already, as %(number)s.") % {"number": paid.request.number}
    lifecycle.advance(
        request.pk,
        "close_against",
        by=by.actor,
        at=at,
        data={"refund": paid.request.number, "amount_fen": paid.amount_fen},
        message=message,
    )


def _held_order(sale: Transaction) -> QuerySet[Transaction]:
    return Transaction.objects.filter(
        merchant_id=sale.merchant_id, store_id=sale.store_id, order_no=sale.order_no, held_at__isnull=False
    )


def contradicted(sale: Transaction) -> list[Execution]:
    """The payouts of the sale's order that were refused and are reported as paid, and that finance has not looked at."""
    found = Execution.objects.filter(
        transaction__in=_held_order(sale),
        paid_after_all_at__isnull=False,
        needs_attention=True,
        state__in=(ExecutionState.FAILED, ExecutionState.CANCELLED),
    )
    return list(found.select_related("request", "transaction").order_by("pk"))


def _book(payout: Execution, request: RefundRequest, by: Principal, at: datetime) -> None:
    """What the channel says becomes what our books say. An attempt that was made instead and not sent is withdrawn.

    Of a plan under way it is one leg more that is paid; of one that was released it is all that was, and the others are given up.
    """
    is_leg = bool(request.leg_count) and request.state in _UNDER_WAY
    instead = Execution.objects.filter(request_id=request.pk).exclude(state__in=EXECUTION_ENDED)
    if is_leg:
        instead = instead.filter(sequence=payout.sequence)
    instead.filter(state=ExecutionState.READY).update(state=ExecutionState.CANCELLED, due_at=None, ended_at=at)
    legs = {one.leg.sequence: one for one in plans.standing_of(request)} if request.leg_count else {}
    leg = legs.get(payout.sequence)
    # Paid another way meanwhile, or given up and its amount let go: what came of it is settled outside.
    closed = is_leg and (leg is None or leg.is_paid or leg.state == plans.GIVEN_UP)
    if instead.exists() or closed or not (is_leg or request.state in _BOOKABLE):
        raise lifecycle.WrongState(
            "another attempt of this refund was sent; wait until it has ended",
            state=request.state,
            version=request.version,
        )
    assert payout.paid_after_all_at is not None
    Execution.objects.filter(pk=payout.pk).update(
        state=ExecutionState.SUCCEEDED,
        succeeded_at=payout.paid_after_all_at,
        channel_refund_no=payout.channel_refund_no or payout.refund_no,
        failure_code="",
        failure_message="",
        failure_retry="",
        failure_remedy="",
        needs_attention=False,
    )
    data = {"refund_no": payout.refund_no, "source": payout.proof_source, "amount_fen": payout.amount_fen}
    proven: dict[str, Any] = {"succeeded_at": payout.paid_after_all_at, "follow_up_at": at}
    transition = "prove_paid"
    if is_leg:
        others = [one for one in legs.values() if one is not leg and one.state != plans.GIVEN_UP]
        transition = "succeed" if all(one.is_paid for one in others) else "pay_part"
    if transition == "pay_part":
        proven = {}
    if transition != "succeed":
        proven["amount_fen"] = payout.amount_fen
    lifecycle.advance(
        request.pk,
        transition,
        by=by.actor,
        at=at,
        data=data | ({"leg": payout.sequence} if request.leg_count else {}),
        leg=payout.sequence if request.leg_count else None,
        plan=None if is_leg or not request.leg_count else _only_paid(payout, request, legs.values()),
        **proven,
    )
    ledger.post_payouts([payout.pk], at=at)
    if is_leg:
        # What waited for this leg goes on.
        changed = RefundRequest.objects.get(pk=request.pk)
        now_free = plans.may_start(plans.standing_of(changed))
        Execution.objects.bulk_create(plans.payouts(changed, now_free, at=at))


def _only_paid(payout: Execution, request: RefundRequest, legs: Iterable[plans.LegStatus]) -> list[Leg]:
    """The plan of a released request once one of its payouts is proven paid: that leg, of an earlier plan or this one, and the
    others given up.
    """
    kept = [
        Leg(
            request=request,
            sequence=one.leg.sequence,
            transaction_id=one.leg.transaction_id,
            route=one.leg.route,
            amount_fen=one.leg.amount_fen,
            reserved_fen=0,
            why=one.leg.why,
        )
        for one in legs
        if one.leg.sequence != payout.sequence
    ]
    paid = Leg(
        request=request,
        sequence=payout.sequence,
        transaction_id=payout.transaction_id,
        amount_fen=payout.amount_fen,
        reserved_fen=payout.amount_fen,
        why="only_payment",
    )
    return [*kept, paid]


#: Where legs of the plan still hold their amounts.
_UNDER_WAY = (State.EXECUTING, State.UNKNOWN, State.MANUAL_PENDING, State.PARTIALLY_REFUNDED)


#: Where nothing of the request is on its way.
_BOOKABLE = (
    State.FAILED,
    State.APPROVED,
    State.IN_REVIEW,
    State.NEEDS_INFO,
    State.WAITING_GOODS,
    State.WAITING_VENDOR,
    State.REJECTED,
    # Withdrawn before it was sent once more, or closed against another one.
    State.CANCELLED,
)
