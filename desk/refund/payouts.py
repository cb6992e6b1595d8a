"""Payouts of a refund as its page shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext

from refunds.models import Execution, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.payouts.redirecting import can_be_sent_elsewhere
from refunds.review import deciding
from refunds.rules import remedies
from refunds.rules.method import REASONS as METHOD_REASONS
from refunds.states import ExecutionState, State

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """``cause`` and ``remedy`` are empty while all is well; ``raw`` is the channel's own message."""

    channel: str
    refund_no: str
    channel_refund_no: str
    state_label: Promise | str
    tone: str
    by_hand: bool
    attempts: int
    sent_at: datetime | None
    ended_at: datetime | None
    cause: str
    remedy: str
    raw: str
    method_reason: str
    can_be_sent_elsewhere: bool


def payout(execution: Execution) -> Payout:
    """``execution`` comes with its channel account."""
    state = ExecutionState(execution.state)
    by_hand = is_by_hand(execution.channel_account.channel)
    waits = by_hand and state is ExecutionState.PROCESSING
    return Payout(
        channel=execution.channel_account.channel,
        refund_no=execution.refund_no,
        channel_refund_no=execution.channel_refund_no,
        state_label=State.MANUAL_PENDING.label if waits else state.label,
        tone=_TONES[state],
        by_hand=by_hand,
        attempts=execution.sends,
        sent_at=execution.first_sent_at,
        ended_at=execution.succeeded_at or execution.ended_at,
        cause=gettext("A person pays this back by hand.") if waits else _cause(execution),
        remedy=remedies.remedy(execution.failure_remedy) if execution.failure_code else "",
        raw=readable(execution.proof),
        method_reason=str(METHOD_REASONS.get(execution.method_reason, "")),
        can_be_sent_elsewhere=can_be_sent_elsewhere(execution),
    )


def trouble(request: RefundRequest, newest: Payout | None) -> Payout | None:
    """The newest payout where it stands in the way: its cause and what can be done."""
    if newest is None or not newest.cause or request.state not in (State.FAILED, State.UNKNOWN, State.EXECUTING):
        return None
    if newest.remedy or request.state != State.UNKNOWN:
        return newest
    asked = gettext("The channel is asked again by itself, under the same number. Nothing is paid twice.")
    return replace(newest, remedy=asked)


def planned_method(request: RefundRequest, *, at: datetime) -> str:
    """How the money would go back if it were approved now, and why; empty where the channel leaves no choice."""
    if request.state != State.IN_REVIEW:
        return ""
    choice = deciding.payout_choice(request=request, amount_fen=request.amount_fen, at=at)
    return "" if choice.reason == "no_voids" else str(METHOD_REASONS[choice.reason])


def _cause(execution: Execution) -> str:
    """What the channel gave as the reason, with its code; empty while all is well."""
    if not execution.failure_code:
        return ""
    if not execution.failure_message:
        return execution.failure_code
    return gettext("%(message)s (%(code)s)") % {
        "message": execution.failure_message,
        "code": execution.failure_code,
    }


def readable(raw: str) -> str:
    """A channel's message with line breaks where it is JSON, else as it came."""
    try:
        return json.dumps(json.loads(raw), ensure_ascii=False, indent=2)
    except ValueError:
        return "" if raw == "-" else raw
