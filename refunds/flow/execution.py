"""Stage 4, execution: carry approved refunds to their channel, once.

Three steps, and no network call inside a database transaction: ``claim`` takes due payouts under a lease and stores that they
are being sent; ``ask`` talks to the channel; ``settle`` writes down what the channel proved. The loop that joins them is
``refunds.drain``. A payout that was being sent when its worker died is asked about before anything is sent again, and always
under the number it already has.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction

from core.audit.actors import SYSTEM, channel
from core.audit.record import event
from core.sql import execute_rows, save_fields
from payment_channels.contract import (
    Done,
    Outcome,
    RefundChannel,
    RefundOrder,
    RefundReference,
    Refused,
    Retry,
    Unknown,
    Voids,
)
from refunds import ledger, lifecycle
from refunds.failpoints import failpoint
from refunds.lifecycle import Move
from refunds.models import Execution, RefundRequest
from refunds.models.execution import Method, new_execution
from refunds.payout_method import MethodChoice
from refunds.states import EXECUTION_ENDED, ExecutionState, State

logger = logging.getLogger(__name__)

#: How long after success the customer is asked how it went.
FOLLOW_UP_AFTER = timedelta(days=1)

#: Seconds until the next query, by how often was asked; the last one repeats. WeChat Pay wants the first poll of an accepted
#: refund after a minute and fewer after five; an answer that never came is asked about at once.
_ACCEPTED_BACKOFF = (60, 120, 300, 300, 600, 1800, 3600)
_UNKNOWN_BACKOFF = (2, 4, 8, 15, 30, 60, 120)
_FUNDS_BACKOFF = (15, 30, 60, 120)

#: How long a query may deny what the channel has accepted, where the account's profile does not say.
_QUERY_LAG_S = 60.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """A payout in this loop's hands until its lease runs out.

    ``turn`` counts the claims of this payout. ``denial_counts`` says that the last send is so long ago that a channel which
    does not know the number by now never got it.
    """

    execution_id: UUID
    request_id: UUID
    account_id: int
    account_revision: int
    channel: str
    send: bool
    turn: int
    denial_counts: bool
    method: str
    order: RefundOrder
    reference: RefundReference


@dataclass(frozen=True, slots=True)
class Answer:
    """What the channel said about one payout. ``source`` is ``answer``, ``query`` or ``notice``; notices have no ``turn``."""

    execution_id: UUID
    request_id: UUID
    account_id: int
    outcome: Outcome
    source: str
    notice_id: int | None = None
    turn: int | None = None


# --- claim ----------------------------------------------------------------------------------------------------------

_CLAIM = """
SELECT e.id, e.request_id, e.transaction_id, e.state, e.refund_no, e.amount_fen, e.sends, e.queries, e.first_sent_at,
       e.last_asked_at, e.channel_account_id, a.revision, a.code, a.channel,
       (a.profile->>'partial_spacing_s')::float, (a.profile->>'query_lag_s')::float,
       t.channel_transaction_no, t.order_no, t.amount_fen, t.paid_at, r.state, r.reason, e.method
  FROM refunds_execution e
  JOIN refunds_refundrequest r ON r.id = e.request_id
  JOIN merchants_channelaccount a ON a.id = e.channel_account_id
  JOIN terminals_transaction t ON t.id = e.transaction_id
 WHERE e.due_at <= %s AND e.channel_account_id <> ALL(%s) AND a.channel <> ALL(%s)
   AND (%s::bigint IS NULL OR e.channel_account_id = %s)
 ORDER BY e.due_at, e.id
 LIMIT %s
   FOR UPDATE OF e, r SKIP LOCKED
