"""The page of states against itself, the state machine on the model, and the walls in the database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django_fsm import can_proceed

from config import celery_app
from refunds import lifecycle, states
from refunds.models import Execution, RefundRequest
from refunds.states import EXECUTION_ENDED, EXECUTION_MOVES, ExecutionState, Owner, State
from tests.factories import make_merchant, make_request, make_sale
from tests.owner import as_owner

ALL = frozenset(State)
#: Where a request waits for somebody else, or for nobody.
RESTING = frozenset(
    {
        State.NEEDS_INFO,
        State.WAITING_GOODS,
        State.WAITING_VENDOR,
        State.IN_REVIEW,
        State.MANUAL_PENDING,
        State.FAILED,
        State.REJECTED,
        State.CANCELLED,
        State.CLOSED,
    }
)


def test_every_state_has_an_owner() -> None:
    assert states.OWNER.keys() == ALL


def test_every_state_is_worked_on_rests_or_is_passed_through() -> None:
    groups = [frozenset(lifecycle.NEXT_STEP), RESTING, frozenset(states.IN_TRANSIT)]
    assert frozenset().union(*groups) == ALL
    assert sum(len(group) for group in groups) == len(ALL)


def test_every_next_step_is_a_task_that_the_worker_knows() -> None:
    celery_app.loader.import_default_modules()
    assert set(lifecycle.NEXT_STEP.values()) | {lifecycle.NOTIFY} <= set(celery_app.tasks)


@pytest.mark.parametrize("state", sorted(ALL - frozenset(states.IN_TRANSIT)))
def test_the_system_owes_a_step_exactly_where_one_is_named(state: State) -> None:
    owes = states.OWNER[state] in {Owner.SYSTEM, Owner.CHANNEL}
    assert owes == (state in lifecycle.NEXT_STEP)


def test_nothing_is_both_released_and_paid() -> None:
    assert not set(states.RELEASED) & set(states.PAID)


@pytest.mark.parametrize("edge", states.EDGES, ids=lambda edge: edge.transition)
def test_model_takes_each_edge_from_its_sources_only(edge: states.Edge) -> None:
    for state in State:
        request = RefundRequest(state=state)
        assert can_proceed(getattr(request, edge.transition)) == (state in edge.sources)


def test_every_transition_of_the_model_is_an_edge() -> None:
    found = {item.name for item in RefundRequest._meta.get_field("state").get_all_transitions(RefundRequest)}
    assert found == {edge.transition for edge in states.EDGES}


def test_every_state_is_reached_from_submission() -> None:
    reached, moves = {State.SUBMITTED}, set(states.allowed_moves())
    while more := {target for source, target in moves if source in reached} - reached:
        reached |= more
    assert reached == ALL


def test_only_ends_lead_nowhere() -> None:
    sources = {source for source, _ in states.allowed_moves()}
    assert ALL - sources == {State.CLOSED}
    # What was withdrawn is over, unless its channel proves that it had paid what it called refused.
    assert {target for source, target in states.allowed_moves() if source == State.CANCELLED} == {State.REFUNDED}


def test_money_that_moved_never_moves_back() -> None:
    """A late return by the bank is a new record: nothing leads out of the paid states but on to the end."""
    out = {(source, target) for source, target in states.allowed_moves() if source in states.PAID}
    assert out == {(State.REFUNDED, State.FOLLOW_UP), (State.FOLLOW_UP, State.CLOSED)}


def _stored_moves() -> set[tuple[str, str]]:
    """What one commit may write: the edges, with the states in transit joined through."""
    moves = set(states.allowed_moves())
    # A request rests in ``verifying`` only while its channel is asked about the payment; otherwise it passes in one commit.
    passed = (*states.IN_TRANSIT, State.VERIFYING)
    for _ in passed:
        moves |= {(a, d) for a, b in moves for c, d in moves if b == c and b in passed}
    return {(str(a), str(b)) for a, b in moves if a not in states.IN_TRANSIT and b not in states.IN_TRANSIT}


def _pairs_in(function: str) -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [function])
        (source,) = cursor.fetchone()
    return set(re.findall(r"\('(\w+)', '(\w+)'\)", source))


@pytest.mark.django_db
def test_wall_of_requests_allows_the_same_moves_as_the_page() -> None:
    assert _pairs_in("refunds_request_moves") == _stored_moves()


@pytest.mark.django_db
def test_wall_of_executions_allows_the_same_moves_as_the_page() -> None:
    assert _pairs_in("refunds_execution_moves") == {(str(a), str(b)) for a, b in EXECUTION_MOVES}


def test_an_execution_that_was_paid_or_cancelled_never_changes() -> None:
    sources = {source for source, _ in EXECUTION_MOVES}
    assert set(EXECUTION_ENDED) - sources == {ExecutionState.SUCCEEDED, ExecutionState.CANCELLED}
    assert {target for source, target in EXECUTION_MOVES if source == ExecutionState.FAILED} == {
        ExecutionState.READY,
        ExecutionState.SUCCEEDED,
    }


def _refused_by_wall(table: str, key: UUID, moves: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these moves the trigger refuses, tried one by one on one row."""
    refused = set()
    for source, target in moves:
        with transaction.atomic(), connection.cursor() as cursor:
            with as_owner(silent=True) as owner:
                for name in _CHECKS:
                    owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
                owner.execute(f"UPDATE {table} SET state = %s WHERE id = %s", [source, key])
            version = ", version = version + 1" if table == "refunds_refundrequest" else ""
            try:
                with transaction.atomic():
                    cursor.execute(f"UPDATE {table} SET state = %s{version} WHERE id = %s", [target, key])
            except DatabaseError as error:
                if "cannot go from" in str(error):
                    refused.add((source, target))
            transaction.set_rollback(True)
    return refused


