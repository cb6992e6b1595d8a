"""Where a payout stands, as far as somebody has to be told something else; ``stand_words`` has the sentence for each."""

from enum import StrEnum
from typing import Final

from refunds.facts import plans
from refunds.models import Execution
from refunds.states import ExecutionState, HandTrouble


class Stand(StrEnum):
    """Where a payout stands; the values are REST's."""

    WAITS = "waits"
    WAITS_AGAIN = "waits_again"
    SENDING = "sending"
    ACCEPTED = "accepted"
    STUCK = "stuck"
    ASKED = "asked"
    SILENT = "silent"
    NOT_TAKEN = "not_taken"
    DIFFERS = "differs"
    SHORT = "short"
    BARRED = "barred"
    POSTPONED = "postponed"
    BY_HAND = "by_hand"
    PAID = "paid"
    PAID_BY_HAND = "paid_by_hand"
    CAME_BACK = "came_back"
    PAID_IN_PORTAL = "paid_in_portal"
    TO_BANK = "to_bank"
    BANK_SILENT = "bank_silent"
    IN_BALANCE = "in_balance"
    WITH_STORE = "with_store"
    REFUSED = "refused"
    MENDABLE = "mendable"
    SPENT = "spent"
    NOT_IN_PORTAL = "not_in_portal"
    ACCOUNT_GIVEN_UP = "account_given_up"
    ELSEWHERE = "elsewhere"
    NEVER_PAID = "never_paid"
    CONTRADICTED = "contradicted"
    NOT_PAID_BY_HAND = "not_paid_by_hand"
    WITHDRAWN = "withdrawn"


#: Refusals that leave open whether the customer has the money from elsewhere.
_MAYBE_REFUNDED: Final = frozenset(
    {"refunded_elsewhere", "refunded_already", "check_amount", "check_rules", "check_history", "sale_state", "compare"}
)


def stand(execution: Execution) -> Stand:
    """Where a payout stands. Words of channels are those of ``payment_channels.contract``."""
    by_state = {
        ExecutionState.READY: Stand.WAITS_AGAIN if execution.sends else Stand.WAITS,
        ExecutionState.SENDING: Stand.SENDING,
        ExecutionState.CANCELLED: Stand.WITHDRAWN,
    }
    state = ExecutionState(execution.state)
    if state in by_state:
        return by_state[state]
    if state is ExecutionState.PROCESSING:
        if execution.failure_code == "by_hand":
            return Stand.BY_HAND
        return Stand.STUCK if execution.needs_attention else Stand.ACCEPTED
    if state is ExecutionState.UNKNOWN:
        return _unknown(execution)
    if state is ExecutionState.HELD:
        held = {"after_top_up": Stand.SHORT, "after_mending": Stand.BARRED}
        return held.get(execution.failure_retry, Stand.POSTPONED)
    return _paid(execution) if state is ExecutionState.SUCCEEDED else _failed(execution)


def _unknown(execution: Execution) -> Stand:
    if not execution.needs_attention:
        return Stand.ASKED
    by_remedy = {"compare": Stand.DIFFERS, "person_decides": Stand.NOT_TAKEN}
    return by_remedy.get(execution.failure_remedy, Stand.SILENT)


def _paid(execution: Execution) -> Stand:
    if execution.proof_source == "person":
        return Stand.CAME_BACK if execution.second_leg == "failed" else Stand.PAID_BY_HAND
    if execution.paid_to == "merchant":
        return Stand.WITH_STORE
    if execution.second_leg == "failed":
        return Stand.IN_BALANCE
    if execution.second_leg == "pending":
        return Stand.BANK_SILENT if execution.needs_attention else Stand.TO_BANK
    return Stand.PAID_IN_PORTAL if execution.proof_source == "portal" else Stand.PAID


def _failed(execution: Execution) -> Stand:
    if execution.needs_attention:
        return Stand.CONTRADICTED
    if execution.failure_code in HandTrouble.values:
        return Stand.NOT_PAID_BY_HAND
    if execution.failure_code == plans.ACCOUNT_GIVEN_UP:
        return Stand.ACCOUNT_GIVEN_UP
    if execution.failure_code == "not_in_portal":
        return Stand.NOT_IN_PORTAL
    if execution.failure_remedy == "sale_unpaid":
        return Stand.NEVER_PAID
    if execution.failure_remedy in _MAYBE_REFUNDED:
        return Stand.ELSEWHERE
    if execution.failure_retry == "new_number":
        return Stand.SPENT
    return Stand.REFUSED if execution.failure_retry in ("", "never") else Stand.MENDABLE
