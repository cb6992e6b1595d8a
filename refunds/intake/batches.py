"""Many refunds asked for at once, or sales from a file: checked without effect, confirmed by a second person, and then each taken
in as any other.

A batch is work like any other, its state is the queue. Each row is one commit: what it asked for and what became of it. A worker
that is killed leaves its row open, and any worker goes on with it; none is asked for twice.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Any
from uuid import UUID

import orjson
from django.db import DatabaseError, transaction
from django.db.models import Count, QuerySet, Sum

from core import clock, doorbell
from core.audit.record import record_of
from core.calendar import SHANGHAI
from core.errors import Conflict, DomainError, Forbidden, Invalid, existing
from core.failpoints import failpoint
from core.plain_text import one_line
from merchants import api_keys
from merchants.models import Staff
from merchants.principals import SYSTEM, Kind, Principal, of_staff
from merchants.rights import Act, KeyStopped, Subject, check_may
from refunds.intake import claims, compensating, judging, sale_rows
from refunds.intake.claims import Account, Customer, Draft
from refunds.models import RefundBatch, RefundBatchRow
from refunds.models.batch import BatchKind, BatchState, Outcome
from refunds.rules.deposits import DepositClaim
from refunds.rules.policy import Ruling

logger = logging.getLogger(__name__)

TASK = "refunds.batches"
MOST_ROWS = 10_000
#: Between confirming and the first row: so long all of it can be cancelled.
WINDOW = timedelta(minutes=10)
LAPSES_AFTER = timedelta(days=7)
#: A worker that has worked so long on batches lets others have the processor: the schedule calls again.
_AT_A_TIME_S = 15.0
_CHECKED_AT_ONCE = 50
_DUE = (BatchState.CHECKING, BatchState.CONFIRMED, BatchState.RUNNING)
#: Waits for a person.
_RESTING = (BatchState.MAPPING, BatchState.READY)
BAD = "bad"


class BatchBadRows(Conflict, code="batch_has_bad_rows"):
    """Some rows cannot be asked for, and nobody has said that the others go on without them."""


class ImportedBefore(Conflict, code="imported_before"):
    """The same row of the same or another file was taken in: it is left out."""


class BatchMoved(Conflict, code="batch_state"):
    """The batch is in a state that does not allow this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A row as it was read: what it asks for, or (``draft`` None) why it cannot be read."""

    label: str
    amount_fen: int | None = None
    draft: Draft | None = None
    errors: Sequence[dict[str, str]] = ()


@transaction.atomic
def file(*, name: str, wishes: Sequence[Wish], by: Principal, at: datetime) -> RefundBatch:
    """Keep a batch, to be checked at once. Raises ``Forbidden``, or ``Invalid`` for none or too many."""
    check_may(Act.FILE_BATCH, by=by)
    if not 0 < len(wishes) <= MOST_ROWS:
        raise Invalid(f"a batch has 1 to {MOST_ROWS} rows", code="batch_size")
    batch = begin(name=name, kind=BatchKind.REFUNDS, state=BatchState.CHECKING, by=by, at=at)
    RefundBatchRow.objects.bulk_create(
        (
            RefundBatchRow(
                batch=batch,
                number=number,
                label=wish.label[:64],
                amount_fen=wish.amount_fen,
                asked=asked(wish.draft) if wish.draft else "",
                verdict="" if wish.draft else BAD,
                code="" if wish.draft else "invalid_input",
                errors=list(wish.errors),
            )
            for number, wish in enumerate(wishes, 1)
        ),
        batch_size=1_000,
    )
    record_act(batch, "batch.file", by, at, rows=len(wishes))
    _ring()
    return batch


def begin(*, name: str, kind: str, state: BatchState, by: Principal, at: datetime) -> RefundBatch:
    """A batch without rows, of the filer's store where they have one."""
    (store_id,) = by.stores if by.stores is not None and len(by.stores) == 1 else (None,)
    return RefundBatch.objects.create(
        merchant_id=by.acting_for,
        store_id=store_id,
        name=one_line(name, limit=80) or f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        kind=kind,
        state=state,
        api_key_id=by.key_id,
        filed_by_id=by.person_id,
        filed_at=at,
        moved_at=at,
        from_file=state is BatchState.MAPPING,
    )