"""


@transaction.atomic
def claim(
    *,
    limit: int,
    at: datetime,
    not_accounts: Sequence[int] = (),
    not_channels: Sequence[str] = (),
    only_account: int | None = None,
) -> list[Claimed]:
    """Take up to ``limit`` due payouts for ``EXECUTION_LEASE_S`` seconds; payouts held by others are passed over.

    ``not_accounts`` are channel accounts that are down, ``not_channels`` those with enough in the air; ``only_account``
    takes a probe.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [at, list(not_accounts), list(not_channels), only_account, only_account, limit])
        rows = [_Due(*row) for row in cursor.fetchall()]
        if not rows:
            return []
        rows, postponed = _keep_spacing(cursor, rows, at)
        if rows:
            _take_lease(rows, at)
        if postponed:
            execute_rows(
                "UPDATE refunds_execution e SET due_at = v.due_at FROM (VALUES %s) v (id, due_at) WHERE e.id = v.id",
                postponed,
                template="(%s::uuid, %s::timestamptz)",
            )
    lifecycle.advance_many(
        [
            Move(row.request_id, "start_execution", SYSTEM, at, data={"refund_no": row.refund_no})
            for row in rows
            if row.request_state == State.APPROVED
        ]
    )
    return [row.claimed(at) for row in rows]


def _take_lease(rows: Sequence[_Due], at: datetime) -> None:
    lease = at + timedelta(seconds=settings.EXECUTION_LEASE_S)
    execute_rows(
        "UPDATE refunds_execution e SET state = v.state, due_at = v.due_at, sends = e.sends + v.sent, "
        "queries = e.queries + v.asked, first_sent_at = coalesce(e.first_sent_at, v.sent_at), last_asked_at = v.sent_at "
        "FROM (VALUES %s) v (id, state, due_at, sent, asked, sent_at) WHERE e.id = v.id",
        [(r.id, ExecutionState.SENDING if r.send else r.state, lease, int(r.send), int(not r.send), at) for r in rows],
        template="(%s::uuid, %s::varchar, %s::timestamptz, %s::int, %s::int, %s::timestamptz)",
    )


@dataclass(frozen=True, slots=True)
class _Due:
    id: UUID
    request_id: UUID
    transaction_id: UUID
    state: str
    refund_no: str
    amount_fen: int
    sends: int
    queries: int
    first_sent_at: datetime | None
    last_asked_at: datetime | None
    account_id: int
    account_revision: int
    account_code: str
    channel: str
    spacing_s: float | None
    query_lag_s: float | None
    channel_transaction_no: str
    order_no: str
    paid_fen: int
    paid_at: datetime
    request_state: str
    reason: str
    method: str

    @property
    def send(self) -> bool:
        """Only what was never sent, or was proven not accepted, is sent without asking first."""
        return self.state in (ExecutionState.READY, ExecutionState.HELD)

    @property
    def maybe_received(self) -> bool:
        """An earlier send may lie at the channel. One that was held without ever being asked about was refused each time."""
        return self.state != ExecutionState.READY and not (self.state == ExecutionState.HELD and self.queries == 0)

    def denial_counts(self, at: datetime) -> bool:
        """The last send left at the latest when its claim's lease ended; after that a query may lag for a while."""
        lag = _QUERY_LAG_S if self.query_lag_s is None else self.query_lag_s
        quiet = timedelta(seconds=lag + settings.EXECUTION_LEASE_S)
        return self.last_asked_at is not None and at - self.last_asked_at >= quiet

    def claimed(self, at: datetime) -> Claimed:
        order = RefundOrder(
            refund_no=self.refund_no,
            channel_transaction_no=self.channel_transaction_no,
            order_no=self.order_no,
            amount_fen=self.amount_fen,
            paid_fen=self.paid_fen,
            paid_at=self.paid_at,
            reason=self.reason,
            notify_url=f"{settings.BASE_URL}/channels/{self.channel}/{self.account_code}/notices",
            first_sent_at=self.first_sent_at or at,
            maybe_received=self.maybe_received,
        )
        reference = RefundReference(
            refund_no=self.refund_no,
            channel_transaction_no=self.channel_transaction_no,
            order_no=self.order_no,
            amount_fen=self.amount_fen,
            sent_at=self.first_sent_at,
        )
        return Claimed(
            execution_id=self.id,
            request_id=self.request_id,
            account_id=self.account_id,
            account_revision=self.account_revision,
            channel=self.channel,
            send=self.send,
            turn=self.sends + self.queries + 1,
            denial_counts=self.denial_counts(at),
            method=self.method,
            order=order,
            reference=reference,
        )


