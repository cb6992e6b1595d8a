"""A refund that was made in the channel's own portal while one of ours was asked for: taken into our books by one press.

The channel refused ours because less is left of the payment. It is asked what became of the payment; what was paid back beyond
ours becomes a refund of ours like one adopted from a statement, and the refused one is closed against it where that covers it.
A channel that does not say how much was refunded is waited for: its statement names every refund.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import translation
from django.utils.translation import gettext

from core.errors import Conflict, existing
from merchants.models import ChannelAccount
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels.contract import Outcome, Trade
from reconciliation import days, matching
from reconciliation.models import Difference
from reconciliation.models.bill import MatchOutcome
from reconciliation.models.difference import BY_HAND
from refunds import lifecycle
from refunds.facts import plans
from refunds.intake import submitting
from refunds.intake.claims import Draft
from refunds.models import Execution, Leg, RefundRequest
from refunds.models.execution import Method
from refunds.payouts import Answer, elsewhere, kept_outcomes, ledger, settle, ways_back
from refunds.payouts.trade_queries import ask_trade, keep, sent_fen
from refunds.states import ExecutionState, Reason, State
from terminals.models import Transaction


class NothingToAdopt(Conflict, code="nothing_to_adopt"):
    """The channel does not say that more was refunded than what we know of."""


def can_adopt(request: RefundRequest, last: Execution | None) -> bool:
    """Whether this refund or a leg of it was refused because the payment was refunded elsewhere; ``last``: its newest payout."""
    if request.leg_count:
        return refused_leg(request) is not None
    return request.state == State.FAILED and last is not None and _is_of_the_portal(last)


def _is_of_the_portal(payout: Execution) -> bool:
    """Whether the channel, or a statement of its, says that it refused because of a refund made elsewhere."""
    return payout.failure_remedy == "refunded_elsewhere"


def told_by_statements(sale: Transaction) -> QuerySet[Difference]:
    """Refunds of the sale that the channel's statements name, that are in no books, and that nobody has explained."""
    return _only_theirs(sale).filter(resolution="", bill_fen__gt=0)


def refused_leg(request: RefundRequest) -> Leg | None:
    """The first leg that was refused because the payment was refunded elsewhere."""
    if request.state not in (State.FAILED, State.PARTIALLY_REFUNDED):
        return None
    refused = (one.leg for one in plans.standing_of(request) if one.has_failed and _is_of_the_portal(one.attempts[-1]))
    return next(refused, None)


def adopt(*, request_id: UUID, by: Principal, at: datetime, version: int | None = None) -> RefundRequest:
    """The adopted refund. The channel is asked first, outside of any transaction.

    Raises ``Forbidden``, ``NotFound``, ``WrongState``, ``AlreadyChanged``, ``NothingToAdopt``, and ``OverRefund`` where what is
    under way leaves no room for it; nothing has changed then.
    """
    request = existing(RefundRequest.objects.filter(pk=request_id, merchant_id=by.acting_for).first(), "refund request")
    check_may(Act.ADOPT, by=by, subject=Subject(merchant_id=request.merchant_id, store_id=request.store_id))
    leg = refused_leg(request) if request.leg_count else None
    trade = _told(leg.transaction_id if leg else request.transaction_id)
    return _in_all_books(_store(request_id, leg.sequence if leg else None, trade, by, at, version), trade, at)


def adopt_of_sale(*, transaction_id: UUID, by: Principal, at: datetime) -> RefundRequest:
    """The same of a sale that nobody need have asked a refund of; what we failed to refund because of it is closed against it.

    Raises ``Forbidden``, ``NotFound``, ``NothingToAdopt``, and ``OverRefund`` where what is under way leaves no room for it.
    """
    sale = existing(Transaction.objects.filter(pk=transaction_id, merchant_id=by.acting_for).first(), "sale")
    check_may(Act.ADOPT, by=by, subject=Subject(merchant_id=sale.merchant_id, store_id=sale.store_id))
    trade = _told(sale.pk)
    with transaction.atomic():
        adopted = adopted_in_place(
            sale_id=sale.pk,
            amount_fen=(trade.refunded_fen or 0) - sent_fen(sale),
            adopt=lambda: _adopt(sale.pk, trade, by, at),
            by=by,
            at=at,
        )
    return _in_all_books(adopted, trade, at)


def _told(transaction_id: UUID) -> Trade:
    """What the channel says of a payment, the sum of its refunds with it. Asked outside of any transaction."""
    trade = ask_trade(transaction_id=transaction_id)
    if not isinstance(trade, Trade) or trade.refunded_fen is None:
        raise NothingToAdopt("the channel does not say how much was refunded; its statement will")
    return trade


def _in_all_books(adopted: RefundRequest, trade: Trade, at: datetime) -> RefundRequest:
    """With its line in the statement found, and the channel's word about the payment held against the books anew."""
    _find_its_line(adopted, at)
    keep(trade, sale=Transaction.objects.get(pk=adopted.transaction_id), at=at)
    return adopted


