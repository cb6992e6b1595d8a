"""The only door through which a refund request changes state.

``advance`` locks the row, checks the version, runs the pure transition, keeps its legs and the sales' counters, and writes state,
audit event and outbox row in one commit; after it a wake-up message goes out for the next step. ``advance_many`` is the same for
many rows in one transaction.

Locks are always taken in the same order: requests by id, then transactions by id, then their lines, then the running sums by key.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django_fsm import TransitionNotAllowed

from core import clock, doorbell
from core.audit.actors import Actor
from core.audit.models import AuditEvent
from core.audit.record import event, record_of
from core.errors import Conflict, NotFound
from core.quantities import Quantity
from core.sql import execute_rows, insert_unsaved, save_fields
from core.unsaved import unsaved
from refunds.facts import sums
from refunds.models import GoodsReturnLine, Leg, OutboxMessage, RefundLine, RefundRequest
from refunds.models.goods_return import ReturnState
from refunds.rules import worth
from refunds.rules.goods import Condition, Disposition
from refunds.states import State

#: What the system does next in each state that it owes a step: the name of the task. Every other state rests.
NEXT_STEP: Mapping[State, str] = {
    State.VERIFYING: "refunds.verify",
    State.APPROVED: "refunds.execute",
    State.EXECUTING: "refunds.execute",
    State.UNKNOWN: "refunds.execute",
    State.PARTIALLY_REFUNDED: "refunds.execute",
    State.REFUNDED: "refunds.follow_up",
    State.FOLLOW_UP: "refunds.follow_up",
}

NOTIFY = "refunds.notify"


class AlreadyChanged(Conflict, code="version_conflict"):
    """Somebody else was faster: the request is at another version than the caller saw."""


class WrongState(Conflict, code="state_conflict"):
    """The request is not in a state from which this can be done."""


class OverRefund(Conflict, code="exceeds_refundable"):
    """The sale has less left to refund than this asks for."""


@dataclass(frozen=True, slots=True)
class Move:
    """One state change to make: the transition's name and arguments. ``data`` goes into the audit event.

    ``leg`` is the sequence of the leg that was paid or is given up; ``plan`` are legs, unsaved, in place of those that it had
    (none: it goes back as one, by its sale).
    """

    request_id: UUID
    transition: str
    by: Actor
    at: datetime
    expected_version: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    leg: int | None = None
    plan: Sequence[Leg] | None = None


def advance(
    request_id: UUID,
    transition_name: str,
    *,
    by: Actor,
    at: datetime,
    expected_version: int | None = None,
    data: Mapping[str, Any] | None = None,
    leg: int | None = None,
    plan: Sequence[Leg] | None = None,
    **arguments: Any,
) -> RefundRequest:
    """Take one request through one edge. Raises ``NotFound``, ``AlreadyChanged``, ``WrongState`` or ``OverRefund``."""
    move = Move(request_id, transition_name, by, at, expected_version, arguments, data or {}, leg, plan)
    (request,) = advance_many([move])
    return request


@transaction.atomic
def advance_many(moves: Sequence[Move]) -> list[RefundRequest]:
    """Take several requests through their edges, all or none, in the order given. A request may move more than once."""
    if not moves:
        return []
    requests = lock_requests({move.request_id for move in moves}, lean=True)
    legs = _legs_of(requests.values())
    reserved_before = {request.pk: request.reserved_fen for request in requests.values()}
    held_before = _held(requests.values(), legs)
    changes = []
    for move in moves:
        check_version(requests[move.request_id], move.expected_version)
        changes.append(take_edge(requests[move.request_id], move))
        _keep_legs(requests[move.request_id], move, legs)
    _keep_counters(held_before, _held(requests.values(), legs))
    _save_legs(moves, legs)
    # Sent in again, a request may ask for goods where it asked for money.
    sent_in_again = {move.request_id for move in moves if move.transition == "resubmit"}
    _keep_lines(
        [
            request
            for request in requests.values()
            if request.pk in sent_in_again or request.reserved_fen != reserved_before[request.pk]
        ]
    )
    sums.close_orders({move.request_id for move in moves if move.transition == "reject"})
    save_fields(requests.values(), _SAVED)
    record_changes(changes)
    bells = {NEXT_STEP[State(request.state)] for request in requests.values() if State(request.state) in NEXT_STEP}
    ring_after_commit({*bells, NOTIFY})
    return [requests[move.request_id] for move in moves]


def take_edge(request: RefundRequest, move: Move) -> AuditEvent:
    """Run a transition on a request in memory and describe it. The caller holds the lock and stores both."""
    from_state = request.state
    try:
        getattr(request, move.transition)(at=move.at, **move.arguments)
    except TransitionNotAllowed as error:
        raise WrongState(
            f"a refund request that is {from_state} cannot {move.transition.replace('_', ' ')}",
            state=from_state,
            version=request.version,
        ) from error
    request.version += 1
    request.updated_at = move.at
    return event(
        merchant_id=request.merchant_id,
        by=move.by,
        action=f"refund.{move.transition}",
        object_type="refund_request",
        object_id=request.pk,
        at=move.at,
        from_state=from_state,
        to_state=request.state,
        version=request.version,
        data=dict(move.data),
    )


def lock_requests(request_ids: Iterable[UUID], *, lean: bool = False) -> dict[UUID, RefundRequest]:
    """The requests, locked in order of id; ``lean``: without their verdicts, which are read once somebody asks. Raises
    ``NotFound`` if one is missing.
    """
    wanted = set(request_ids)
    rows = (
        RefundRequest.objects.select_for_update(of=("self",))
        .filter(pk__in=wanted)
        .order_by("pk")
        # Nothing that moves a request needs to open its sealed fields.
        .defer("customer_name", "customer_phone", "customer_email", "description", *(_HEAVY if lean else ()))
    )
    requests = {request.pk: request for request in rows}
    if wanted - requests.keys():
        raise NotFound("there is no such refund request")
    return requests


_HEAVY = ("verdict", "deposit")


def outbox_row(change: AuditEvent) -> OutboxMessage:
    """The outbox row that belongs to a state change."""
    assert change.version is not None
    return unsaved(
        OutboxMessage,
        merchant_id=change.merchant_id,
        topic=f"refund_request.{change.to_state}",
        request_id=change.object_id,
        version=change.version,
        due_at=change.at,
        created_at=change.at,
    )


def record_changes(changes: Sequence[AuditEvent]) -> None:
    """Write audit events and their outbox rows."""
    insert_unsaved(changes)
    insert_unsaved([outbox_row(change) for change in changes])


def record_act(
    request: RefundRequest, action: str, *, by: Actor, at: datetime, data: Mapping[str, Any] | None = None
) -> None:
    """Write the audit event of an act that changes no state: a claim, a note, a look at a contact."""
    record_of(request, by=by, action=action, at=at, data=dict(data or {}))


def record_acts(
    acts: Iterable[tuple[RefundRequest, Mapping[str, Any]]], action: str, *, by: Actor, at: datetime
) -> None:
    """The same of several requests at once, each with its data."""
    events = [
        event(
            merchant_id=request.merchant_id,
            by=by,
            action=action,
            object_type="refund_request",
            object_id=request.pk,
            at=at,
            data=dict(data),
        )
        for request, data in acts
    ]
    insert_unsaved(events)


def check_version(request: RefundRequest, seen: int | None) -> None:
    """Raise ``AlreadyChanged`` unless the request is at the version that the caller saw; None: whichever it is."""
    if seen is not None and request.version != seen:
        raise AlreadyChanged("the refund request was changed meanwhile", state=request.state, version=request.version)


#: What transitions may change; everything else on a request is fixed at submission or by its own function.
_SAVED = (
    "state",
    "version",
    "amount_fen",
    "approved_fen",
    "reserved_fen",
    "leg_count",
    "refunded_fen",
    "by_rule",
    "due_at",
    "paused_at",
    "extended_until",
    "escalated_at",
    "step_due_at",
    "reject_reason",
    "message_to_customer",
    "updated_at",
    "decided_at",
    "succeeded_at",
    "claimed_by",
    "claimed_at",
)


#: The legs of requests that have any.
_Legs = dict[UUID, list[Leg]]
#: What requests hold of each sale: reserved, refunded, and in how many refunds.
_Held = Mapping[UUID, Sequence[int]]


def _legs_of(requests: Iterable[RefundRequest]) -> _Legs:
    found: _Legs = {}
    if with_legs := [request.pk for request in requests if request.leg_count]:
        for leg in Leg.objects.filter(request_id__in=with_legs).order_by("request_id", "sequence"):
            found.setdefault(leg.request_id, []).append(leg)
    return found


def _keep_legs(request: RefundRequest, move: Move, legs: _Legs) -> None:
    """Carry a move over to the request's legs."""
    if move.plan is not None:
        request.leg_count = len(move.plan)
        legs[request.pk] = list(move.plan)
    own = legs.get(request.pk, ())
    if move.leg is not None:
        (leg,) = (one for one in own if one.sequence == move.leg)
        if move.transition in ("give_up_leg", "give_up_rest"):
            leg.reserved_fen = 0
        else:
            leg.refunded_fen = leg.amount_fen
    elif not request.reserved_fen:
        for leg in own:
            leg.reserved_fen = 0
    elif not any(leg.reserved_fen for leg in own):
        for leg in own:
            leg.reserved_fen = leg.amount_fen


