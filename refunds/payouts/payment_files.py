"""Many transfers at once: a file for the bank, each payout in one file only, and the bank's result, matched by our reference.

A result is settled like one that a person types in, by the same function: once, under the same locks and by somebody apart from
who asked for and approved it. Reading the same result again changes nothing; a row that fits nothing is named. Between a look at
what it says and its recording it is kept in Redis alone, sealed, for whoever brought it.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from cryptography.exceptions import InvalidTag
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from core import spreadsheets, table_files
from core.calendar import SHANGHAI
from core.errors import Conflict, DomainError, Invalid
from core.money import NotAnAmount, fen_typed, yuan
from core.personal_data import seal_bytes, search_hash, unseal_bytes
from core.plain_text import folded, one_line, reference_key
from core.spreadsheets import csv_lines, name
from merchants import rights
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions, holds, payees, shares, vouching
from refunds.models import Execution, PaymentFile, PaymentFileRow
from refunds.payouts import by_hand, returned
from refunds.payouts.by_hand import Payment
from refunds.states import EXECUTION_ENDED, ExecutionState, HandTrouble, Route, State

#: Transfers in a file, and rows and bytes of a result that are read.
MAX_TRANSFERS, MAX_ROWS, MAX_BYTES = 1_000, 5_000, 5_000_000
#: How long a result waits to be recorded once somebody has looked at it.
RESULT_KEPT_S = 1_800
_PURPOSE = "bank_result.content"

#: Columns of the file, and under which of them, folded, a result says what.
HEADER: Final = ("业务参考号", "收款人户名", "收款账号", "收款银行", "金额(元)", "附言")
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "reference": ("业务参考号", "参考号", "客户参考号", "reference"),
    "result": (
        "处理结果",
        "交易结果",
        "转账结果",
        "付款结果",
        "交易状态",
        "处理状态",
        "转账状态",
        "状态",
        "结果",
        "result",
    ),
    "bank_no": ("银行流水号", "交易流水号", "流水号", "bank_no"),
    "paid_at": ("交易时间", "交易日期", "paid_at"),
    "amount": ("金额(元)", "交易金额", "金额", "amount"),
    "reason": ("失败原因", "退回原因", "原因", "reason"),
}
_PAID: Final = frozenset({"成功", "交易成功", "处理成功", "paid", "success"})
_NOT_PAID: Final = frozenset({"失败", "交易失败", "处理失败", "failed", "not_paid"})
_RETURNED: Final = frozenset({"退回", "退汇", "已退汇", "returned"})


class NothingToExport(Conflict, code="nothing_to_export"):
    """No transfer that this person may pay waits outside a file."""


class ResultGone(Conflict, code="result_gone"):
    """What was looked at is kept no longer, or was brought by somebody else."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A line of the file. Amount in fen, what the payer paid of it."""

    reference: str
    holder_name: str
    account_no: str
    bank_name: str
    amount_fen: int
    remark: str


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the bank's result: ``paid``, ``not_paid``, ``returned``, ``known`` from before, or ``odd`` with a code."""

    line: int
    reference: str
    outcome: str
    code: str = ""


def waiting(*, by: Principal) -> QuerySet[Execution]:
    """The transfers in this principal's stores that wait for a person and are in no file, the oldest first."""
    rows = _open(Execution.objects.filter(merchant_id=by.acting_for, file_row=None))
    return by.in_stores(rows, field="request__store_id").order_by("created_at", "pk")


def files_of(*, by: Principal) -> QuerySet[PaymentFile]:
    """The files that this principal may know of, the newest first: those with transfers of their stores only."""
    rights.check_may(Act.TAKE_TRANSFERS, by=by)
    rows = PaymentFile.objects.filter(merchant_id=by.acting_for)
    if by.stores is not None:
        rows = rows.exclude(rows__in=PaymentFileRow.objects.exclude(execution__request__store_id__in=by.stores))
    return rows.order_by("-made_at", "-pk")