def _keep_spacing(cursor: Any, rows: list[_Due], at: datetime) -> tuple[list[_Due], list[tuple[UUID, datetime]]]:
    """Some channels want time between two refunds of one sale: one goes now, the others when their turn comes."""
    spaced = [row for row in rows if row.send and row.spacing_s]
    if not spaced:
        return rows, []
    cursor.execute(
        "SELECT transaction_id, id, last_asked_at FROM refunds_execution "
        "WHERE transaction_id = ANY(%s::uuid[]) AND sends > 0",
        [list({row.transaction_id for row in spaced})],
    )
    sent: dict[UUID, dict[UUID, datetime]] = defaultdict(dict)
    for transaction_id, execution_id, asked_at in cursor.fetchall():
        sent[transaction_id][execution_id] = asked_at
    kept: list[_Due] = []
    postponed: list[tuple[UUID, datetime]] = []
    for row in rows:
        if not row.send or not row.spacing_s:
            kept.append(row)
            continue
        # The payout's own earlier sends are no other refund: one that was held goes out again as soon as it may.
        others = [asked_at for pk, asked_at in sent[row.transaction_id].items() if pk != row.id]
        free_at = max(others) + timedelta(seconds=row.spacing_s) if others else at
        if free_at > at:
            postponed.append((row.id, free_at))
        else:
            kept.append(row)
        sent[row.transaction_id][row.id] = max(free_at, at)
    return kept, postponed


# --- ask ------------------------------------------------------------------------------------------------------------


def ask(claimed: Claimed, adapter: RefundChannel) -> Answer:
    """Talk to the channel: send what was never sent, ask about the rest. No database, safe in any thread."""
    failpoint("execution.before_call")
    outcome: Outcome
    if claimed.send:
        outcome, source = _send(claimed, claimed.order, adapter), "answer"
    else:
        outcome, source = adapter.query_refund(claimed.reference), "query"
        if isinstance(outcome, Unknown) and outcome.code == "not_found":
            # The channel may not know it yet or never got it: the same number again moves the money once either way.
            order = replace(claimed.order, maybe_received=False) if claimed.denial_counts else claimed.order
            outcome, source = _send(claimed, order, adapter), "answer"
    failpoint("execution.after_call")
    return Answer(claimed.execution_id, claimed.request_id, claimed.account_id, outcome, source, turn=claimed.turn)


def _send(claimed: Claimed, order: RefundOrder, adapter: RefundChannel) -> Outcome:
    """A refusal speaks of this attempt alone: while an earlier one may have arrived, it is no proof that nothing will move."""
    send = adapter.void if claimed.method == Method.VOID and isinstance(adapter, Voids) else adapter.refund
    outcome = send(order)
    if order.maybe_received and isinstance(outcome, Refused) and not _holds(outcome):
        return _doubted(outcome)
    return outcome


def _holds(outcome: Refused) -> bool:
    """Refused for the moment: the payout stays open and goes out again under its number."""
    return outcome.throttled or outcome.retry is Retry.AFTER_TOP_UP


def _doubted(outcome: Refused) -> Unknown:
    return Unknown(code=outcome.code, message=outcome.message, remedy=outcome.remedy, raw=outcome.raw)


# --- settle ---------------------------------------------------------------------------------------------------------

#: What an answer raises that the records cannot take. It must stop only itself: callers then settle one by one.
NOT_STORABLE = (DataError, IntegrityError, ValueError, lifecycle.WrongState)