def _save_legs(moves: Sequence[Move], legs: _Legs) -> None:
    if not legs:
        return
    planned = {move.request_id for move in moves if move.plan is not None}
    Leg.objects.filter(request_id__in=planned).delete()
    Leg.objects.bulk_create([leg for pk in planned for leg in legs[pk]])
    save_fields([leg for pk, own in legs.items() if pk not in planned for leg in own], ("reserved_fen", "refunded_fen"))


def _held(requests: Iterable[RefundRequest], legs: _Legs) -> _Held:
    held: dict[UUID, list[int]] = defaultdict(lambda: [0, 0, 0])
    for request in requests:
        parts: Sequence[Leg | RefundRequest] = legs[request.pk] if request.leg_count else (request,)
        for part in parts:
            of_sale = held[part.transaction_id]
            of_sale[0] += part.reserved_fen
            of_sale[1] += part.refunded_fen
            of_sale[2] += part.reserved_fen > 0
    return held


def _keep_counters(held_before: _Held, held: _Held) -> None:
    """Carry what the requests hold of their sales over to the sales' own counters, under the CHECK."""
    nothing = (0, 0, 0)
    changes: list[tuple[Any, ...]] = [
        (pk, *change)
        for pk in sorted({*held_before, *held})
        if any(
            change := [now - was for now, was in zip(held.get(pk, nothing), held_before.get(pk, nothing), strict=True)]
        )
    ]
    if not changes:
        return
    with connection.cursor() as cursor:
        lock_sales(cursor, [pk for pk, *_ in changes])
    try:
        execute_rows(
            "UPDATE terminals_transaction t SET reserved_fen = t.reserved_fen + v.reserved, "
            "refunded_fen = t.refunded_fen + v.refunded, live_refunds = t.live_refunds + v.live "
            "FROM (VALUES %s) v (id, reserved, refunded, live) WHERE t.id = v.id",
            changes,
            template="(%s::uuid, %s::bigint, %s::bigint, %s::int)",
        )
    except IntegrityError as error:
        raise over_refund(error) from error


