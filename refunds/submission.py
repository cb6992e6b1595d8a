"""Storing a new request, judged in memory, in one statement and one commit.

One round trip instead of nine: reserve on the sale, insert the request, its lines, its payout, the audit events, the outbox
rows and the idempotency record. The columns and their values come from the models, so this path cannot drift from them; a test
compares what it stores with what the models would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, connection, models, transaction

from core.audit.models import AuditEvent
from core.errors import Conflict
from refunds import lifecycle
from refunds.failpoints import failpoint
from refunds.lifecycle import NEXT_STEP, NOTIFY
from refunds.models import Execution, IdempotencyRecord, RefundLine, RefundRequest
from refunds.states import State


class KeyAlreadyUsed(Conflict):
    """The idempotency key has a first answer already."""

    code = "idempotency_key_used"


@dataclass(slots=True, kw_only=True)
class Submission:
    """A request that was judged and is not stored yet."""

    request: RefundRequest
    changes: Sequence[AuditEvent]
    lines: Sequence[RefundLine] = ()
    execution: Execution | None = None
    idempotency: IdempotencyRecord | None = None
    pieces: Sequence[tuple[int, int]] = field(default=())  # (sale line id, quantity)


def store(submission: Submission) -> None:
    """Commit a submission whole. Raises ``OverRefund`` or ``KeyAlreadyUsed``, and then nothing was stored."""
    request = submission.request
    clauses: list[str] = ["UPDATE terminals_transaction SET reserved_fen = reserved_fen + %s WHERE id = %s"]
    parameters: list[Any] = [request.reserved_fen, request.transaction_id]
    if submission.pieces:
        values = ", ".join(["(%s::bigint, %s::integer)"] * len(submission.pieces))
        clauses.append(
            "UPDATE terminals_transactionline l SET reserved_quantity = l.reserved_quantity + v.quantity "
            f"FROM (VALUES {values}) v (id, quantity) WHERE l.id = v.id"
        )
        parameters += [value for piece in submission.pieces for value in piece]
    for rows in _rows(submission):
        clause, values_of_rows = _insert(rows)
        clauses.append(clause)
        parameters += values_of_rows
    *first, last = clauses
    statement = ", ".join(f"c{number} AS ({clause})" for number, clause in enumerate(first))
    bells = {NEXT_STEP[State(request.state)], NOTIFY} if State(request.state) in NEXT_STEP else {NOTIFY}
    failpoint("intake.before_commit")
    try:
        _execute(f"WITH {statement} {last}", parameters)
    except IntegrityError as error:
        if "idempotency_key_once" in str(error):
            raise KeyAlreadyUsed("this Idempotency-Key was used before") from error
        raise lifecycle.over_refund(error) from error
    failpoint("intake.after_commit")
    lifecycle.ring_after_commit(bells)


def _execute(statement: str, parameters: Sequence[Any]) -> None:
    """One statement is a transaction by itself: outside of another, BEGIN and COMMIT would be two trips for nothing."""
    savepoint = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with savepoint, connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _rows(submission: Submission) -> Iterable[Sequence[models.Model]]:
    yield [submission.request]
    if submission.lines:
        yield submission.lines
    if submission.execution is not None:
        yield [submission.execution]
    if submission.idempotency is not None:
        yield [submission.idempotency]
    yield [lifecycle.outbox_row(change) for change in submission.changes]
    yield submission.changes


#: Fields whose Python value is what the driver takes; asking the field for it costs more than sending it.
_PLAIN = (models.IntegerField, models.DateTimeField, models.UUIDField, models.BooleanField, models.ForeignKey)


@lru_cache(maxsize=32)
def _columns(model: type[models.Model]) -> tuple[str, tuple[tuple[str, models.Field[Any, Any] | None], ...], str]:
    """The start of an INSERT, its (attribute, field to prepare it or None), and the template of one row.

    What the database fills in is left out.
    """
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField) and not field.has_db_default()
    ]
    names = ", ".join(f'"{field.column}"' for field in fields)
    columns = tuple((field.attname, None if isinstance(field, _PLAIN) else field) for field in fields)
    return (
        f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ',
        columns,
        "(" + ", ".join(["%s"] * len(fields)) + ")",
    )


def _insert(rows: Sequence[models.Model]) -> tuple[str, list[Any]]:
    start, columns, template = _columns(type(rows[0]))
    values = []
    for row in rows:
        for name, column in columns:
            value = getattr(row, name)
            values.append(value if column is None else column.get_db_prep_save(value, connection))
    return start + ", ".join([template] * len(rows)), values