_CHECKS = [
    "request_reserves_what_its_state_says",
    "request_paid_when_its_state_says",
    "request_stored_once_judged",
    "execution_success_has_proof",
    "execution_open_has_due_time",
]


@pytest.mark.django_db(transaction=True)
def test_database_refuses_every_move_that_is_not_on_the_page() -> None:
    request = make_request(make_sale(make_merchant()))
    moves = {(str(a), str(b)) for a in State for b in State if a != b}
    allowed = _stored_moves()
    assert _refused_by_wall("refunds_refundrequest", request.pk, moves) == moves - allowed
    payout = Execution.objects.get(request=request)
    moves = {(str(a), str(b)) for a in ExecutionState for b in ExecutionState if a != b}
    allowed = {(str(a), str(b)) for a, b in EXECUTION_MOVES}
    assert _refused_by_wall("refunds_execution", payout.pk, moves) == moves - allowed


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["version = version", "version = version - 1"])
def test_database_refuses_a_state_change_that_does_not_raise_the_version(change: str) -> None:
    request = make_request(make_sale(make_merchant()))
    with pytest.raises(DatabaseError, match="raises the version"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE refunds_refundrequest SET state = 'executing', {change} WHERE id = %s",
            [request.pk],
        )


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["refund_no = 'OTHER'", "amount_fen = 1"])
def test_database_refuses_another_number_or_amount_once_it_moves(change: str) -> None:
    request = make_request(make_sale(make_merchant()))
    with pytest.raises(DatabaseError, match="keeps its number"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE refunds_execution SET state = 'sending', {change} WHERE request_id = %s",
            [request.pk],
        )


@pytest.mark.django_db
@pytest.mark.parametrize("state", states.IN_TRANSIT)
def test_states_in_transit_are_never_stored(state: State) -> None:
    request = make_request(make_sale(make_merchant()))
    with (
        pytest.raises(DatabaseError, match=r"request_stored_once_judged|cannot go from"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE refunds_refundrequest SET state = %s, version = version + 1 WHERE id = %s", [state, request.pk]
        )
