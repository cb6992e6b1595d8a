"""Every state is accounted for, and the database allows what the machine allows and nothing else."""

from __future__ import annotations

import importlib

import pytest
from celery import current_app
from django.db import IntegrityError, connection, transaction

from refunds import lifecycle, states, tasks
from refunds.models import Execution, RefundRequest
from refunds.states import EXECUTION_ENDED, EXECUTION_MOVES, ExecutionState, Owner, State
from tests.factories import make_merchant, make_request, make_sale


def test_every_state_has_an_owner() -> None:
    assert set(states.OWNER) == set(State)


def test_every_state_has_a_next_step_or_rests_or_is_passed_through() -> None:
    kinds = [set(lifecycle.NEXT_STEP), set(lifecycle.RESTING), set(states.IN_TRANSIT), set(states.RESERVED)]

    assert sorted(state for kind in kinds for state in kind) == sorted(State)


def test_the_system_owes_a_step_exactly_where_one_is_named() -> None:
    owed = {state for state in lifecycle.NEXT_STEP if states.OWNER[state] not in (Owner.SYSTEM, Owner.CHANNEL)}
    silent = {state for state in lifecycle.RESTING if states.OWNER[state] in (Owner.SYSTEM, Owner.CHANNEL)}

    assert not owed
    assert not silent


def test_every_next_step_is_a_task_that_the_worker_knows() -> None:
    assert tasks.sweep.name == "refunds.sweep"
    assert {*lifecycle.NEXT_STEP.values(), lifecycle.NOTIFY} <= set(current_app.tasks)


def test_every_edge_is_a_transition_of_the_model_with_the_same_ends() -> None:
    for edge in states.EDGES:
        transition = getattr(RefundRequest, edge.transition)._django_fsm
        assert {State(source) for source in transition.transitions} == set(edge.sources), edge.transition
        assert {State(item.target) for item in transition.transitions.values()} == {edge.target}, edge.transition


def test_every_state_but_the_reserved_can_be_reached() -> None:
    reached = {State.SUBMITTED}
    while more := {edge.target for edge in states.EDGES if reached & set(edge.sources)} - reached:
        reached |= more

    assert reached == set(State) - states.RESERVED


def test_the_triggers_allow_what_the_tables_say() -> None:
    walls = importlib.import_module("refunds.migrations.0002_walls")

    assert {(State(a), State(b)) for a, b in walls.REQUEST_MOVES} == states.stored_moves()
    assert {(ExecutionState(a), ExecutionState(b)) for a, b in walls.EXECUTION_MOVES} == set(EXECUTION_MOVES)


def test_a_payout_at_its_end_leads_nowhere_but_out_again_under_its_own_number() -> None:
    leaving = {(a, b) for a, b in EXECUTION_MOVES if a in EXECUTION_ENDED}

    assert leaving == {(ExecutionState.FAILED, ExecutionState.READY)}


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.REFUNDED, State.SUBMITTED, State.CLOSED])
def test_the_database_refuses_a_move_that_the_table_does_not_know(state: State) -> None:
    request = make_request(make_sale(make_merchant(), 33_980), 26_800)
    assert request.state == State.IN_REVIEW

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE refunds_refundrequest SET state = %s, version = version + 1 WHERE id = %s", [state, request.pk]
        )

    assert RefundRequest.objects.get(pk=request.pk).state == State.IN_REVIEW


@pytest.mark.django_db
def test_the_database_refuses_a_move_without_a_new_version() -> None:
    request = make_request(make_sale(make_merchant(), 33_980), 26_800)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE refunds_refundrequest SET state = 'cancelled', reserved_fen = 0 WHERE id = %s", [request.pk]
        )


@pytest.mark.django_db
def test_the_database_keeps_a_payouts_number_and_amount() -> None:
    request = make_request(make_sale(make_merchant(), 33_980), 1_200)
    payout = Execution.objects.get(request=request)

    for column, value in (("refund_no", "ANOTHER1"), ("amount_fen", 1)):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE refunds_execution SET {column} = %s, state = 'sending' WHERE id = %s",  # noqa: S608
                [value, payout.pk],
            )

    payout.refresh_from_db()
    assert (payout.refund_no, payout.amount_fen) == (request.number.replace("-", "") + "N1", 1_200)