def _find_its_line(adopted: RefundRequest, at: datetime) -> None:
    """A statement that came before the adoption may have the refund, as one of the channel's alone."""
    sale = Transaction.objects.get(pk=adopted.transaction_id)
    for day_id in (
        _only_theirs(sale).filter(resolution="", bill_fen=adopted.amount_fen).values_list("day_id", flat=True)
    ):
        with suppress(days.DayClosed):
            matching.recompare(day_id=day_id, at=at)


def unnamed_fen(sale: Transaction) -> int:
    """What was adopted on the channel's word as a sum, less those lines of it that a person has resolved since.

    The channel says how much was refunded in all, its statement each refund: none of them may be adopted once more.
    """
    adopted = Execution.objects.filter(transaction_id=sale.pk, proof_source="trade", bill_lines=None)
    found: int = adopted.aggregate(fen=Sum("amount_fen", default=0))["fen"]
    if not found:
        return 0
    named: int = _only_theirs(sale).filter(resolution__in=BY_HAND).aggregate(fen=Sum("bill_fen", default=0))["fen"]
    return found - named


def _only_theirs(sale: Transaction) -> QuerySet[Difference]:
    """Refunds of the sale that statements have and that no payout of ours was found to be."""
    return Difference.objects.filter(
        channel_account_id=sale.channel_account_id,
        kind=MatchOutcome.CHANNEL_ONLY,
        execution=None,
        line__channel_transaction_no=sale.channel_transaction_no,
    ).order_by("pk")


@transaction.atomic
def _store(
    request_id: UUID,
    sequence: int | None,
    trade: Trade,
    by: Principal,
    at: datetime,
    version: int | None,
) -> RefundRequest:
    """``sequence`` is the leg that was refused: what is adopted takes its place where another leg is paid."""
    request = lifecycle.lock_requests([request_id])[request_id]
    lifecycle.check_version(request, version)
    leg = refused_leg(request) if request.leg_count else None
    is_as_asked = (leg.sequence if leg else None) == sequence
    if not is_as_asked or not can_adopt(request, request.executions.order_by("-created_at").first()):
        raise lifecycle.WrongState("nothing of it can be adopted", state=request.state, version=request.version)
    in_part = leg is not None and request.state == State.PARTIALLY_REFUNDED
    own_fen = request.approved_fen or request.amount_fen
    if leg is not None and in_part:
        own_fen = leg.amount_fen
        note = gettext("Refunded in the channel's portal")
        ways_back.give_up_leg(
            request_id=request.pk, sequence=leg.sequence, note=note, by=by, at=at, version=request.version
        )
    adopted = _adopt(leg.transaction_id if leg else request.transaction_id, trade, by, at)
    if in_part and adopted.amount_fen < own_fen:
        raise NothingToAdopt("less was refunded there than by this leg: give it up, and ask for the rest")
    if not in_part and adopted.amount_fen >= own_fen:
        close_against(request, adopted, adopted.amount_fen, by=by, at=at)
    return adopted


def _adopt(sale_id: UUID, trade: Trade, by: Principal, at: datetime) -> RefundRequest:
    """What the channel cannot deliver becomes a refund of its own, which waits for another account, the rest one that is paid.
    The latter is handed back where there are both.
    """
    sale = Transaction.objects.select_for_update().get(pk=sale_id)
    elsewhere_fen = (trade.refunded_fen or 0) - sent_fen(sale)
    if elsewhere_fen <= 0:
        raise NothingToAdopt("all that the channel has refunded is in our books or under way")
    adopted = None
    for notice in elsewhere.stuck_of(sale):
        if notice.amount_fen and notice.amount_fen <= elsewhere_fen:
            adopted = adopted_stuck(
                sale,
                refund_no=notice.refund_no,
                amount_fen=notice.amount_fen,
                account=notice.channel_account,
                told_at=notice.received_at,
                word=(kept_outcomes.from_json(notice.outcome), "notice", notice.pk),
                by=by,
                at=at,
            )
            elsewhere_fen -= notice.amount_fen
    if adopted is None or elsewhere_fen:
        return _adopted(sale, elsewhere_fen, trade.raw, by, at)
    return adopted


def adopted_stuck(
    sale: Transaction,
    *,
    refund_no: str,
    amount_fen: int,
    account: ChannelAccount,
    told_at: datetime,
    word: tuple[Outcome, str, int | None],
    by: Principal,
    at: datetime,
) -> RefundRequest:
    """A refund that the channel took on in its portal and cannot deliver, as one of ours in the same state: it is asked about,
    shown, told and sent to another account like them, under the portal's number. ``word``: what the channel said, where
    (``Answer.source``), and in which notice.
    """
    draft = Draft(amount_fen=amount_fen, reason=Reason.OPERATOR_ERROR, transaction_id=sale.pk)
    submission = submitting.prepare_paid(draft=draft, source="portal", by=by, at=at)
    request = submission.request
    execution = Execution(
        merchant_id=request.merchant_id,
        request=request,
        transaction_id=sale.pk,
        channel_account=account,
        method=Method.REFUND,
        refund_no=refund_no,
        amount_fen=amount_fen,
        state=ExecutionState.PROCESSING,
        due_at=at,
        first_sent_at=told_at,
        created_at=at,
    )
    submission.executions = [execution]
    submitting.store(submission)
    outcome, source, turn = word
    lifecycle.advance(
        request.pk, "start_execution", by=by.actor, at=at, data={"refund_no": refund_no, "source": source}
    )
    settle([Answer(execution.pk, request.pk, account.pk, outcome, source, turn)], at=at)
    return RefundRequest.objects.get(pk=request.pk)


