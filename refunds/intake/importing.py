"""Sales and refunds from a file that somebody brings: its columns are named, its rows become those of a batch, and from then on
it is one (``refunds.intake.batches``): checked without effect, confirmed by somebody else, run, and given back where it failed.

Safe to repeat: a sale is known by its channel's number, a refund by what it asks for. Of the same file twice nothing comes twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from core import table_files
from core.codes import words
from core.errors import FieldError, Invalid, existing
from core.numbers import reference, spellings
from core.personal_data import seal_bytes, search_hash, unseal_bytes
from core.plain_text import one_line
from core.quantities import quantity_text
from core.table_files import TableFile
from merchants.principals import Principal
from merchants.rights import Act, check_may
from refunds.intake import batches, import_fields, sale_rows
from refunds.intake.claims import Draft
from refunds.intake.import_fields import Reading
from refunds.models import ImportFile, RefundBatch, RefundBatchRow
from refunds.models.batch import BatchKind, BatchState, Outcome
from terminals.models import Transaction

#: Of sales; of refunds a file has as many as a batch.
MOST_SALES = 50_000
_PURPOSE = "import_file.content"
_AT_ONCE = 1_000
#: Zeros that a spreadsheet may have taken from the front of a number.
_MOST_ZEROS = 8


class ColumnsUnclear(Invalid, code="import_columns"):
    """A field that every row needs has no column and no word for all rows, or a column is named that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """``columns``: field to column; ``same``: field to what it is in all rows, where no column says it."""

    columns: Mapping[str, str]
    same: Mapping[str, str]
    is_fen: bool = False


@transaction.atomic
def offer(*, kind: str, name: str, content: bytes, by: Principal, at: datetime) -> RefundBatch:
    """Keep a file until somebody says what its columns are. Raises ``Forbidden`` or ``NotATable``."""
    check_may(Act.FILE_BATCH, by=by)
    if kind == BatchKind.SALES:
        check_may(sale_rows.act_of(by), by=by)
    table_files.read(content)
    batch = batches.begin(name=one_line(name, limit=80), kind=kind, state=BatchState.MAPPING, by=by, at=at)
    ImportFile.objects.create(batch=batch, content=seal_bytes(content, purpose=_PURPOSE))
    batches.record_act(batch, "batch.offer", by, at, kind=kind)
    return batch


def table_of(file: ImportFile) -> TableFile:
    """The file's table, as it was brought."""
    return table_files.read(unseal_bytes(bytes(file.content), purpose=_PURPOSE))


def file_of(*, batch_id: int, by: Principal) -> ImportFile:
    """The file of a batch that they may know of. Raises ``Forbidden``, or ``NotFound`` also where it is kept no longer."""
    batch = batches.find(batch_id=batch_id, by=by)
    return existing(ImportFile.objects.filter(batch=batch).select_related("batch").first(), "file")


@transaction.atomic
def name_columns(*, batch_id: int, columns: Columns, by: Principal, at: datetime) -> RefundBatch:
    """Say what the columns are; it is read and checked then. Raises ``Forbidden``, ``NotFound``, ``BatchMoved`` or
    ``ColumnsUnclear``.
    """
    batch = batches.find(batch_id=batch_id, by=by, lock=True)
    batches.expect(batch, BatchState.MAPPING)
    file, known = ImportFile.objects.get(batch=batch), {one.name for one in import_fields.fields_of(batch.kind)}
    table = table_of(file)
    named = {name: column for name, column in columns.columns.items() if column}
    same = {name: text for name, text in columns.same.items() if text.strip() and name not in named}
    strange = [name for name, column in named.items() if column not in table.columns]
    strange += sorted({*named, *same} - known)
    needed = import_fields.missing({*named, *same}, kind=batch.kind)
    in_other = import_fields.in_other_units(named, is_fen=columns.is_fen)
    if strange or needed or in_other:
        errors = [FieldError(name, "unknown_column") for name in strange]
        errors += [FieldError(name, "required") for name in needed]
        errors += [FieldError(name, "unit_differs") for name in in_other]
        raise ColumnsUnclear("what the columns are is not clear", errors=errors)
    file.columns, file.same, file.is_fen = named, same, columns.is_fen
    most = MOST_SALES if batch.kind == BatchKind.SALES else batches.MOST_ROWS
    if not 0 < sum(1 for _ in _units(table, file)) <= most:
        raise Invalid(f"a file has 1 to {most} sales or refunds", code="import_size")
    file.save(update_fields=["columns", "same", "is_fen"])
    batches.move(batch, BatchState.READING, at)
    batches.record_act(batch, "batch.map", by, at, columns=named, same=sorted(same), is_fen=columns.is_fen)
    return batch


