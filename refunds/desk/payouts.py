"""Payouts and messages of a refund as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from refunds.flow import review
from refunds.models import Execution, Notification, RefundRequest
from refunds.models.notification import NotificationState
from refunds.payout_method import REASONS as METHOD_REASONS
from refunds.states import ExecutionState, State
from refunds.stuck_payouts import can_be_sent_elsewhere

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

#: What can be done about a refusal, in the reader's language. The keys are the channels'; a test holds both together.
REMEDIES: dict[str, Promise | str] = {
    "top_up": _(
        "The merchant account is short of funds. Top it up: the refund goes on by itself under the same number."
    ),
    "slow_down": _("The channel asks for fewer requests. The refund is sent again by itself in a moment."),
    "other_route": _("The customer's account at the channel cannot take money. Agree on another way of paying back."),
    "payee_account": _("The channel could not deliver the money. Ask the customer for a bank card and send it there."),
    "check_keys": _(
        "The channel does not accept our signature. Check the keys and certificates of the channel account."
    ),
    "check_permission": _(
        "The merchant account may not make refunds. Switch the product on in the channel's own portal."
    ),
    "check_account": _("The channel does not know this merchant account. Check its number in the channel account."),
    "check_request": _("The channel finds the request faulty. Show this page to whoever looks after the installation."),
    "check_sale": _("The channel does not know this sale. Check that the receipt belongs to this channel account."),
    "check_amount": _("The amount does not fit what is left of the sale. Compare with the refunds made in the portal."),
    "check_history": _("The number was used before with other details. Compare with the channel's portal first."),
    "sale_closed": _("The channel no longer refunds this sale: it is too old or already closed. Pay back another way."),
    "sale_state": _("The sale is in a state that allows no refund. Look it up in the channel's own portal."),
    "sale_frozen": _("The channel has frozen this sale. Ask the channel's support before going on."),
    "refunded_already": _("The channel says that this sale is already refunded or voided. Compare with its portal."),
    "new_number": _("The channel closed this refund without paying. It can be made again under a new number."),
    "risk": _("The channel stopped the refund for risk reasons. Ask the channel's support before going on."),
    "outside_hours": _("The channel does not accept this operation at this hour. Refund instead, or try in its hours."),
    "compare": _("The channel reports another amount or number than ours. Compare both before doing anything."),
}


def payouts(executions: Iterable[Execution]) -> list[dict[str, Any]]:
    """Newest first. They come with their channel account."""
    return [payout(execution) for execution in executions]


def payout(execution: Execution) -> dict[str, Any]:
    state = ExecutionState(execution.state)
    return {
        "channel": execution.channel_account.channel,
        "refund_no": execution.refund_no,
        "channel_refund_no": execution.channel_refund_no,
        "state_label": state.label,
        "tone": _TONES[state],
        "attempts": execution.sends,
        "sent_at": execution.first_sent_at,
        "ended_at": execution.succeeded_at or execution.ended_at,
        "cause": cause(execution),
        "remedy": str(REMEDIES.get(execution.failure_remedy, "")) if execution.failure_code else "",
        "raw": readable(execution.proof),
        "method_reason": str(METHOD_REASONS.get(execution.method_reason, "")),
        "can_be_sent_elsewhere": can_be_sent_elsewhere(execution),
    }


def planned_method(request: RefundRequest, *, at: datetime) -> str:
    """How the money would go back if it were approved now, and why; empty where the channel leaves no choice."""
    if request.state != State.IN_REVIEW:
        return ""
    choice = review.payout_choice(request=request, amount_fen=request.amount_fen, at=at)
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