def _keep_lines(requests: Sequence[RefundRequest]) -> None:
    """Carry what the requests hold of their sales' lines over to the lines, under the CHECK. The sales are locked."""
    if not requests:
        return
    lines: defaultdict[UUID, list[RefundLine]] = defaultdict(list)
    for line in RefundLine.objects.filter(request_id__in=[request.pk for request in requests]).order_by("pk"):
        lines[line.request_id].append(line)
    changed: list[RefundLine] = []
    changes: defaultdict[int, tuple[Quantity, int]] = defaultdict(lambda: (0, 0))
    came_back = _came_back([request for request in requests if 0 < request.reserved_fen < request.amount_fen])
    for request in requests:
        own = lines[request.pk]
        holds = worth.held(
            reason=request.reason,
            asked_fen=request.amount_fen,
            reserved_fen=request.reserved_fen,
            pieces=own,
            came_back=[came_back[request.pk, line.line_id] for line in own],
        )
        for line, hold in zip(own, holds, strict=True):
            if (line.held_quantity, line.held_fen) != (hold.quantity, hold.fen):
                pieces, fen = changes[line.line_id]
                changes[line.line_id] = (pieces + hold.quantity - line.held_quantity, fen + hold.fen - line.held_fen)
                line.held_quantity, line.held_fen = hold.quantity, hold.fen
                changed.append(line)
    if not changed:
        return
    save_fields(changed, ("held_quantity", "held_fen"))
    try:
        execute_rows(
            "UPDATE terminals_transactionline l SET reserved_quantity = l.reserved_quantity + v.pieces, "
            "reserved_fen = l.reserved_fen + v.fen FROM (VALUES %s) v (id, pieces, fen) WHERE l.id = v.id",
            [(line_id, pieces, fen) for line_id, (pieces, fen) in sorted(changes.items())],
            template="(%s::bigint, %s::numeric, %s::bigint)",
        )
    except IntegrityError as error:
        raise over_refund(error) from error


