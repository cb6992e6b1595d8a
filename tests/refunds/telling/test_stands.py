"""Where a payout stands, by what is stored of it; ``test_payout_words`` plays the channel's answers that lead there."""

from typing import Any

import pytest

from refunds.models import Execution
from refunds.states import ExecutionState
from refunds.telling.stands import Stand, stand

READY, SENDING, CANCELLED = {"state": "ready"}, {"state": "sending"}, {"state": "cancelled"}
PROCESSING, UNKNOWN, HELD = {"state": "processing"}, {"state": "unknown"}, {"state": "held"}
PAID, FAILED, ATTENTION = {"state": "succeeded"}, {"state": "failed"}, {"needs_attention": True}

STANDS: dict[Stand, dict[str, Any]] = {
    Stand.WAITS: READY,
    Stand.WAITS_AGAIN: {**READY, "sends": 1},
    Stand.SENDING: SENDING,
    Stand.ACCEPTED: PROCESSING,
    Stand.STUCK: {**PROCESSING, **ATTENTION},
    Stand.ASKED: UNKNOWN,
    Stand.SILENT: {**UNKNOWN, **ATTENTION},
    Stand.NOT_TAKEN: {**UNKNOWN, **ATTENTION, "failure_remedy": "person_decides"},
    Stand.DIFFERS: {**UNKNOWN, **ATTENTION, "failure_remedy": "compare"},
    Stand.SHORT: {**HELD, "failure_retry": "after_top_up"},
    Stand.BARRED: {**HELD, "failure_retry": "after_mending"},
    Stand.POSTPONED: {**HELD, "failure_retry": "later"},
    Stand.BY_HAND: {**PROCESSING, **ATTENTION, "failure_code": "by_hand"},
    Stand.PAID: PAID,
    Stand.PAID_BY_HAND: {**PAID, "proof_source": "person"},
    Stand.CAME_BACK: {**PAID, "proof_source": "person", "second_leg": "failed"},
    Stand.PAID_IN_PORTAL: {**PAID, "proof_source": "portal"},
    Stand.TO_BANK: {**PAID, "second_leg": "pending"},
    Stand.BANK_SILENT: {**PAID, **ATTENTION, "second_leg": "pending"},
    Stand.IN_BALANCE: {**PAID, "second_leg": "failed"},
    Stand.WITH_STORE: {**PAID, "second_leg": "failed", "paid_to": "merchant"},
    Stand.REFUSED: {**FAILED, "failure_retry": "never"},
    Stand.MENDABLE: {**FAILED, "failure_retry": "later"},
    Stand.SPENT: {**FAILED, "failure_retry": "new_number"},
    Stand.NOT_IN_PORTAL: {**FAILED, "failure_code": "not_in_portal"},
    Stand.ACCOUNT_GIVEN_UP: {**FAILED, "failure_code": "account_given_up"},
    Stand.ELSEWHERE: {**FAILED, "failure_retry": "new_number", "failure_remedy": "refunded_elsewhere"},
    Stand.NEVER_PAID: {**FAILED, "failure_remedy": "sale_unpaid"},
    Stand.CONTRADICTED: {**FAILED, **ATTENTION, "failure_code": "not_in_portal"},
    Stand.NOT_PAID_BY_HAND: {**FAILED, "failure_code": "payee_wrong"},
    Stand.WITHDRAWN: CANCELLED,
}


@pytest.mark.parametrize(("where", "stored"), STANDS.items())
def test_stand_when_a_payout_is_stored_so_is_that_one(where: Stand, stored: dict[str, Any]) -> None:
    assert stand(Execution(**stored)) is where


def test_stands_that_are_tried_are_all() -> None:
    assert set(STANDS) == set(Stand)


@pytest.mark.parametrize("state", list(ExecutionState))
def test_stand_when_nothing_more_is_known_has_one_for_each_state(state: ExecutionState) -> None:
    assert stand(Execution(state=state)) in Stand