def adopted_in_place(
    *, sale_id: UUID, amount_fen: int, adopt: Callable[[], RefundRequest], by: Principal, at: datetime
) -> RefundRequest:
    """What ``adopt`` makes of a refund that the channel's statement names, in place of ours (``failed_like``).

    Ours is closed against it, or its leg given up first: it is not sent again. Where several may be meant nothing is closed.

    The caller is in a transaction and holds neither requests nor sales.
    """
    lifecycle.lock_requests(one.pk for one in _failed_of(sale_id))
    failed, sequence = failed_like(sale_id=sale_id, amount_fen=amount_fen)
    if failed is not None and sequence is not None:
        note = gettext("The channel's statement has a refund made in its portal.")
        ways_back.give_up_leg(request_id=failed.pk, sequence=sequence, note=note, by=by, at=at, version=failed.version)
    adopted = adopt()
    if failed is not None and sequence is None:
        close_against(failed, adopted, amount_fen, by=by, at=at)
    return adopted


def _failed_of(sale_id: UUID) -> list[RefundRequest]:
    whole = Q(transaction_id=sale_id, leg_count=0, state=State.FAILED)
    in_part = Q(legs__transaction_id=sale_id, state=State.PARTIALLY_REFUNDED)
    return list(RefundRequest.objects.filter(whole | in_part).distinct().order_by("pk"))


def failed_like(*, sale_id: UUID, amount_fen: int) -> tuple[RefundRequest | None, int | None]:
    """The one refund of this payment that failed over this amount, or over less because of it; with the sequence where only a leg
    of it did.
    """
    found: list[tuple[RefundRequest, int | None]] = []
    for request in _failed_of(sale_id):
        if request.state == State.FAILED and _covers(amount_fen, request):
            found.append((request, None))
        if request.state == State.PARTIALLY_REFUNDED:
            found += [
                (request, one.leg.sequence)
                for one in plans.standing_of(request)
                if one.has_failed and (one.leg.transaction_id, one.leg.amount_fen) == (sale_id, amount_fen)
            ]
    return found[0] if len(found) == 1 else (None, None)


def _covers(amount_fen: int, request: RefundRequest) -> bool:
    """Just the amount, or more where the channel refused ours because the payment was refunded elsewhere."""
    wanted = request.approved_fen or request.amount_fen
    return wanted == amount_fen or (
        wanted < amount_fen and can_adopt(request, request.executions.order_by("-created_at").first())
    )


def close_against(
    failed: RefundRequest, adopted: RefundRequest, amount_fen: int, *, by: Principal, at: datetime
) -> None:
    """End a refund that failed against what was refunded in its place. The caller holds it."""
    lifecycle.advance(
        failed.pk,
        "close_against",
        by=by.actor,
        at=at,
        data={"refund": adopted.number, "amount_fen": amount_fen},
        message=_covered(failed.customer_locale, adopted.number, is_paid=adopted.state == State.REFUNDED),
    )


def _covered(locale: str, number: str, *, is_paid: bool) -> str:
    with translation.override(locale):
        if not is_paid:
            return gettext("A refund of this payment is under way already, as %(number)s.") % {"number": number}
        return gettext("This payment was refunded to you already, as %(number)s.") % {"number": number}


def _adopted(sale: Transaction, amount_fen: int, proof: str, by: Principal, at: datetime) -> RefundRequest:
    assert sale.channel_account_id is not None  # the channel has just been asked through it
    draft = Draft(amount_fen=amount_fen, reason=Reason.OPERATOR_ERROR, transaction_id=sale.pk)
    submission = submitting.prepare_paid(draft=draft, source="portal", by=by, at=at)
    request = submission.request
    number = f"{request.number.replace('-', '')}P1"
    execution = Execution(
        merchant_id=request.merchant_id,
        request=request,
        transaction_id=sale.pk,
        channel_account=sale.channel_account,
        method=Method.REFUND,
        refund_no=number,
        amount_fen=amount_fen,
        state=ExecutionState.SUCCEEDED,
        first_sent_at=at,
        # The portal's own number comes with the statement.
        channel_refund_no=number,
        succeeded_at=at,
        ended_at=at,
        proof=proof or "-",
        proof_source="trade",
        created_at=at,
    )
    submission.executions = [execution]
    submitting.store(submission)
    ledger.post_payouts([execution.pk], at=at)
    proven = {"refund_no": number, "source": "trade"}
    lifecycle.advance(request.pk, "start_execution", by=by.actor, at=at, data=proven)
    return lifecycle.advance(
        request.pk,
        "succeed",
        by=by.actor,
        at=at,
        data={**proven, "amount_fen": amount_fen},
        succeeded_at=at,
        follow_up_at=at,
    )