def _came_back(requests: Sequence[RefundRequest]) -> Mapping[tuple[UUID, int], Quantity]:
    """How many pieces of a request's line were looked at in the store and stay there."""
    found: defaultdict[tuple[UUID, int], Quantity] = defaultdict(Decimal)
    if not requests:
        return found
    rows = GoodsReturnLine.objects.filter(
        goods_return__request_id__in=[request.pk for request in requests],
        goods_return__state=ReturnState.INSPECTED,
        line__isnull=False,
    ).exclude(Q(condition__in=[Condition.MISSING, Condition.WRONG_ARTICLE]) | Q(disposition=Disposition.HAND_BACK))
    for request_id, line_id, quantity in rows.values_list("goods_return__request_id", "line_id", "quantity"):
        found[request_id, line_id] += quantity
    return found


def lock_sales(cursor: Any, transaction_ids: Sequence[UUID]) -> None:
    """Lock transactions in order of id."""
    cursor.execute(
        "SELECT 1 FROM terminals_transaction WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE", [list(transaction_ids)]
    )


def over_refund(error: IntegrityError) -> Exception:
    """The domain error behind a violated counter; any other violation is passed on as it is."""
    text = str(error)
    if "transaction_never_over_refunded" in text:
        return OverRefund("the sale has less left to refund than was asked for")
    if "transaction_within_refund_count" in text:
        return OverRefund("the channel takes no further refund of this sale", code="channel_refund_count")
    if "line_never_over_returned" in text:
        return OverRefund("more pieces of an article would come back than were bought", code="exceeds_quantity")
    return error


def ring_after_commit(bells: Iterable[str]) -> None:
    """Send wake-up messages once the change is committed; one that fails never undoes it."""
    # A sandbox whose clock runs ahead has nothing that is due to the others' workers.
    tasks = [clock.SANDBOXES] if clock.ahead() else sorted(set(bells))
    # No functools.partial: Django's report of a hook that failed asks for its name, and would fail itself.
    transaction.on_commit(lambda: doorbell.ring(tasks), robust=True)