@transaction.atomic
def confirm(
    *, batch_id: int, by: Principal, at: datetime, skip_bad: bool = False, window: timedelta = WINDOW
) -> RefundBatch:
    """Let it run once ``window`` is over; ``skip_bad``: without the rows that cannot be asked for. By somebody else than who
    filed it. Raises ``Forbidden``, ``NotFound``, ``BatchMoved`` or ``BatchBadRows``.
    """
    batch = find(batch_id=batch_id, by=by, act=Act.CONFIRM_BATCH, lock=True)
    expect(batch, BatchState.READY)
    if batch.filed_by_id == by.person_id:
        raise Forbidden("somebody else confirms what one has filed", code="own_request")
    bad = batch.rows.filter(verdict=BAD)
    if bad.exists():
        if not skip_bad:
            raise BatchBadRows("some rows cannot be asked for")
        bad.update(outcome=Outcome.SKIPPED)
    batch.confirmed_by_id, batch.confirmed_at, batch.starts_at = by.acting_staff, at, at + window
    move(batch, BatchState.CONFIRMED, at)
    record_act(batch, "batch.confirm", by, at, skip_bad=skip_bad, starts_at=batch.starts_at.isoformat())
    return batch


@transaction.atomic
def cancel(*, batch_id: int, by: Principal, at: datetime) -> RefundBatch:
    """No row of it is asked for any more; those that were stay. Raises ``Forbidden``, ``NotFound`` or ``BatchMoved``."""
    batch = find(batch_id=batch_id, by=by, act=Act.FILE_BATCH, lock=True)
    expect(batch, *_DUE, *_RESTING, BatchState.READING)
    end(batch, BatchState.CANCELLED, at)
    record_act(batch, "batch.cancel", by, at)
    return batch


def find(*, batch_id: int, by: Principal, act: Act = Act.FILE_BATCH, lock: bool = False) -> RefundBatch:
    """A batch that they may know of; a key's are those that it filed itself. Raises ``Forbidden`` or ``NotFound``."""
    check_may(act, by=by)
    rows = _in_stores_of(by).filter(pk=batch_id)
    batch = existing((rows.select_for_update(of=("self",)) if lock else rows).first(), "batch")
    is_own = by.key_id is not None and batch.api_key_id == by.key_id
    check_may(act, by=by, subject=Subject(merchant_id=batch.merchant_id, store_id=batch.store_id, is_own=is_own))
    return batch


def of(*, by: Principal) -> QuerySet[RefundBatch]:
    """The batches that they may know of, the newest first."""
    rows = _in_stores_of(by)
    return rows.filter(api_key_id=by.key_id) if by.kind is Kind.KEY else rows


def _in_stores_of(by: Principal) -> QuerySet[RefundBatch]:
    return by.in_stores(RefundBatch.objects.filter(merchant_id=by.acting_for).order_by("-pk"))


def seconds_left(batch: RefundBatch, sums: Mapping[str, Mapping[str, int]], *, at: datetime) -> int | None:
    """How long its rows will take at the pace so far; None where that is not known yet, or nothing runs."""
    name = {BatchState.CHECKING: "verdict", BatchState.RUNNING: "outcome"}.get(BatchState(batch.state), "")
    rows = {key: one["rows"] for key, one in sums.items() if key.startswith(f"{name}:")} if name else {}
    # What could not be read has its verdict, and was not waited for.
    done = sum(rows.values()) - rows.get(f"{name}:", 0) - rows.get(f"{name}:{BAD}", 0)
    if done <= 0 or batch.moved_at is None:
        return None
    return round((at - batch.moved_at).total_seconds() / done * rows.get(f"{name}:", 0))


def totals(batch: RefundBatch) -> dict[str, dict[str, int]]:
    """Rows and fen by the dry run's verdict, and by what became of them: ``""`` is what is still open."""
    found: dict[str, dict[str, int]] = {}
    for name in ("verdict", "outcome"):
        for value, count, fen in batch.rows.values_list(name).order_by(name).annotate(Count("pk"), Sum("amount_fen")):
            found[f"{name}:{value}"] = {"rows": count, "fen": fen or 0}
    return found


# --- the work ---------------------------------------------------------------------------------------------------------


