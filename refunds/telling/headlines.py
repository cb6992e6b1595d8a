"""One sentence a state: the head of the customer's page and the subject of a mail."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from refunds.states import State

_HEADLINES: dict[State, Promise | str] = {
    State.SUBMITTED: _("Your refund request has arrived"),
    State.VERIFYING: _("Your refund request has arrived"),
    State.IN_REVIEW: _("The store is checking your refund"),
    State.NEEDS_INFO: _("The store needs something from you"),
    State.WAITING_GOODS: _("The store is waiting for the goods"),
    State.WAITING_VENDOR: _("The store is asking the payment provider"),
    State.APPROVED: _("Your refund is approved"),
    State.EXECUTING: _("Your money is on its way"),
    State.UNKNOWN: _("Your refund is being confirmed"),
    State.MANUAL_PENDING: _("The store is preparing your payout"),
    State.FAILED: _("Your refund is delayed"),
    State.PARTIALLY_REFUNDED: _("Part of your money is refunded"),
    State.REJECTED: _("Your refund was not approved"),
    State.CANCELLED: _("Your refund request was withdrawn"),
    State.REFUNDED: _("Your money is refunded"),
    State.FOLLOW_UP: _("Your money is refunded"),
    State.CLOSED: _("Your money is refunded"),
}


def headline(state: str) -> str:
    """What a customer reads first about a refund in this state."""
    return str(_HEADLINES[State(state)])
