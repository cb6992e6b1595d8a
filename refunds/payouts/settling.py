"""Writing down what channels proved, many payouts in one commit. What comes late or twice changes nothing."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Prefetch, prefetch_related_objects

from core import clock
from core.audit.actors import channel
from core.audit.record import event
from core.failpoints import failpoint
from core.sql import save_fields
from merchants.models import ChannelAccount
from payment_channels.contract import Done, Outcome, Refused, Retry, Unknown
from refunds import lifecycle
from refunds.facts import plans
from refunds.facts.plans import LegStatus
from refunds.lifecycle import Move
from refunds.models import Execution, RefundRequest
from refunds.models.execution import Method, new_execution
from refunds.payouts import contradictions, explaining, ledger, second_leg
from refunds.payouts.asking import LESS_LEFT, Answer, as_unknown, holds
from refunds.payouts.claiming import SENT_AGAIN_AT_MOST
from refunds.payouts.waking import HOLDS_AN_ACCOUNT, wake
from refunds.rules.method import MethodChoice
from refunds.states import EXECUTION_ENDED, ExecutionState, State

logger = logging.getLogger(__name__)

#: How long after success the customer is asked how it went.
FOLLOW_UP_AFTER = timedelta(days=1)

#: Seconds until the next query, by how often was asked; the last one repeats. WeChat Pay wants the first poll of an accepted
#: refund after a minute and fewer after five; an answer that never came is asked about at once.
_ACCEPTED_BACKOFF = (60, 60, 60, 60, 60, 120, 300, 600, 1800, 3600)
_UNKNOWN_BACKOFF = (2, 4, 8, 15, 30, 60, 120)
_FUNDS_BACKOFF = (15, 30, 60, 120)
_MENDING_BACKOFF = (30, 60, 120)
#: Too many in this minute, or for today: the first is over soon, and the other is not made worse by asking.
_THROTTLED_BACKOFF = (1, 2, 4, 8, 8, 8, 8, 15, 30, 60, 120, 300)
#: "Try later" is believed for some hours; what the channel still does not take then has failed.
_LATER_BACKOFF = (30, 60, 120, 300, 600, 1800, 3600)
_LATER_TRIES = 10
#: A channel that spends a number with every refusal gets few of them, and not one after another; then a person decides.
_NEW_NUMBER_BACKOFF = (60, 300, 1800, 3600, 7200)
_NUMBERS_AT_MOST = 8
#: Where a channel has said nothing that can be believed for this long, the outcome is a person's business as well.
PERSON_AFTER = timedelta(minutes=5)
#: What a person has been called to is still asked about, but nothing is sent any more.
_PERSON_BACKOFF = (300, 600, 1800, 3600)
#: What a person pays is looked at once a day: nothing but their word changes it.
_BY_HAND_LOOK = timedelta(days=1)

#: What an answer raises that the records cannot take. It must stop only itself: callers then settle one by one.
NOT_STORABLE = (DataError, IntegrityError, ValueError, lifecycle.WrongState)


@transaction.atomic
def settle(answers: Sequence[Answer], *, at: datetime) -> None:
    """Write down what was proven, for many payouts in one commit. Late or repeated answers change nothing."""
    if not answers:
        return
    requests = lifecycle.lock_requests({answer.request_id for answer in answers}, lean=True)
    # Credentials are opened where a channel is called, not here: those of one account must not stop the others.
    rows = (
        Execution.objects.select_for_update(of=("self",))
        # Few accounts for many payouts: each is read once.
        .prefetch_related(Prefetch("channel_account", ChannelAccount.objects.defer("sealed_credentials")))
        .order_by("pk")
    )
    executions = {row.pk: row for row in rows.filter(pk__in={answer.execution_id for answer in answers})}
    states = {pk: State(request.state) for pk, request in requests.items()}
    siblings = _siblings([request for request in requests.values() if request.leg_count], executions)
    moves: list[Move] = []
    late: list[tuple[Execution, Answer]] = []
    paid: list[UUID] = []
    more: list[Execution] = []
    recovered: set[int] = set()
    for answer in answers:
        execution = executions[answer.execution_id]
        if execution.state == ExecutionState.READY:
            # A notice before we (again) sent anything: the payout goes out now under the same number and hears it itself.
            continue
        if execution.state in EXECUTION_ENDED:
            second_leg.hear(execution, answer.outcome, at=at)
            _note_late(execution, requests[answer.request_id], answer, at)
            if _contradicts(execution, answer):
                late.append((execution, answer))
            continue
        outcome = _believed(execution, answer)
        if execution.failure_retry in HOLDS_AN_ACCOUNT and _was_taken(outcome):
            recovered.add(execution.channel_account_id)
        _write(execution, outcome, answer, at)
        if execution.state == ExecutionState.SUCCEEDED:
            paid.append(execution.pk)
        standing, request = execution, requests[answer.request_id]
        if execution.state == ExecutionState.FAILED and (instead := _instead(execution, outcome, requests, at)):
            more.append(instead)
            siblings.setdefault(request.pk, []).append(instead)
            standing = instead
        move = _move(standing, outcome, states[request.pk], answer, at)
        if request.leg_count:
            legs = plans.standing_of(request, siblings[request.pk])
            move = _of_plan(move, standing, request, legs, states[request.pk])
            next_legs = plans.payouts(request, plans.may_start(legs), at=at)
            siblings[request.pk] += next_legs
            more += next_legs
        if move is not None:
            moves.append(move)
            states[answer.request_id] = _TARGET[move.transition]
    save_fields(executions.values(), _SAVED)
    _explain(executions.values())
    ledger.post_payouts(paid, at=at)
    Execution.objects.bulk_create(more)
    if recovered:
        wake(recovered, at=at)
    _hold(late, moves, executions.values(), at)
    lifecycle.advance_many(moves)
    failpoint("execution.before_commit")


def _explain(executions: Iterable[Execution]) -> None:
    """Of refusals that say no more than that less is left: why, where that is known above this room."""
    less_left = [row.pk for row in executions if row.state == ExecutionState.FAILED and row.failure_remedy in LESS_LEFT]
    if less_left:
        for explain in explaining.EXPLAINS:
            explain(less_left)


def _contradicts(execution: Execution, answer: Answer) -> bool:
    """Paid after all, paid as something else, or a verified word that it was not; a refusal of a send says that of the send
    alone.
    """
    if isinstance(answer.outcome, Done):
        return execution.state != ExecutionState.SUCCEEDED or not _is_of(execution, answer.outcome)
    if execution.state != ExecutionState.SUCCEEDED:
        return False
    refused = isinstance(answer.outcome, Refused) and answer.outcome.retry in (Retry.NEVER, Retry.NEW_NUMBER)
    return refused and answer.source in ("notice", "query")


def _is_of(execution: Execution, done: Done) -> bool:
    """Whether a success is of this number and amount, and no second one beside that by which it was proven paid."""
    proven = execution.channel_refund_no if execution.proof_source in ("answer", "query", "notice") else ""
    return (
        (done.refund_no, done.amount_fen) == (execution.refund_no, execution.amount_fen)
        # What has failed may be paid under another number of the channel's; what is paid may not.
        and (execution.state != ExecutionState.SUCCEEDED or not proven or done.channel_refund_no == proven)
    )


def _hold(
    late: Sequence[tuple[Execution, Answer]], moves: Sequence[Move], executions: Iterable[Execution], at: datetime
) -> None:
    """Hold the sales of payouts that had been refused and are proven paid, or the other way round."""
    if not late:
        return
    moved = {move.request_id for move in moves}
    with connection.cursor() as cursor:
        # Those that are held and those whose counters move, in the one order.
        ids = {row.transaction_id for row in executions if row.request_id in moved}
        lifecycle.lock_sales(cursor, sorted(ids | {row.transaction_id for row, _ in late}))
    for execution, answer in late:
        by = channel(execution.channel_account.channel)
        if not isinstance(answer.outcome, Done) or not _is_of(execution, answer.outcome):
            contradictions.hold_paid(execution, by=by, at=at)
            continue
        word = contradictions.PaidAfterAll(
            channel_refund_no=answer.outcome.channel_refund_no,
            paid_at=answer.outcome.succeeded_at,
            proof=_text(answer.outcome.raw),
            source=answer.source,
        )
        contradictions.hold(execution, word, by=by, at=at)


def _was_taken(outcome: Outcome) -> bool:
    """The channel looked at the refund again, so that what had held it back is over."""
    return isinstance(outcome, Done) or (isinstance(outcome, Unknown) and outcome.accepted)


_TARGET = {
    "succeed": State.REFUNDED,
    "pay_part": State.PARTIALLY_REFUNDED,
    "fail": State.FAILED,
    "lose_sight": State.UNKNOWN,
    "regain_sight": State.EXECUTING,
    "hand_over": State.MANUAL_PENDING,
}


def _siblings(requests: Sequence[RefundRequest], executions: Mapping[UUID, Execution]) -> dict[UUID, list[Execution]]:
    """All payouts of requests with several legs; those in ``executions`` as they are there. The requests are locked."""
    if not requests:
        return {}
    prefetch_related_objects(requests, "legs")
    found: dict[UUID, list[Execution]] = {request.pk: [] for request in requests}
    for row in Execution.objects.filter(request_id__in=found).order_by("pk"):
        found[row.request_id].append(executions.get(row.pk, row))
    return found


def _of_plan(
    move: Move | None, execution: Execution, request: RefundRequest, legs: Sequence[LegStatus], state: State
) -> Move | None:
    """What the request does when one of its legs would do ``move``: it follows from all of them."""
    if move is None:
        return None
    others = [one for one in legs if one.leg.sequence != execution.sequence and one.state != plans.GIVEN_UP]
    under_way = any(one.is_open for one in others)
    leg_no = {**move.data, "leg": execution.sequence}
    match move.transition:
        case "succeed" if all(one.is_paid for one in others):
            ends = [row.succeeded_at for one in legs for row in one.attempts if row.succeeded_at]
            return replace(
                move, leg=execution.sequence, data=leg_no, arguments={**move.arguments, "succeeded_at": max(ends)}
            )
        case "succeed":
            return replace(
                move,
                transition="pay_part",
                leg=execution.sequence,
                data=leg_no,
                arguments={"amount_fen": execution.amount_fen},
            )
        case "fail" if under_way or any(one.is_paid for one in others):
            # The request goes on, or stays where it is; who looks finds the leg and why.
            event(
                merchant_id=request.merchant_id,
                by=move.by,
                action="refund.leg_failed",
                object_type="refund_request",
                object_id=request.pk,
                at=move.at,
                data=leg_no,
            ).save(force_insert=True)
            return None
        case "hand_over" if under_way or state is State.PARTIALLY_REFUNDED:
            return None
        case "regain_sight" if any(one.state == ExecutionState.UNKNOWN for one in others):
            return None
    return move


def _instead(
    failed: Execution, outcome: Outcome, requests: Mapping[UUID, RefundRequest], at: datetime
) -> Execution | None:
    """The payout that takes the place of one that is proven not to have moved anything, under a number of its own: a refund for a
    void, and the same again where only its number is spent. None: it has failed.
    """
    goes_on = isinstance(outcome, Refused) and outcome.then is not None and failed.attempt_no < _NUMBERS_AT_MOST
    if failed.method != Method.VOID and not goes_on:
        return None
    made = new_execution(
        requests[failed.request_id],
        channel_account_id=failed.channel_account_id,
        choice=MethodChoice(failed.method, failed.method_reason)
        if goes_on
        else MethodChoice(Method.REFUND, "void_refused"),
        at=at,
        attempt_no=failed.attempt_no + 1,
        leg=failed,
    )
    if goes_on and isinstance(outcome, Refused) and outcome.then is not None:
        made.state, made.failure_retry = ExecutionState.HELD, outcome.then
        made.failure_code, made.failure_message = failed.failure_code, failed.failure_message
        made.failure_remedy = failed.failure_remedy
        made.due_at = at + _spread(_NEW_NUMBER_BACKOFF, tried=failed.attempt_no - 1)
    return made


def _believed(execution: Execution, answer: Answer) -> Outcome:
    """A success counts only for our number and our amount, a refusal only while nobody else has asked since."""
    outcome = answer.outcome
    overtaken = answer.turn is not None and answer.turn != execution.sends + execution.queries
    if overtaken and isinstance(outcome, Refused) and not holds(outcome):
        return as_unknown(outcome)
    if isinstance(outcome, Refused) and _is_worn_out(execution, outcome) and execution.queries and not answer.denied:
        # "Later" to the end, while the first send may lie there: no proof that nothing was paid.
        return as_unknown(outcome)
    if isinstance(outcome, Done) and not _is_of(execution, outcome):
        message = f"the channel reports {outcome.refund_no} over {outcome.amount_fen} fen"
        return Unknown(code="mismatch", message=message, attention=True, remedy="compare", raw=outcome.raw)
    if clock.ahead() and isinstance(outcome, Done):
        # The stand-in of a sandbox knows nothing of its clock.
        arrives_at = outcome.arrives_at and outcome.arrives_at + clock.ahead()
        return replace(outcome, succeeded_at=outcome.succeeded_at + clock.ahead(), arrives_at=arrives_at)
    return outcome


def _write(execution: Execution, outcome: Outcome, answer: Answer, at: datetime) -> None:
    source = answer.source
    if execution.state == ExecutionState.PROCESSING and isinstance(outcome, Unknown) and outcome.remedy == "slow_down":
        # Asked too often about what it has taken: that says nothing about it.
        execution.due_at = at + _until_query(execution, accepted=True, just_sent=False)
        return
    if isinstance(outcome, Unknown) and not outcome.accepted:
        execution.denials += answer.denied
        execution.unheard_since = execution.unheard_since or _asked_at(execution, answer, at)
        if _is_a_persons(execution, outcome, at):
            _call_person(execution, outcome, at)
            return
    else:
        execution.denials, execution.unheard_since = 0, None
    execution.failure_code = execution.failure_message = execution.failure_retry = execution.failure_remedy = ""
    execution.needs_attention = False
    if isinstance(outcome, Done):
        execution.state = ExecutionState.SUCCEEDED
        execution.channel_refund_no = outcome.channel_refund_no
        execution.payer_fen = outcome.payer_fen
        execution.received_account = _text(outcome.received_account, 80)
        execution.succeeded_at, execution.ended_at, execution.due_at = outcome.succeeded_at, at, None
        execution.proof, execution.proof_source = _text(outcome.raw) or "-", source
        second_leg.note(execution, outcome, at=at)
        return
    execution.failure_code, execution.failure_message = _text(outcome.code, 60), _text(outcome.message, 300)
    execution.failure_remedy = outcome.remedy
    execution.channel_refund_no = outcome.channel_refund_no or execution.channel_refund_no
    if isinstance(outcome, Unknown):
        execution.state = ExecutionState.PROCESSING if outcome.accepted else ExecutionState.UNKNOWN
        execution.needs_attention = outcome.attention
        if outcome.by_hand:
            execution.due_at = at + _BY_HAND_LOOK
            return
        execution.due_at = at + _until_query(execution, accepted=outcome.accepted, just_sent=source == "answer")
        return
    execution.failure_retry = outcome.retry
    if holds(outcome) and not _is_worn_out(execution, outcome):
        execution.state = ExecutionState.HELD
        execution.due_at = at + _spread(_held_backoff(outcome), tried=execution.sends - 1)
        return
    execution.state = ExecutionState.FAILED
    execution.due_at, execution.ended_at = None, at


def _is_worn_out(execution: Execution, outcome: Refused) -> bool:
    return outcome.retry is Retry.LATER and execution.sends >= _LATER_TRIES


def _asked_at(execution: Execution, answer: Answer, at: datetime) -> datetime:
    """When the question was put that ``answer`` leaves open; what comes unasked counts from now."""
    asked_at = execution.last_asked_at if answer.turn is not None else None
    return asked_at or at


def _is_a_persons(execution: Execution, outcome: Unknown, at: datetime) -> bool:
    """Denied and not taken again and again, or simply without any word that can be believed for too long: one question in vain,
    hours after the channel accepted, is no reason to call anybody.
    """
    waited = execution.unheard_since is not None and at - execution.unheard_since >= PERSON_AFTER
    return execution.denials >= SENT_AGAIN_AT_MOST or (waited and not outcome.attention)


def _call_person(execution: Execution, outcome: Unknown, at: datetime) -> None:
    """Unknown it stays, and asked about; but somebody looks it up now. What the channel said last is what they read."""
    given_up = execution.denials >= SENT_AGAIN_AT_MOST
    execution.state, execution.needs_attention = ExecutionState.UNKNOWN, True
    if outcome.code != "not_found" or not execution.failure_code:
        execution.failure_code, execution.failure_message = _text(outcome.code, 60), _text(outcome.message, 300)
    execution.failure_retry = ""
    execution.failure_remedy = "person_decides" if given_up else outcome.remedy or "find_out"
    backoff = _PERSON_BACKOFF if given_up else _UNKNOWN_BACKOFF
    tried = execution.queries - len(_UNKNOWN_BACKOFF) - SENT_AGAIN_AT_MOST if given_up else execution.queries
    execution.due_at = at + _at_least_the_lag(execution, _spread(backoff, tried=tried))


_CALL_PEOPLE = """
UPDATE refunds_execution SET needs_attention = true, failure_remedy = coalesce(nullif(failure_remedy, ''), 'find_out')
 WHERE id IN (SELECT id FROM refunds_execution
               WHERE due_at IS NOT NULL AND channel_account_id = %s AND state = 'unknown' AND NOT needs_attention
                 AND coalesce(unheard_since, first_sent_at) <= %s FOR UPDATE SKIP LOCKED)