# --- the work ---------------------------------------------------------------------------------------------------------


def work(*, at: datetime) -> None:
    """Make the rows of files whose columns are named; then forget files whose time is over."""
    while _read_next(at):
        pass
    ImportFile.objects.filter(batch__ended_at__lt=at - batches.LAPSES_AFTER).delete()


@transaction.atomic
def _read_next(at: datetime) -> bool:
    waiting = RefundBatch.objects.filter(state=BatchState.READING).order_by("pk")
    batch = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if batch is None:
        return False
    file = ImportFile.objects.get(batch=batch)
    rows = _rows(file)
    while some := list(islice(rows, _AT_ONCE)):
        RefundBatchRow.objects.bulk_create(some)
    batches.move(batch, BatchState.CHECKING, at)
    return True


def _units(table: TableFile, file: ImportFile) -> Iterator[list[tuple[int, Mapping[str, str]]]]:
    """The file's rows by what they are about, each a line of the file and its cells by field."""
    places = {name: table.columns.index(column) for name, column in file.columns.items()}
    rows = (
        (line, {**file.same, **{name: text for name, place in places.items() if (text := cells[place])}})
        for line, cells in table.rows
    )
    return import_fields.units(rows, named={*file.columns, *file.same})


#: Lines of the file, how they were read, and what they ask for.
_Read = tuple[list[int], Reading, Any]


def _rows(file: ImportFile) -> Iterator[RefundBatchRow]:
    table = table_of(file)
    read: Iterable[_Read] = _readings(table, file)
    if file.batch.kind == BatchKind.REFUNDS:
        read = _with_sales(list(read), file.batch)
    seen: Counter[str] = Counter()
    for number, (lines, reading, wish) in enumerate(read, 1):
        row = RefundBatchRow(
            batch=file.batch,
            number=number,
            label=reference(reading.rows[0].get("order_no") or reading.rows[0].get("channel_transaction_no", ""))[:64],
            lines=lines,
        )
        if wish is None or reading.errors:
            row.verdict, row.code = batches.BAD, "invalid_input"
            row.errors = [{"field": one.field, "code": one.code} for one in reading.errors[:20]]
        elif isinstance(wish, Draft):
            row.amount_fen, row.asked = wish.amount_fen, batches.asked(wish)
            own = _own(wish)
            seen[own] += 1
            row.fingerprint = search_hash("import_row", f"{file.batch.merchant_id} {own} {seen[own]}")
        else:
            row.amount_fen, row.asked = wish.amount_fen, sale_rows.asked(wish)
        yield row


def _readings(table: TableFile, file: ImportFile) -> Iterator[_Read]:
    wide = {line for line, cells in table.rows if len(cells) > len(table.columns)}
    short, is_sale = _short(table, file.columns), file.batch.kind == BatchKind.SALES
    for unit in _units(table, file):
        reading = Reading([row for _, row in unit], file.is_fen, short)
        if any(line in wide for line, _ in unit):
            reading.errors.append(FieldError("row", "row_too_wide"))
        yield [line for line, _ in unit], reading, reading.sale() if is_sale else reading.draft()


def _own(draft: Draft) -> str:
    """What makes it this wish and no other; of equal ones in one file the how-many-eth counts beside it."""
    pieces = sorted((sku, quantity_text(number)) for sku, number in draft.lines)
    return repr((str(draft.transaction_id or ""), draft.order_no, draft.store, draft.amount_fen, draft.reason, pieces))