@transaction.atomic
def settle(answers: Sequence[Answer], *, at: datetime) -> None:
    """Write down what was proven, for many payouts in one commit. Late or repeated answers change nothing."""
    if not answers:
        return
    requests = lifecycle.lock_requests({answer.request_id for answer in answers})
    # Credentials are opened where a channel is called, not here: those of one account must not stop the others.
    rows = (
        Execution.objects.select_for_update(of=("self",))
        .select_related("channel_account")
        .defer("channel_account__sealed_credentials")
        .order_by("pk")
    )
    executions = {row.pk: row for row in rows.filter(pk__in={answer.execution_id for answer in answers})}
    states = {pk: State(request.state) for pk, request in requests.items()}
    moves: list[Move] = []
    paid: list[UUID] = []
    refunds_instead: list[Execution] = []
    for answer in answers:
        execution = executions[answer.execution_id]
        if execution.state == ExecutionState.READY:
            # A notice before we (again) sent anything: the payout goes out now under the same number and hears it itself.
            continue
        if execution.state in EXECUTION_ENDED:
            _note_late(execution, requests[answer.request_id], answer, at)
            continue
        outcome = _believed(execution, answer)
        _write(execution, outcome, answer.source, at)
        if execution.state == ExecutionState.SUCCEEDED:
            paid.append(execution.pk)
        if execution.state == ExecutionState.FAILED and execution.method == Method.VOID:
            refunds_instead.append(_refund_instead(execution, requests[answer.request_id], at))
            continue
        move = _move(execution, outcome, states[answer.request_id], answer.source, at)
        if move is not None:
            moves.append(move)
            states[answer.request_id] = _TARGET[move.transition]
    save_fields(executions.values(), _SAVED)
    ledger.post_payouts(paid, at=at)
    Execution.objects.bulk_create(refunds_instead)
    lifecycle.advance_many(moves)
    failpoint("execution.before_commit")


_TARGET = {
    "succeed": State.REFUNDED,
    "fail": State.FAILED,
    "lose_sight": State.UNKNOWN,
    "regain_sight": State.EXECUTING,
}


def _refund_instead(void: Execution, request: RefundRequest, at: datetime) -> Execution:
    """The channel proved that the void did not happen, so a refund may take its place, under a number of its own."""
    return new_execution(
        request,
        channel_account_id=void.channel_account_id,
        choice=MethodChoice(Method.REFUND, "void_refused"),
        at=at,
        attempt_no=void.attempt_no + 1,
    )


def _believed(execution: Execution, answer: Answer) -> Outcome:
    """A success counts only for our number and our amount, a refusal only while nobody else has asked since."""
    outcome = answer.outcome
    overtaken = answer.turn is not None and answer.turn != execution.sends + execution.queries
    if overtaken and isinstance(outcome, Refused) and not _holds(outcome):
        return _doubted(outcome)
    if isinstance(outcome, Done) and (
        outcome.refund_no != execution.refund_no or outcome.amount_fen != execution.amount_fen
    ):
        message = f"the channel reports {outcome.refund_no} over {outcome.amount_fen} fen"
        return Unknown(code="mismatch", message=message, attention=True, remedy="compare", raw=outcome.raw)
    return outcome


def _write(execution: Execution, outcome: Outcome, source: str, at: datetime) -> None:
    execution.failure_code = execution.failure_message = execution.failure_retry = execution.failure_remedy = ""
    execution.needs_attention = False
    if isinstance(outcome, Done):
        execution.state = ExecutionState.SUCCEEDED
        execution.channel_refund_no = outcome.channel_refund_no
        execution.received_account = _text(outcome.received_account, 80)
        execution.succeeded_at, execution.ended_at, execution.due_at = outcome.succeeded_at, at, None
        execution.proof, execution.proof_source = _text(outcome.raw) or "-", source
        return
    execution.failure_code, execution.failure_message = _text(outcome.code, 60), _text(outcome.message, 300)
    execution.failure_remedy = outcome.remedy
    execution.channel_refund_no = outcome.channel_refund_no or execution.channel_refund_no
    if isinstance(outcome, Unknown):
        execution.state = ExecutionState.PROCESSING if outcome.accepted else ExecutionState.UNKNOWN
        execution.needs_attention = outcome.attention
        backoff = _ACCEPTED_BACKOFF if outcome.accepted else _UNKNOWN_BACKOFF
        execution.due_at = at + _wait(backoff, execution, just_sent=source == "answer")
        return
    execution.failure_retry = outcome.retry
    if _holds(outcome):
        execution.state = ExecutionState.HELD
        execution.due_at = at + _wait((1, 2, 4, 8) if outcome.throttled else _FUNDS_BACKOFF, execution)
        return
    execution.state = ExecutionState.FAILED
    execution.due_at, execution.ended_at = None, at