"""


def call_people(*, account_id: int, at: datetime) -> None:
    """The same of all that an account owes a word about while it is down: then single ones are asked about, and the rest waits
    no less long.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CALL_PEOPLE, [account_id, at - PERSON_AFTER])


def _at_least_the_lag(execution: Execution, wait: timedelta) -> timedelta:
    """After the first quick questions none sooner than a denial counts: a long lag must not keep it from ever counting."""
    if execution.queries < len(_UNKNOWN_BACKOFF):
        return wait
    quiet = execution.channel_account.usable_profile.query_lag_s + settings.EXECUTION_LEASE_S
    return max(wait, timedelta(seconds=quiet))


def _text(said: str, length: int | None = None) -> str:
    """A channel's words as the database can keep them: PostgreSQL takes no NUL."""
    return said.replace("\0", "")[:length]


def _until_query(execution: Execution, *, accepted: bool, just_sent: bool) -> timedelta:
    """Until the channel is asked. What it accepted just now starts anew, however often was asked before."""
    profile = execution.channel_account.usable_profile
    if not accepted:
        wait = _at_least_the_lag(execution, _spread(_UNKNOWN_BACKOFF, tried=execution.queries))
        return max(wait, timedelta(seconds=profile.query_after_s)) if just_sent else wait
    if not just_sent and execution.queries:
        return _spread(_ACCEPTED_BACKOFF, tried=execution.queries)
    first = profile.first_query_s
    return _spread(_ACCEPTED_BACKOFF, tried=0) if first is None else timedelta(seconds=first)