def work() -> None:
    """Check and run what is due, for a while; safe for several workers at once."""
    until = monotonic() + _AT_A_TIME_S
    _lapse(at=clock.now())
    due = RefundBatch.objects.filter(state__in=_DUE).order_by("pk")
    for batch_id, ahead in due.values_list("pk", "merchant__clock_ahead"):
        try:
            with clock.running_ahead(ahead):
                while monotonic() < until and _go_on(batch_id, until):
                    pass
        except DatabaseError:
            # Its row stays open; the others do not wait for it.
            logger.exception("batch %s: its next row was not asked for, and will be tried again", batch_id)
    if monotonic() >= until:
        doorbell.ring([TASK])


@transaction.atomic
def _lapse(*, at: datetime) -> None:
    """What nobody has confirmed in ``LAPSES_AFTER`` is called off: what it asks for is not kept for ever."""
    ready = RefundBatch.objects.filter(state__in=_RESTING, filed_at__lt=at - LAPSES_AFTER)
    for batch in ready.order_by("pk").select_for_update(skip_locked=True, of=("self",)):
        end(batch, BatchState.CANCELLED, at)
        record_act(batch, "batch.cancel", SYSTEM, at, lapsed=True)


def _go_on(batch_id: int, until: float) -> bool:
    """Some of one batch; whether there is more of it to do now."""
    batch, now = RefundBatch.objects.get(pk=batch_id), clock.now()
    if batch.state == BatchState.CONFIRMED and batch.starts_at is not None and batch.starts_at <= now:
        return _hand_on(batch_id, BatchState.CONFIRMED, BatchState.RUNNING)
    if batch.state == BatchState.CHECKING:
        return _check_some(batch) or _hand_on(batch_id, BatchState.CHECKING, BatchState.READY)
    if batch.state != BatchState.RUNNING:
        return False
    by = _filer(batch)
    for _ in range(_CHECKED_AT_ONCE):
        if monotonic() > until:
            return False
        if not _run_one(batch, by):
            return _hand_on(batch_id, BatchState.RUNNING, BatchState.DONE)
    return True


def _filer(batch: RefundBatch) -> Principal | None:
    """Who asks, as they are now: a right, a store or a mandate that was taken away counts from the next rows on."""
    if batch.api_key_id is not None:
        return api_keys.principal_of(batch.api_key_id)
    assert batch.filed_by_id is not None  # a key, or a person
    return of_staff(Staff.objects.get(pk=batch.filed_by_id))


@transaction.atomic
def _check_some(batch: RefundBatch) -> bool:
    """Ask the policy about the next rows; False: there are none. Each by itself, as if it were the only one."""
    rows = list(_open(batch).filter(verdict="")[:_CHECKED_AT_ONCE])
    by = _filer(batch)
    for row in rows:
        try:
            at = clock.now()
            if batch.kind == BatchKind.SALES:
                row.verdict = "new" if sale_rows.is_new(row.asked, by=_known(by), at=at) else "known"
                continue
            if _was_taken(row):
                row.verdict, row.code = "known", ImportedBefore.code
                continue
            draft = _draft(row)
            _, verdict, _ = judging.quote(draft=draft, by=_known(by), at=at, act=Act.SUBMIT)
            judging.refuse_hard_limits(verdict)
            judging.ask_for_evidence(verdict, draft)
            claims.check_account(route=draft.route, account=draft.payee)
            row.verdict = "approve" if verdict.decision is Ruling.APPROVE else "review"
        except DomainError as error:
            row.verdict, row.code, row.errors = BAD, error.code, _errors(error)
    RefundBatchRow.objects.bulk_update(rows, ["verdict", "code", "errors"])
    return bool(rows)


@transaction.atomic
def _run_one(batch: RefundBatch, by: Principal | None) -> bool:
    """Ask for the next row, in one commit with what became of it; False: there is none."""
    # One worker at a time, and before its rows, as where it is cancelled: that waits for this row, and no other begins.
    held = RefundBatch.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=batch.pk)
    row = _open(batch).first() if held.filter(state=BatchState.RUNNING) else None
    if row is None:
        return False
    try:
        with transaction.atomic():
            _take(batch, row, _known(by))
    except DomainError as error:
        row.outcome, row.code, row.errors = Outcome.REFUSED, error.code, _errors(error)
    failpoint("batches.before_commit")
    row.save(update_fields=["outcome", "code", "errors", "request", "sale"])
    return True


