"""Payouts of a refund as its page shows them."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from refunds.models import Execution, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.payouts.redirecting import can_be_sent_elsewhere
from refunds.review import deciding
from refunds.rules.method import REASONS as METHOD_REASONS
from refunds.rules.waiting import Waiting
from refunds.states import PAID, ExecutionState, State
from refunds.telling import payout_words, stands
from refunds.telling.stands import Stand

_TONES = {
    ExecutionState.READY: "",
    ExecutionState.SENDING: "info",
    ExecutionState.PROCESSING: "info",
    ExecutionState.UNKNOWN: "warn",
    ExecutionState.HELD: "warn",
    ExecutionState.SUCCEEDED: "ok",
    ExecutionState.FAILED: "bad",
    ExecutionState.CANCELLED: "",
}
_ALL_IS_WELL = frozenset(
    {
        Stand.SENDING,
        Stand.ACCEPTED,
        Stand.BY_HAND,
        Stand.PAID,
        Stand.PAID_BY_HAND,
        Stand.PAID_IN_PORTAL,
        Stand.TO_BANK,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """``says`` is where it stands; ``cause``, the channel's reason, and ``remedy`` are empty while all is well; ``raw`` is the
    channel's own message.
    """

    channel: str
    refund_no: str
    channel_refund_no: str
    state_label: Promise | str
    tone: str
    by_hand: bool
    attempts: int
    sent_at: datetime | None
    ended_at: datetime | None
    stand: Stand
    says: str
    late: bool
    cause: str
    remedy: str
    raw: str
    method_reason: str
    can_be_sent_elsewhere: bool


def payout(execution: Execution, *, waited: Waiting | None) -> Payout:
    """``execution`` comes with its channel account; ``waited`` as ``payout_words.waits`` says."""
    state = ExecutionState(execution.state)
    by_hand = is_by_hand(execution.channel_account.channel)
    waits = by_hand and state is ExecutionState.PROCESSING
    stand = stands.stand(execution)
    amiss = state is ExecutionState.SUCCEEDED and stand not in _ALL_IS_WELL
    return Payout(
        channel=execution.channel_account.channel,
        refund_no=execution.refund_no,
        channel_refund_no=execution.channel_refund_no,
        state_label=State.MANUAL_PENDING.label if waits else state.label,
        tone="warn" if amiss else _TONES[state],
        by_hand=by_hand,
        attempts=execution.sends,
        sent_at=execution.first_sent_at,
        ended_at=execution.succeeded_at or execution.ended_at,
        stand=stand,
        says=payout_words.to_staff(execution, waited=waited),
        late=waited is not None and waited.overdue,
        cause=payout_words.reason_of(execution),
        remedy=payout_words.advice(execution),
        raw=readable(execution.proof),
        method_reason=str(METHOD_REASONS.get(execution.method_reason, "")),
        can_be_sent_elsewhere=can_be_sent_elsewhere(execution),
    )


def trouble(request: RefundRequest, newest: Payout | None) -> Payout | None:
    """The newest payout where it stands in the way, or the customer looks for the money in vain."""
    if newest is None or request.state not in (State.FAILED, State.UNKNOWN, State.EXECUTING, *PAID):
        return None
    return newest if newest.late or newest.stand not in _ALL_IS_WELL else None


def planned_method(request: RefundRequest, *, at: datetime) -> str:
    """How the money would go back if it were approved now, and why; empty where the channel leaves no choice."""
    if request.state != State.IN_REVIEW:
        return ""
    choice = deciding.payout_choice(request=request, amount_fen=request.amount_fen, at=at)
    return "" if choice.reason == "no_voids" else str(METHOD_REASONS[choice.reason])


def readable(raw: str) -> str:
    """A channel's message with line breaks where it is JSON, else as it came."""
    try:
        return json.dumps(json.loads(raw), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return "" if raw == "-" else raw