def _held_backoff(outcome: Refused) -> Sequence[int]:
    if outcome.throttled:
        return _THROTTLED_BACKOFF
    if outcome.retry is Retry.LATER:
        return _LATER_BACKOFF
    return _FUNDS_BACKOFF if outcome.retry is Retry.AFTER_TOP_UP else _MENDING_BACKOFF


def _spread(backoff: Sequence[int], *, tried: int) -> timedelta:
    """The wait after so many tries, a tenth more or less, so that what fell due together does not stay together."""
    seconds = backoff[min(max(0, tried), len(backoff) - 1)]
    return timedelta(seconds=seconds * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load, guards nothing


def _move(execution: Execution, outcome: Outcome, state: State, answer: Answer, at: datetime) -> Move | None:
    by = answer.by or channel(execution.channel_account.channel)
    data: dict[str, Any] = {"refund_no": execution.refund_no, "source": answer.source}
    if isinstance(outcome, Done):
        arguments = {"succeeded_at": outcome.succeeded_at, "follow_up_at": at + FOLLOW_UP_AFTER}
        data |= {"channel_refund_no": outcome.channel_refund_no, "amount_fen": execution.amount_fen}
        return Move(execution.request_id, "succeed", by, at, arguments=arguments, data=data)
    data |= {"code": _text(outcome.code, 60)}
    if execution.state == ExecutionState.FAILED:
        return Move(execution.request_id, "fail", by, at, data={**data, "message": _text(outcome.message, 300)})
    if isinstance(outcome, Unknown) and outcome.by_hand:
        waits = state is State.MANUAL_PENDING
        return None if waits else Move(execution.request_id, "hand_over", by, at, data=data)
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
    # On the payout itself, so that whoever reads it learns of it; one that is paid stays paid.
    execution.needs_attention |= execution.state == ExecutionState.FAILED
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
    "payer_fen",
    "succeeded_at",
    "ended_at",
    "proof",
    "proof_source",
    "failure_code",
    "failure_message",
    "failure_retry",
    "failure_remedy",
    "needs_attention",
    "denials",
    "unheard_since",
    "paid_to",
    "second_leg",
    "second_leg_due_at",
    "arrives_at",
)