def _short(table: TableFile, columns: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Numbers that a spreadsheet has made shorter than their column's others."""
    found = set()
    for name in import_fields.NUMBERS:
        if (column := columns.get(name)) is None:
            continue
        place = table.columns.index(column)
        numbers = {reference(cells[place]) for _, cells in table.rows}
        length = table_files.column_that_lost_zeros(numbers)
        found |= {(name, one) for one in numbers if one.isdigit() and len(one) < length}
    return frozenset(found)


def _with_sales(read: Sequence[_Read], batch: RefundBatch) -> Iterator[_Read]:
    """Refunds that name their sale by the channel's number with that sale; those whose order's number is none, but would be one
    with zeros in front, say so.
    """
    sales = Transaction.objects.filter(merchant_id=batch.merchant_id)
    if batch.store_id is not None:
        sales = sales.filter(store_id=batch.store_id)
    wanted = {reference(one.rows[0].get("channel_transaction_no", "")) for _, one, _ in read} - {""}
    by_number: dict[str, set[UUID]] = {}
    for some in _chunks(sorted({form for number in wanted for form in spellings(number)})):
        for pk, number in sales.filter(channel_transaction_no__in=some).values_list("pk", "channel_transaction_no"):
            by_number.setdefault(number.casefold(), set()).add(pk)
    digits = {draft.order_no for _, _, draft in read if draft and draft.order_no.isdigit()}
    known = {one for some in _chunks(sorted(digits)) for one in _numbers(sales, some)}
    longer = {f"{'0' * zeros}{one}": one for one in digits - known for zeros in range(1, _MOST_ZEROS + 1)}
    lost = {longer[one] for some in _chunks(sorted(longer)) for one in _numbers(sales, some)}
    for lines, reading, draft in read:
        number = reference(reading.rows[0].get("channel_transaction_no", ""))
        found = by_number.get(number.casefold(), set()) if number else set()
        if draft is not None and number and not draft.order_no and len(found) != 1:
            reading.errors.append(FieldError("channel_transaction_no", "transaction_not_found"))
        elif draft is not None and len(found) == 1:
            draft = replace(draft, transaction_id=next(iter(found)), order_no="", store="")
        elif draft is not None and draft.order_no in lost:
            reading.errors.append(FieldError("order_no", "zeros_lost"))
        yield lines, reading, draft


def _numbers(sales: QuerySet[Transaction], some: Sequence[str]) -> Iterable[str]:
    return sales.filter(order_no__in=some).values_list("order_no", flat=True)


def _chunks(of: Sequence[str]) -> Iterator[Sequence[str]]:
    return (of[start : start + _AT_ONCE] for start in range(0, len(of), _AT_ONCE))


# --- back ------------------------------------------------------------------------------------------------------------


def failed(*, batch_id: int, by: Principal, at: datetime) -> list[Sequence[str]]:
    """A table of the lines that were not taken in, as they stood in the file, with the reason before each: to be mended and
    brought again. Taking it is recorded. Raises ``Forbidden`` or ``NotFound``.
    """
    file = file_of(batch_id=batch_id, by=by)
    table = table_of(file)
    why = {line: _why(row) for row in _not_taken(file.batch) for line in row.lines}
    batches.record_act(file.batch, "batch.take_failed", by, at, lines=len(why))
    rows = [[why[line], *cells] for line, cells in table.rows if line in why]
    return [[gettext("Why it was not taken in"), *table.columns], *rows]


def _why(row: RefundBatchRow) -> str:
    named = {one.name: one.label for one in import_fields.FIELDS}
    if row.code != "invalid_input":
        return words(row.code)
    return " ".join(
        f"{named[one['field']]}: {words(one['code'])}" if one["field"] in named else words(one["code"])
        for one in row.errors
    )


def _not_taken(batch: RefundBatch) -> Iterable[RefundBatchRow]:
    rows = batch.rows.filter(Q(verdict=batches.BAD) | Q(outcome=Outcome.REFUSED))
    return rows.defer("asked").order_by("number").iterator()
