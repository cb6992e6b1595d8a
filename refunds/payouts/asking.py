"""Talking to a channel about one payout: outside of any transaction, without the database, safe in any thread."""

from dataclasses import dataclass, replace
from uuid import UUID

from core.audit.actors import Actor
from core.failpoints import failpoint
from core.money import yuan
from payment_channels.contract import (
    Outcome,
    RefundChannel,
    RefundOrder,
    Refused,
    Retry,
    Trade,
    TradeQueries,
    TradeReference,
    TradeState,
    Unknown,
    Voids,
)
from refunds.models.execution import Method
from refunds.payouts.claiming import Claimed


@dataclass(frozen=True, slots=True)
class Answer:
    """What the channel said about one payout. ``source`` is ``answer``, ``query``, ``notice``, ``person`` (who pays by hand) or
    ``portal`` (two people who looked there); only the first two have a ``turn``. ``by`` is who said it, where that was a person.
    ``denied`` says that a query denied the number late enough to count, right before it was sent again.
    """

    execution_id: UUID
    request_id: UUID
    account_id: int
    outcome: Outcome
    source: str
    turn: int | None = None
    by: Actor | None = None
    denied: bool = False


#: Judged in time, and approved or topped up when the channel's window had closed: no channel has to be asked.
_TOO_LATE = Refused(
    code="window_closed",
    message="the channel's window had closed before the refund was sent",
    retry=Retry.NEVER,
    remedy="sale_closed",
)


def ask(claimed: Claimed, adapter: RefundChannel) -> Answer:
    """Talk to the channel: send what was never sent, ask about the rest. No database, safe in any thread."""
    failpoint("execution.before_call")
    outcome: Outcome
    denied = False
    if claimed.send and claimed.too_late and not claimed.order.maybe_received:
        outcome, source = _TOO_LATE, "answer"
    elif claimed.send:
        outcome, source = _send(claimed, claimed.order, adapter), "answer"
    else:
        outcome, source = adapter.query_refund(claimed.reference), "query"
        if isinstance(outcome, Unknown) and outcome.code == "not_found" and claimed.goes_out_again:
            # The channel may not know it yet or never got it: the same number again moves the money once either way.
            denied = claimed.denial_counts
            order = replace(claimed.order, maybe_received=False) if denied else claimed.order
            outcome, source = _send(claimed, order, adapter), "answer"
    if isinstance(adapter, TradeQueries):
        if isinstance(outcome, Refused) and outcome.remedy in LESS_LEFT:
            outcome = _looked_into(outcome, claimed, adapter)
        elif isinstance(outcome, Unknown) and outcome.remedy == "check_history" and denied:
            outcome = _other_total(outcome, claimed, adapter)
    failpoint("execution.after_call")
    return Answer(
        claimed.execution_id,
        claimed.request_id,
        claimed.account_id,
        outcome,
        source,
        turn=claimed.turn,
        denied=denied,
    )


def _trade(claimed: Claimed, adapter: TradeQueries) -> Trade | Unknown:
    order = claimed.order
    return adapter.query_trade(
        TradeReference(
            channel_transaction_no=order.channel_transaction_no, order_no=order.order_no, paid_at=order.paid_at
        )
    )


def _other_total(outcome: Unknown, claimed: Claimed, adapter: TradeQueries) -> Outcome:
    """The number is denied and refused for its details: where the channel knows the sale over another amount, it is that. WeChat
    Pay has one answer for both (订单金额或退款金额与之前请求不一致).
    """
    trade = _trade(claimed, adapter)
    if not isinstance(trade, Trade) or not _differs(trade, claimed):
        return outcome
    return _of_amount(outcome, trade, claimed)


def _differs(trade: Trade, claimed: Claimed) -> bool:
    # An order that nobody paid may come without its amount.
    return bool(trade.amount_fen) and trade.amount_fen != claimed.order.paid_fen


def _of_amount(said: Refused | Unknown, trade: Trade, claimed: Claimed) -> Refused:
    """Nothing moved; the same number goes out again once the sale is corrected."""
    theirs, ours = yuan(trade.amount_fen), yuan(claimed.order.paid_fen)
    message = f"the channel knows this sale over ¥{theirs}, and it was reported over ¥{ours}"
    return Refused(code=said.code, message=message, retry=Retry.SAME_NUMBER, remedy="sale_amount", raw=said.raw)


def _looked_into(refused: Refused, claimed: Claimed, adapter: TradeQueries) -> Refused:
    """Why the channel refuses it. Where it refunded more than all that we know of, that was done in its portal."""
    trade = _trade(claimed, adapter)
    if not isinstance(trade, Trade):
        return refused
    if trade.state in (TradeState.UNPAID, TradeState.CLOSED) and not claimed.others_fen:
        # What waits for its payer may still be paid.
        retry = Retry.SAME_NUMBER if trade.state is TradeState.UNPAID else refused.retry
        message = "the channel says that this sale was never paid"
        return replace(refused, message=message, retry=retry, remedy="sale_unpaid")
    elsewhere_fen = None if trade.refunded_fen is None else trade.refunded_fen - claimed.others_fen
    # A channel that does not say how much: where nothing is of ours, all of it was made elsewhere.
    untold = trade.refunded_fen is None and trade.state in _GONE and not claimed.others_fen
    if not untold and (elsewhere_fen or 0) <= 0:
        return _of_amount(refused, trade, claimed) if _differs(trade, claimed) else refused
    much = f" (¥{yuan(elsewhere_fen)})" if elsewhere_fen else ""
    message = f"the channel has less left: refunded in its portal{much}"
    return replace(refused, message=message, remedy="refunded_elsewhere")


#: What refusals say where less is left of the payment than is asked for; the payment itself is asked about then.
LESS_LEFT = frozenset({"check_amount", "check_rules", "refunded_already", "sale_state", "sale_closed"})
_GONE = frozenset({TradeState.PARTLY_REFUNDED, TradeState.REFUNDED, TradeState.REVERSED})


def _send(claimed: Claimed, order: RefundOrder, adapter: RefundChannel) -> Outcome:
    """A refusal speaks of this attempt alone: while an earlier one may have arrived, it is no proof that nothing will move."""
    send = adapter.void if claimed.method == Method.VOID and isinstance(adapter, Voids) else adapter.refund
    outcome = send(order)
    if order.maybe_received and isinstance(outcome, Refused) and not holds(outcome):
        return as_unknown(outcome)
    return outcome


def holds(outcome: Refused) -> bool:
    """Refused for the moment: the payout stays open and goes out again under its number."""
    return outcome.throttled or outcome.retry in (Retry.LATER, Retry.AFTER_TOP_UP, Retry.AFTER_MENDING)


def as_unknown(outcome: Refused) -> Unknown:
    """The refusal where it proves nothing: an earlier attempt under the number may have arrived."""
    return Unknown(code=outcome.code, message=outcome.message, remedy=outcome.remedy, raw=outcome.raw)