@transaction.atomic
def export(*, by: Principal, at: datetime) -> PaymentFile:
    """Mark every transfer that waits and that this person may pay, up to ``MAX_TRANSFERS``, as taken to the bank. Raises
    ``Forbidden`` or ``NothingToExport``.
    """
    rights.check_may(Act.TAKE_TRANSFERS, by=by)
    found = list(waiting(by=by).values_list("pk", "request_id")[:MAX_TRANSFERS])
    requests = lifecycle.lock_requests(sorted({request_id for _, request_id in found}))
    free = _open(Execution.objects.filter(pk__in=[pk for pk, _ in found], file_row=None)).order_by("created_at", "pk")
    taken: list[Execution] = []
    for execution in free:
        request = requests[execution.request_id]
        try:
            conditions.check(Act.PAY_BY_HAND, by=by, request=request)
            holds.check_not_held(transaction_id=execution.transaction_id)
            vouching.check(request)
        except DomainError:
            # Somebody else's to pay, or nobody's now: it stays on the list.
            continue
        if payees.of(request, route=Route.BANK_TRANSFER) is not None:
            taken.append(execution)
    if not taken:
        raise NothingToExport("no transfer waits that you may pay")
    made = PaymentFile.objects.create(merchant_id=by.acting_for, made_by=by.name[:80], made_at=at)
    PaymentFileRow.objects.bulk_create(PaymentFileRow(file=made, execution=execution) for execution in taken)
    return made


@transaction.atomic
def transfers_of(*, file_id: int, by: Principal, at: datetime) -> list[Transfer]:
    """What of the file is not paid yet and whose sale is not held, with full accounts; each look is recorded. Raises
    ``Forbidden`` or ``Invalid``.
    """
    file = files_of(by=by).filter(pk=file_id).first()
    if file is None:
        raise Invalid("there is no such file", code="unknown_payment_file")
    rows = _open(Execution.objects.filter(file_row__file=file)).select_related("request__payee").order_by("pk")
    found = []
    held = holds.held_among(transaction_ids=[execution.transaction_id for execution in rows])
    for execution in rows:
        if execution.transaction_id in held:
            # Perhaps paid already; it is in the file again once finance has ended the hold.
            continue
        request = execution.request
        conditions.check(Act.REVEAL, by=by, request=request)
        vouching.check(request)
        payee = request.payee
        sequence = execution.sequence if request.leg_count else 1
        found.append(
            Transfer(
                execution.refund_no,
                payee.holder_name,
                payee.account_no,
                payee.bank_name,
                shares.of_request(request)[sequence],
                request.number,
            )
        )
        data = {"file": str(file), "refund_no": execution.refund_no}
        lifecycle.record_act(request, "refund.payment_file", by=by.actor, at=at, data=data)
    return found


def as_table(transfers: Sequence[Transfer], *, workbook: bool) -> bytes:
    """The file, all of its cells texts that no spreadsheet calculates with: a workbook, or CSV."""
    rows = [(t.reference, t.holder_name, t.account_no, t.bank_name, yuan(t.amount_fen), t.remark) for t in transfers]
    if workbook:
        return spreadsheets.workbook([HEADER, *rows])
    return "".join(csv_lines([HEADER, *([name(cell) for cell in row] for row in rows)])).encode()


def keep_result(*, content: bytes, by: Principal) -> str:
    """Keep a result for ``RESULT_KEPT_S``; returns the ticket with which the same person gets it back. Raises ``Forbidden``."""
    rights.check_may(Act.TAKE_TRANSFERS, by=by)
    ticket = secrets.token_urlsafe(24)
    cache.set(_kept_at(ticket, by), seal_bytes(content, purpose=_PURPOSE), timeout=RESULT_KEPT_S)
    return ticket


def kept_result(*, ticket: str, by: Principal) -> bytes:
    """What this person has kept. Raises ``ResultGone``, also where the cache has lost it or another key sealed it."""
    sealed = cache.get(_kept_at(ticket, by))
    if sealed is None:
        raise ResultGone("the result is kept no longer")
    try:
        return unseal_bytes(sealed, purpose=_PURPOSE)
    except InvalidTag as error:
        raise ResultGone("the result was sealed with another key") from error


def _kept_at(ticket: str, by: Principal) -> str:
    return f"bank-result:{by.acting_for}:{by.staff_id}:{search_hash('bank_result', ticket).hex()}"


def read_result(*, content: bytes, by: Principal, at: datetime) -> list[Result]:
    """Settle what the bank says, each row by itself. Raises ``Forbidden``, or ``Invalid`` for what is no table."""
    rights.check_may(Act.TAKE_TRANSFERS, by=by)
    rows = list(_rows(content))
    return [_one(line, row, by=by, at=at) for line, row in rows]


def _one(line: int, row: Mapping[str, str], *, by: Principal, at: datetime) -> Result:
    reference = row["reference"]
    try:
        with transaction.atomic():
            return Result(line, reference, _settle(row, by=by, at=at))
    except DomainError as error:
        return Result(line, reference, "odd", error.code)


