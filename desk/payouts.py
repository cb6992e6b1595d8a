"""Payouts and messages of a refund as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from refunds.models import Execution, Notification, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.models.notification import NotificationState
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


def payouts(executions: Iterable[Execution]) -> list[dict[str, Any]]:
    """Newest first. They come with their channel account."""
    return [payout(execution) for execution in executions]


def payout(execution: Execution) -> dict[str, Any]:
    state = ExecutionState(execution.state)
    by_hand = is_by_hand(execution.channel_account.channel)
    waits = by_hand and state is ExecutionState.PROCESSING
    return {
        "channel": execution.channel_account.channel,
        "refund_no": execution.refund_no,
        "channel_refund_no": execution.channel_refund_no,
        "state_label": State.MANUAL_PENDING.label if waits else state.label,
        "tone": _TONES[state],
        "by_hand": by_hand,
        "attempts": execution.sends,
        "sent_at": execution.first_sent_at,
        "ended_at": execution.succeeded_at or execution.ended_at,
        "cause": gettext("A person pays this back by hand.") if waits else cause(execution),
        "remedy": remedies.remedy(execution.failure_remedy) if execution.failure_code else "",
        "raw": readable(execution.proof),
        "method_reason": str(METHOD_REASONS.get(execution.method_reason, "")),
        "can_be_sent_elsewhere": can_be_sent_elsewhere(execution),
    }


def planned_method(request: RefundRequest, *, at: datetime) -> str:
    """How the money would go back if it were approved now, and why; empty where the channel leaves no choice."""
    if request.state != State.IN_REVIEW:
        return ""
    choice = deciding.payout_choice(request=request, amount_fen=request.amount_fen, at=at)
    return "" if choice.reason == "no_voids" else str(METHOD_REASONS[choice.reason])


def cause(execution: Execution) -> str:
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


_MESSAGE_TONES = {NotificationState.PENDING: "", NotificationState.SENT: "ok", NotificationState.DEAD: "bad"}


def messages(notifications: Iterable[Notification]) -> list[dict[str, Any]]:
    """What the customer was told, newest first."""
    return [message(notification) for notification in notifications]


def message(notification: Notification) -> dict[str, Any]:
    state = NotificationState(notification.state)
    return {
        "kind": notification.medium,
        "title": event_label(notification.event),
        "recipient_masked": notification.masked_recipient,
        "state_label": state.label,
        "tone": _MESSAGE_TONES[state],
        "at": notification.sent_at or notification.created_at,
        "note": notification.last_error if state is not NotificationState.SENT else "",
    }


def event_label(event: str) -> str:
    """The state of which the customer was told."""
    return str(State(event).label) if event in State.values else event