def _take(batch: RefundBatch, row: RefundBatchRow, by: Principal) -> None:
    """Take in what the row asks for, or leave out what was taken in before."""
    if batch.kind == BatchKind.SALES:
        sale, is_new = sale_rows.take(row.asked, by=by, at=clock.now())
        row.sale_id = sale.pk if is_new else None
    elif not _was_taken(row):
        row.request_id = compensating.submit(draft=_draft(row), by=by, at=clock.now()).request.pk
    row.outcome = Outcome.TAKEN if row.sale_id or row.request_id else Outcome.SKIPPED
    row.code = "" if row.outcome == Outcome.TAKEN else ImportedBefore.code


def _was_taken(row: RefundBatchRow) -> bool:
    """Whether the same row of the same or another file was taken in; a unique index holds what two workers do at once."""
    same = RefundBatchRow.objects.filter(fingerprint=row.fingerprint, outcome=Outcome.TAKEN)
    return row.fingerprint is not None and same.exists()


def _known(by: Principal | None) -> Principal:
    if by is None:
        raise KeyStopped("the key that filed it was revoked")
    return by


def _open(batch: RefundBatch) -> QuerySet[RefundBatchRow]:
    """What no other worker has in hand."""
    rows = batch.rows.filter(outcome=Outcome.OPEN).order_by("number")
    return rows.select_for_update(skip_locked=True, of=("self",))


@transaction.atomic
def _hand_on(batch_id: int, state: BatchState, to: BatchState) -> bool:
    """The next state, once no row is left in this one; whether there is more to do."""
    batch = RefundBatch.objects.select_for_update(of=("self",)).get(pk=batch_id)
    open_rows = batch.rows.filter(outcome=Outcome.OPEN)
    left = {BatchState.CHECKING: open_rows.filter(verdict=""), BatchState.RUNNING: open_rows}.get(state)
    if batch.state != state or (left is not None and left.exists()):
        return False
    at = clock.now()
    if to is BatchState.DONE:
        end(batch, to, at)
    else:
        move(batch, to, at)
    record_act(batch, "batch.move", SYSTEM, at)
    return to is BatchState.RUNNING


def end(batch: RefundBatch, state: BatchState, at: datetime) -> None:
    """It is over: what is open is left out."""
    batch.ended_at = at
    batch.rows.filter(outcome=Outcome.OPEN).update(outcome=Outcome.SKIPPED)
    # What was asked for stands with its requests from now on; names and phones are not kept twice.
    batch.rows.exclude(asked="").update(asked="")
    move(batch, state, at)


def move(batch: RefundBatch, state: BatchState, at: datetime) -> None:
    """On to this state; a worker is told."""
    batch.state, batch.moved_at = state, at
    batch.save()
    _ring()


def expect(batch: RefundBatch, *states: BatchState) -> None:
    """Raise ``BatchMoved`` unless it is in one of these states."""
    if batch.state not in states:
        raise BatchMoved(f"the batch is {batch.state}", state=batch.state)


def _ring() -> None:
    transaction.on_commit(lambda: doorbell.ring([TASK]))


def record_act(batch: RefundBatch, action: str, by: Principal, at: datetime, **data: Any) -> None:
    """Into the audit trail, from where the event feed has it, with the state in which it is by now."""
    record_of(batch, by=by.actor, action=action, at=at, data={"state": batch.state, **data})


def _errors(error: DomainError) -> list[dict[str, str]]:
    return [{"field": one.field, "code": one.code, "message": str(one.message)} for one in error.errors]


# --- a row's wish as text -----------------------------------------------------------------------------------------------


def asked(draft: Draft) -> str:
    """A refund as a row keeps it."""
    return orjson.dumps(asdict(draft), default=str).decode()


def _draft(row: RefundBatchRow) -> Draft:
    kept = orjson.loads(row.asked)
    parts: Iterable[tuple[str, type[Any]]] = (
        ("customer", Customer), ("payee", Account), ("deposit", DepositClaim), ("compensation_to", Account),
    )  # fmt: skip
    for name, made in parts:
        kept[name] = made(**kept[name]) if kept[name] else None
    kept["transaction_id"] = UUID(kept["transaction_id"]) if kept["transaction_id"] else None
    kept["evidence"] = [UUID(one) for one in kept["evidence"]]
    kept["lines"] = [(sku, Decimal(pieces)) for sku, pieces in kept["lines"]]
    kept["seen_returned"] = {sku: Decimal(pieces) for sku, pieces in kept["seen_returned"].items()}
    return Draft(**{**kept, "batch": f"{row.batch_id}/{row.number}"})