def _settle(row: Mapping[str, str], *, by: Principal, at: datetime) -> str:
    found = Execution.objects.filter(merchant_id=by.acting_for, refund_no=row["reference"], file_row__isnull=False)
    execution = found.select_related("request").first()
    if execution is None or not by.works_in(execution.request.store_id):
        raise Invalid("no transfer of a file has this reference", code="unknown_reference")
    request = lifecycle.lock_requests([execution.request_id])[execution.request_id]
    execution.refresh_from_db()
    if (
        row["amount"]
        and _fen(row["amount"]) != shares.of_request(request)[execution.sequence if request.leg_count else 1]
    ):
        raise Invalid("the bank names another amount", code="amount_differs")
    said, number = folded(row["result"]), one_line(row["bank_no"], limit=40)
    if said in _PAID:
        if execution.state == ExecutionState.SUCCEEDED:
            if execution.reference_key == reference_key(number):
                return "known"
            raise Conflict("it was confirmed with another number", code="paid_with_another_number")
        _check_next(execution)
        payment = Payment(reference_no=number, paid_at=_moment(row["paid_at"], request.decided_at, at))
        by_hand.confirm(request_id=request.pk, payment=payment, by=by, at=at, version=request.version)
        return "paid"
    if said in _RETURNED and execution.state == ExecutionState.SUCCEEDED:
        if hasattr(execution, "returned"):
            return "known"
        returned.note(request_id=request.pk, trouble=HandTrouble.PAYEE_WRONG, note=row["reason"], by=by, at=at)
        return "returned"
    if said in _NOT_PAID | _RETURNED:
        if execution.state == ExecutionState.FAILED:
            return "known"
        _check_next(execution)
        by_hand.give_up(
            request_id=request.pk,
            trouble=HandTrouble.PAYEE_WRONG,
            note=row["reason"],
            by=by,
            at=at,
            version=request.version,
        )
        return "not_paid"
    raise Invalid("the result is neither paid, failed nor returned", code="unknown_result")


def _check_next(execution: Execution) -> None:
    """Of a plan the parts are paid one after another: a result of a later one waits for its turn."""
    waits = by_hand.waiting(execution.request)
    if waits is None or waits.pk != execution.pk:
        raise Conflict("the transfer does not wait for a person", code="not_waiting")


def _open(rows: QuerySet[Execution]) -> QuerySet[Execution]:
    return rows.filter(
        channel_account__channel=Route.BANK_TRANSFER,
        request__state__in=(State.MANUAL_PENDING, State.PARTIALLY_REFUNDED),
    ).exclude(state__in=(*EXECUTION_ENDED, ExecutionState.READY, ExecutionState.SENDING))


def _rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below the header by their line. Raises ``Invalid``."""
    if len(content) > MAX_BYTES:
        raise Invalid("the file is too large", code="result_unreadable")
    try:
        table = table_files.read(content, is_header=lambda cells: {"reference", "result"} <= _places(cells).keys())
    except table_files.NotATable as error:
        raise Invalid("this is no table", code="result_unreadable") from error
    if len(table.rows) > MAX_ROWS:
        raise Invalid("the file has too many rows", code="result_unreadable")
    places = _places(table.columns)
    for line, cells in table.rows:
        yield line, {column: cells[places[column]] if column in places else "" for column in _COLUMNS}


def _places(cells: Sequence[str]) -> dict[str, int]:
    """Which of these name columns that we know."""
    heads = [folded(cell) for cell in cells]
    return {
        column: heads.index(folded(word))
        for column, words in _COLUMNS.items()
        for word in reversed(words)
        if folded(word) in heads
    }


def _fen(text: str) -> int:
    """What left the account, which some banks write with a minus or in brackets."""
    try:
        return abs(fen_typed(text))
    except NotAnAmount as error:
        raise Invalid("not an amount", code=error.code) from error


def _moment(text: str, decided_at: datetime | None, at: datetime) -> datetime:
    """When the bank says, of its day alone noon; at the earliest when it was approved, at the latest now."""
    if not text:
        return at
    try:
        said = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError as error:
        raise Invalid("not a day and time", code="moment_invalid") from error
    if said.tzinfo is None:
        said = said.replace(tzinfo=SHANGHAI)
    if len(text) > 10:
        return said
    noon = datetime.combine(said.date(), time(12), SHANGHAI)
    same_day = decided_at is not None and decided_at.astimezone(SHANGHAI).date() == said.date()
    return min(at, max(noon, decided_at) if same_day and decided_at else noon)