def _text(said: str, length: int | None = None) -> str:
    """A channel's words as the database can keep them: PostgreSQL takes no NUL."""
    return said.replace("\0", "")[:length]


def _wait(backoff: Sequence[int], execution: Execution, *, just_sent: bool = False) -> timedelta:
    """Until the payout wants attention again. What the channel accepted just now starts anew, however often was asked before."""
    tried = max(0, execution.queries if backoff is not _FUNDS_BACKOFF else execution.sends - 1)
    if backoff is _ACCEPTED_BACKOFF and (just_sent or tried == 0):
        tried = 0
        first = execution.channel_account.profile.get("first_query_s")
        if isinstance(first, int | float):
            return timedelta(seconds=first)
    seconds = backoff[min(tried, len(backoff) - 1)]
    return timedelta(seconds=seconds * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load, guards nothing


def _move(execution: Execution, outcome: Outcome, state: State, source: str, at: datetime) -> Move | None:
    by = channel(execution.channel_account.channel)
    data: dict[str, Any] = {"refund_no": execution.refund_no, "source": source}
    if isinstance(outcome, Done):
        arguments = {"succeeded_at": outcome.succeeded_at, "follow_up_at": at + FOLLOW_UP_AFTER}
        data |= {"channel_refund_no": outcome.channel_refund_no, "amount_fen": execution.amount_fen}
        return Move(execution.request_id, "succeed", by, at, arguments=arguments, data=data)
    data |= {"code": _text(outcome.code, 60)}
    if execution.state == ExecutionState.FAILED:
        return Move(execution.request_id, "fail", by, at, data={**data, "message": _text(outcome.message, 300)})
    if execution.state == ExecutionState.UNKNOWN and state is State.EXECUTING:
        return Move(execution.request_id, "lose_sight", by, at, data=data)
    if execution.state in (ExecutionState.PROCESSING, ExecutionState.HELD) and state is State.UNKNOWN:
        return Move(execution.request_id, "regain_sight", by, at, data=data)
    return None


def _note_late(execution: Execution, request: RefundRequest, answer: Answer, at: datetime) -> None:
    """An answer after the end has no effect; one that contradicts the end is written down for finance."""
    outcome = answer.outcome
    contradicts = (execution.state == ExecutionState.SUCCEEDED) != isinstance(outcome, Done)
    if not contradicts or (isinstance(outcome, Unknown) and execution.state == ExecutionState.SUCCEEDED):
        return
    logger.error("late answer for %s contradicts its end (%s)", execution.refund_no, execution.state)
    event(
        merchant_id=request.merchant_id,
        by=channel(execution.channel_account.channel),
        action="refund.late_answer",
        object_type="refund_request",
        object_id=request.pk,
        at=at,
        data={"refund_no": execution.refund_no, "source": answer.source, "outcome": type(outcome).__name__},
    ).save(force_insert=True)


_SAVED = (
    "state",
    "due_at",
    "channel_refund_no",
    "received_account",
    "succeeded_at",
    "ended_at",
    "proof",
    "proof_source",
    "failure_code",
    "failure_message",
    "failure_retry",
    "failure_remedy",
    "needs_attention",
)
