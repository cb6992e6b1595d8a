"""Storing a new request, judged in memory, in one statement and one commit.

One round trip instead of nine: reserve on the sale, insert the request, its lines, its payout, the audit events, the outbox
rows and the idempotency record. The columns and their values come from the models, so this path cannot drift from them; a test
compares what it stores with what the models would.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, models, transaction
from psycopg2.extensions import Binary

from core.audit.models import AuditEvent
from core.errors import Conflict
from core.failpoints import failpoint
from core.personal_data import SealedTextField
from core.sql import Prepared
from refunds import lifecycle
from refunds.facts import sums
from refunds.facts.sums import Added
from refunds.lifecycle import NEXT_STEP, NOTIFY
from refunds.models import Execution, IdempotencyRecord, RefundLine, RefundRequest
from refunds.states import State


class KeyAlreadyUsed(Conflict):
    """The idempotency key has a first answer already."""

    code = "idempotency_key_used"


@dataclass(slots=True, kw_only=True)
class Submission:
    """A request that was judged and is not stored yet.

    ``sums`` are the counters that it moves. ``refunds_limit`` is how many refunds of the sale the channel takes; None: it was not
    asked, as where a person pays or the money has moved already.
    """

    request: RefundRequest
    changes: Sequence[AuditEvent]
    lines: Sequence[RefundLine] = ()
    execution: Execution | None = None
    idempotency: IdempotencyRecord | None = None
    pieces: Sequence[tuple[int, int]] = field(default=())  # (sale line id, quantity)
    sums: Sequence[Added] = ()
    refunds_limit: int | None = None


def store(submission: Submission) -> None:
    """Commit a submission whole. Raises ``OverRefund``, ``KeyAlreadyUsed`` or ``RoomTaken``, and then nothing was stored."""
    request = submission.request
    tables = list(_tables(submission))
    statement = _statement(tuple(type(rows[0]) for rows in tables), bool(submission.pieces), bool(submission.sums))
    parameters: list[Any] = [request.reserved_fen, request.transaction_id, submission.refunds_limit]
    if submission.pieces:
        parameters += [list(column) for column in zip(*submission.pieces, strict=True)]
    if submission.sums:
        parameters.append(_encode([row._asdict() for row in submission.sums]))
    parameters += [_as_json(rows) for rows in tables]
    bells = {NEXT_STEP[State(request.state)], NOTIFY} if State(request.state) in NEXT_STEP else {NOTIFY}
    failpoint("intake.before_commit")
    try:
        _execute(statement, parameters)
    except IntegrityError as error:
        if "idempotency_key_once" in str(error):
            raise KeyAlreadyUsed("this Idempotency-Key was used before") from error
        if (taken := sums.room_taken(error)) is not error:
            raise taken from error
        raise lifecycle.over_refund(error) from error
    failpoint("intake.after_commit")
    lifecycle.ring_after_commit(bells)


def _execute(statement: Prepared, parameters: Sequence[Any]) -> None:
    """One statement is a transaction by itself: outside of another, BEGIN and COMMIT would be two trips for nothing."""
    savepoint = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with savepoint, connection.cursor() as cursor:
        statement.execute(cursor, parameters)


def _tables(submission: Submission) -> Iterable[Sequence[models.Model]]:
    """The rows to insert, a table at a time."""
    yield [submission.request]
    if submission.lines:
        yield submission.lines
    if submission.execution is not None:
        yield [submission.execution]
    if submission.idempotency is not None:
        yield [submission.idempotency]
    yield [lifecycle.outbox_row(change) for change in submission.changes]
    yield submission.changes


#: What it holds of its sale. Where nobody asked how many refunds the channel takes, the limit gives way by one. RETURNING,
#: because the counters are locked after the sale everywhere: they wait for this clause.
_RESERVE = (
    "UPDATE terminals_transaction SET reserved_fen = reserved_fen + $1, live_refunds = live_refunds + 1, "
    "live_refunds_limit = CASE WHEN $3 IS NOT NULL THEN $3 WHEN live_refunds_limit <= live_refunds THEN live_refunds + 1 "
    "ELSE live_refunds_limit END WHERE id = $2 RETURNING id"
)


@lru_cache(maxsize=64)
def _statement(tables: tuple[type[models.Model], ...], has_pieces: bool, has_sums: bool) -> Prepared:  # noqa: FBT001
    """The statement for rows of these tables. Each table's rows come as one JSON array, so that the text is always the
    same and the database keeps its plan.
    """
    types = ["bigint", "uuid", "integer"]
    clauses = [_RESERVE]
    if has_pieces:
        types += ["bigint[]", "integer[]"]
        clauses.append(
            "UPDATE terminals_transactionline l SET reserved_quantity = l.reserved_quantity + v.quantity "
            "FROM unnest($4, $5) v (id, quantity) WHERE l.id = v.id"
        )
    if has_sums:
        types.append("json")
        rows = f'json_populate_recordset(NULL::"refunds_runningsum", ${len(types)}) v, (SELECT count(*) FROM c0) AS sale_first'
        clauses.append(sums.UPSERT.format(rows=rows))
    for model in tables:
        types.append("json")
        table = model._meta.db_table
        columns = ", ".join(f'"{column}"' for column, _, _ in _columns(model))
        clauses.append(
            f'INSERT INTO "{table}" ({columns}) SELECT {columns} '
            f'FROM json_populate_recordset(NULL::"{table}", ${len(types)})'
        )
    *first, last = clauses
    ctes = ", ".join(f"c{number} AS ({clause})" for number, clause in enumerate(first))
    # PostgreSQL cuts names after 63 bytes, and two that are cut alike would be one statement.
    parts = ["pieces"] * has_pieces + ["sums"] * has_sums + [(model._meta.model_name or "")[:6] for model in tables]
    name = "_".join(["submit", *parts])
    assert len(name) <= 63
    return Prepared(name, tuple(types), f"WITH {ctes} {last}")


@lru_cache(maxsize=32)
def _columns(model: type[models.Model]) -> tuple[tuple[str, str, models.Field[Any, Any] | None], ...]:
    """(column, attribute, the field if its value must be prepared) of what an INSERT names.

    What the database fills in is left out.
    """
    return tuple(
        (str(field.column), field.attname, field if isinstance(field, SealedTextField) else None)
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField) and not field.has_db_default()
    )


def _as_json(rows: Sequence[models.Model]) -> str:
    return _encode(
        [
            {
                column: getattr(row, name) if field is None else field.get_db_prep_save(getattr(row, name), connection)
                for column, name, field in _columns(type(row))
            }
            for row in rows
        ]
    )


def _stand_in(value: Any) -> str:
    """A value that JSON does not know, in the form that PostgreSQL reads for its type."""
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Binary):
        value = value.adapted
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"{type(value).__name__} has no form here")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, default=_stand_in).encode
