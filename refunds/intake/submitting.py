"""Taking a request in: found, judged and stored, in one statement and one commit.

``store`` is one round trip instead of nine: reserve on the sale, insert the request, its lines, its payout, the audit events,
the outbox rows and the idempotency record. The columns and their values come from the models, so this path cannot drift from
them; a test compares what it stores with what the models would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, models, transaction

from core.errors import Conflict
from core.failpoints import failpoint
from core.sql import PreparedStatement, columns_of, encode, execute_rows, rows_as_json
from merchants import rights
from merchants.principals import Principal
from merchants.rights import Act, Subject
from refunds import lifecycle
from refunds.evidence import files
from refunds.facts import goods, sums
from refunds.intake import building, claims, counters, judging, planning
from refunds.intake.building import Submission
from refunds.intake.claims import Draft
from refunds.intake.facts import find_sale
from refunds.lifecycle import NEXT_STEP, NOTIFY
from refunds.models import Leg, RefundLine
from refunds.models.hand_accounts import is_by_hand
from refunds.states import State


class KeyAlreadyUsed(Conflict, code="idempotency_key_used"):
    """The idempotency key has a first answer already."""


class _SeveralPayments(Exception):
    """The refund goes back by several payments: it is judged again with all of them locked."""


def submit(
    *, draft: Draft, by: Principal, at: datetime, before_commit: Callable[[Submission], None] | None = None
) -> Submission:
    """Take a request in. Raises what ``prepare`` raises, ``OverRefund`` or ``KeyAlreadyUsed``; then nothing was stored.

    ``before_commit`` may add what belongs in the same commit: the idempotency record with the first answer. Where others took
    the room that the request was judged on, all of it is done again.
    """

    def attempt(*, alone: bool = False) -> Submission:
        submission = prepare(draft=draft, by=by, at=at)
        if submission.legs and not alone:
            raise _SeveralPayments
        if before_commit is not None:
            before_commit(submission)
        store(submission)
        return submission

    def attempt_alone() -> Submission:
        # What a route takes of an order has no counter: these are few, and a person pays each. A plan of several payments
        # reserves on all of them, which are locked in order.
        with transaction.atomic():
            sums.held(transaction_id=claims.find_sale(draft, by=by, at=at).id, lock=True)
            return attempt(alone=True)

    if is_by_hand(draft.route):
        return counters.judged_again(attempt_alone)
    try:
        return counters.judged_again(attempt)
    except (_SeveralPayments, counters.RoomTaken):
        # Others were faster each time: with the sale locked they wait for this one.
        return counters.judged_again(attempt_alone)


def prepare(*, draft: Draft, by: Principal, at: datetime) -> Submission:
    """Find the sale, judge, build. Raises ``Forbidden``, ``MandateExceeded``, ``NotFound``, ``Invalid``, ``PolicyRefused`` or
    ``PlanChanged``.
    """
    rights.check_may(Act.SUBMIT, by=by)
    sale = claims.find_sale(draft, by=by, at=at)
    # An applicant has no request yet; that the sale is theirs was looked at when it was found.
    is_own = by.sale_id is not None
    subject = Subject(merchant_id=sale.merchant_id, store_id=sale.store_id, is_own=is_own, request_id=by.request_id)
    rights.check_may(Act.SUBMIT, by=by, subject=subject)
    draft = claims.as_seen(sale, draft)
    claimed = claims.articles(sale, draft)
    parties = counters.parties_of(sale, draft, by=by, at=at)
    seen, number = counters.standing_and_number(sale=sale, of=parties, reason=draft.reason)
    counters.check_mandate(of=parties, seen=seen, draft=draft, at=at)
    judged = judging.judge(sale, draft, claimed, seen=seen, at=at, mandate=by.mandate)
    judging.refuse_hard_limits(judged.verdict)
    judging.ask_for_evidence(judged.verdict, draft)
    claims.check_account(route=draft.route, account=draft.payee)
    legs = planning.planned(sale, draft)
    planning.check_seen(legs, sale, draft.plan_hash)
    return building.build(
        sale=sale,
        draft=draft,
        claimed=claimed,
        legs=legs,
        judged=judged,
        parties=parties,
        seen=seen,
        number=number,
        by=by,
        at=at,
    )


def prepare_paid(*, draft: Draft, source: str, by: Principal, at: datetime) -> Submission:
    """A refund of ours out of one that ``source`` proves; whoever found it adds the payout. Raises ``NotFound``."""
    sale = find_sale(merchant_id=by.acting_for, at=at, transaction_id=draft.transaction_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('refunds_number')")
        (number,) = cursor.fetchone()
    return building.paid(sale=sale, draft=draft, number=number, source=source, by=by, at=at)


def store(submission: Submission) -> None:
    """Commit a submission whole. Raises ``OverRefund``, ``KeyAlreadyUsed``, ``RoomTaken`` or ``EvidenceGone``, and then nothing
    was stored.
    """
    request = submission.request
    tables = list(_tables(submission))
    statement = _statement(tuple(type(rows[0]) for rows in tables), bool(submission.sums))
    parameters: list[Any] = [request.reserved_fen, request.transaction_id, submission.refunds_limit]
    if submission.lines:
        parameters += [
            [line.line_id for line in submission.lines],
            [line.held_quantity for line in submission.lines],
            [line.held_fen for line in submission.lines],
        ]
    if submission.sums:
        parameters.append(encode([row._asdict() for row in submission.sums]))
    parameters += [rows_as_json(rows) for rows in tables]
    bells = {NEXT_STEP[State(request.state)], NOTIFY} if State(request.state) in NEXT_STEP else {NOTIFY}
    failpoint("intake.before_commit")
    try:
        waits = request.state == State.WAITING_GOODS
        with transaction.atomic() if submission.evidence or waits else nullcontext():
            if submission.legs:
                _reserve_legs(submission)
            _execute(statement, parameters)
            if submission.evidence:
                files.take_along(rows=submission.evidence, request_id=request.pk)
            if waits:
                goods.expect(request, at=request.created_at, by_policy=True)
    except IntegrityError as error:
        if "idempotency_key_once" in str(error):
            raise KeyAlreadyUsed("this Idempotency-Key was used before") from error
        if (taken := counters.room_taken(error)) is not error:
            raise taken from error
        raise lifecycle.over_refund(error) from error
    failpoint("intake.after_commit")
    lifecycle.ring_after_commit(bells)


def _reserve_legs(submission: Submission) -> None:
    """Reserve of each payment what its legs take. The caller's transaction holds them; a plan has kept to how many refunds each
    takes.
    """
    held: dict[UUID, tuple[int, int]] = {}
    for leg in submission.legs:
        fen, count = held.get(leg.transaction_id, (0, 0))
        held[leg.transaction_id] = fen + leg.reserved_fen, count + 1
    execute_rows(
        "UPDATE terminals_transaction t SET reserved_fen = t.reserved_fen + v.fen, live_refunds = t.live_refunds + v.count, "
        "live_refunds_limit = greatest(t.live_refunds_limit, t.live_refunds + v.count) "
        "FROM (VALUES %s) v (id, fen, count) WHERE t.id = v.id",
        [(pk, fen, count) for pk, (fen, count) in held.items()],
        template="(%s::uuid, %s::bigint, %s::int)",
    )


def _execute(statement: PreparedStatement, parameters: Sequence[Any]) -> None:
    """One statement is a transaction by itself: outside of another, BEGIN and COMMIT would be two trips for nothing."""
    savepoint = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with savepoint, connection.cursor() as cursor:
        statement.execute(cursor, parameters)


def _tables(submission: Submission) -> Iterable[Sequence[models.Model]]:
    """The rows to insert, a table at a time."""
    yield [submission.request]
    if submission.lines:
        yield submission.lines
    if submission.legs:
        yield submission.legs
    if submission.payee is not None:
        yield [submission.payee]
    if submission.executions:
        yield submission.executions
    if submission.idempotency is not None:
        yield [submission.idempotency]
    if submission.judgement is not None:
        yield [submission.judgement]
    yield [lifecycle.outbox_row(change) for change in submission.changes if change.version is not None]
    yield submission.changes


#: What it holds of its sale. Where nobody asked how many refunds the channel takes, the limit gives way by one. RETURNING,
#: because the counters are locked after the sale and its lines everywhere: they wait for the clause before them.
_RESERVE = (
    "UPDATE terminals_transaction SET reserved_fen = reserved_fen + $1, live_refunds = live_refunds + 1, "
    "live_refunds_limit = CASE WHEN $3 IS NOT NULL THEN $3 WHEN live_refunds_limit <= live_refunds THEN live_refunds + 1 "
    "ELSE live_refunds_limit END WHERE id = $2 RETURNING id"
)


@lru_cache(maxsize=64)
def _statement(tables: tuple[type[models.Model], ...], has_sums: bool) -> PreparedStatement:  # noqa: FBT001 - a key of the cache
    """The statement for rows of these tables. Each table's rows come as one JSON array, so that the text is always the
    same and the database keeps its plan.
    """
    types = ["bigint", "uuid", "integer"]
    # Several legs have reserved what they take already.
    clauses = ["SELECT id FROM terminals_transaction WHERE id = $2" if Leg in tables else _RESERVE]
    has_lines = RefundLine in tables
    if has_lines:
        types += ["bigint[]", "numeric[]", "bigint[]"]
        clauses.append(
            "UPDATE terminals_transactionline l SET reserved_quantity = l.reserved_quantity + v.quantity, "
            "reserved_fen = l.reserved_fen + v.fen FROM unnest($4, $5, $6) v (id, quantity, fen) WHERE l.id = v.id RETURNING l.id"
        )
    if has_sums:
        types.append("json")
        # Of several lines all are locked before the counters; the sale itself is one row.
        before = "(SELECT count(*) FROM c1) AS lines_first" if has_lines else "c0"
        rows = f'json_populate_recordset(NULL::"refunds_runningsum", ${len(types)}) v, {before}'
        clauses.append(counters.UPSERT.format(rows=rows))
    for model in tables:
        types.append("json")
        table = model._meta.db_table
        columns = ", ".join(f'"{column}"' for column in columns_of(model))
        clauses.append(
            f'INSERT INTO "{table}" ({columns}) SELECT {columns} '
            f'FROM json_populate_recordset(NULL::"{table}", ${len(types)})'
        )
    *first, last = clauses
    ctes = ", ".join(f"c{number} AS ({clause})" for number, clause in enumerate(first))
    # PostgreSQL cuts names after 63 bytes, and two that are cut alike would be one statement.
    parts = ["pieces"] * has_lines + ["sums"] * has_sums + [(model._meta.model_name or "")[:3] for model in tables]
    name = "_".join(["submit", *parts])
    assert len(name) <= 61
    return PreparedStatement(name, tuple(types), f"WITH {ctes} {last}")
