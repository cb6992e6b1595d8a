"""Taking a statement in: streamed into the database in one transaction, whole or not at all.

The same content again changes nothing. A new version replaces the day's lines and is compared at once; what people had
resolved stays resolved where the facts are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import BinaryIO

from django.db import connection, transaction
from django.db.models import Count, Sum

from core.audit.actors import SYSTEM
from core.audit.record import record
from core.errors import Invalid
from core.plain_text import without_direction
from core.sql import insert_rows
from merchants.models import ChannelAccount
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels import contract
from payment_channels.contract import (
    BillCorrupt,
    BillRow,
    BillRowKind,
    Bills,
    BillUnavailable,
    CredentialsInvalid,
    ProfileInvalid,
)
from payment_channels.profile import BillBasis
from reconciliation import days, matching
from reconciliation.habits import Habits
from reconciliation.models import Bill, BillLine, ReconciliationDay
from reconciliation.models.bill import BillSource, MatchOutcome
from refunds.payouts.adapters import adapter_for

_COLUMNS = (
    *("bill_id", "line", "kind", "order_no", "channel_transaction_no", "refund_no", "channel_refund_no"),
    *("amount_fen", "fee_fen", "accepted_at", "succeeded_at", "state", "outcome"),
)


class BillUnreadable(Invalid):
    """The file is no statement of this channel, was damaged, or does not add up. Nothing was taken from it."""

    code = "bill_unreadable"


class BillOfAnotherDay(Invalid):
    """The statement speaks of other days than the one it was given for."""

    code = "bill_of_another_day"


class AccountUnusable(Invalid):
    """The channel account's credentials or profile cannot be used."""

    code = "account_unusable"


@dataclass(frozen=True, slots=True)
class Imported:
    """``is_new`` is false when the day already had just this content."""

    bill: Bill
    is_new: bool


@transaction.atomic
def upload(*, account: ChannelAccount, day: date, file: BinaryIO, by: Principal, at: datetime) -> Imported:
    """Take in a statement that a person got from the channel's portal. Raises ``BillUnreadable``, ``BillOfAnotherDay``,
    ``DayClosed`` or ``Forbidden``; then nothing is left of it, the day included if it was not known before.
    """
    check_may(Act.TAKE_STATEMENT, by=by, subject=Subject(merchant_id=account.merchant_id, store_id=None))
    try:
        with statements_of(account).open_bill(file=file, day=day) as statement:
            _check_not_empty(statement)
            return store(day_id=days.day_made(account=account, day=day).pk, statement=statement, at=at, by=by)
    except (BillCorrupt, BillUnavailable) as error:
        raise BillUnreadable(str(error)) from error


def _check_not_empty(statement: contract.Bill) -> None:
    """A channel may say so of a day without refunds; a person with an empty file has lost its content."""
    if statement.size == 0:
        raise BillCorrupt("the file is empty")


def statements_of(account: ChannelAccount) -> Bills:
    """The account's adapter. Raises ``AccountUnusable``, ``BillUnavailable``."""
    try:
        adapter = adapter_for(account.pk, account.revision)
    except (CredentialsInvalid, ProfileInvalid) as error:
        raise AccountUnusable(str(error)) from error
    if not isinstance(adapter, Bills):
        raise BillUnavailable("no_statements", "this channel has no statements", later=False)
    return adapter


@transaction.atomic
def store(*, day_id: int, statement: contract.Bill, at: datetime, by: Principal | None = None) -> Imported:
    """Store a statement as its day's and compare. Raises ``BillCorrupt``, ``BillOfAnotherDay`` or ``DayClosed``."""
    day = days.locked(day_id)
    current = day.bill
    if current is not None and current.sha256 == statement.digest:
        _settled(day)
        return Imported(current, is_new=False)
    bill = _new_version(day, sha256=statement.digest, size=statement.size, at=at, by=by)
    tally = _Tally(day.date, days.habits_for(day))
    insert_rows(BillLine, _COLUMNS, (_stored(bill.pk, row) for row in tally.counted(statement)))
    _check_totals(statement, tally)
    if tally.elsewhere * 2 > tally.refunds:
        raise BillOfAnotherDay("most of these refunds belong to other days", day=day.date.isoformat())
    if day.channel_account.usable_profile.bill_shared:
        _leave_out_others(day, bill)
    _add_up(bill)
    _replace(day, current, bill, at=at, by=by)
    return Imported(bill, is_new=True)


@transaction.atomic
def store_empty(*, day_id: int, at: datetime) -> Imported:
    """The channel says that it has no statement of the day because nothing happened."""
    day = days.locked(day_id)
    if day.bill is not None and day.bill.size == 0:
        _settled(day)
        return Imported(day.bill, is_new=False)
    bill = _new_version(day, sha256="", size=0, at=at, by=None)
    _replace(day, day.bill, bill, at=at, by=None)
    return Imported(bill, is_new=True)


def _new_version(day: ReconciliationDay, *, sha256: str, size: int, at: datetime, by: Principal | None) -> Bill:
    version = Bill.objects.filter(day=day).count() + 1
    return Bill.objects.create(
        day=day,
        version=version,
        source=BillSource.UPLOAD if by else BillSource.DOWNLOAD,
        sha256=sha256,
        size=size,
        refunds=0,
        refunds_fen=0,
        fees_fen=0,
        imported_at=at,
        imported_by_id=by.staff_id if by else None,
    )


def _replace(day: ReconciliationDay, before: Bill | None, bill: Bill, *, at: datetime, by: Principal | None) -> None:
    if before is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE reconciliation_difference SET line_id = NULL "
                "WHERE line_id IN (SELECT id FROM reconciliation_billline WHERE bill_id = %s)",
                [before.pk],
            )
            cursor.execute("DELETE FROM reconciliation_billline WHERE bill_id = %s", [before.pk])
    day.bill = bill
    day.save(update_fields=["bill"])
    _settled(day)
    record(
        merchant_id=day.merchant_id,
        by=by.actor if by else SYSTEM,
        action="reconciliation.import",
        object_type="reconciliation_day",
        object_id=day.pk,
        at=at,
        data={
            "account": day.channel_account.code,
            "date": day.date.isoformat(),
            "version": bill.version,
            "sha256": bill.sha256,
            "refunds": bill.refunds,
            "refunds_fen": bill.refunds_fen,
        },
    )
    matching.compare(day=day, at=at)


def _settled(day: ReconciliationDay) -> None:
    day.due_at, day.last_error, day.last_error_message = None, "", ""
    day.save(update_fields=["due_at", "last_error", "last_error_message"])


class _Tally:
    """What passes by while a statement streams into the database."""

    def __init__(self, day: date, habits: Habits) -> None:
        self._day, self._habits = day, habits
        self.refunds = self.refunds_fen = self.elsewhere = 0

    def counted(self, rows: Iterable[BillRow]) -> Iterator[BillRow]:
        """The rows that are refunds or voids, counted on the way."""
        near = timedelta(days=1)
        for row in rows:
            if row.kind not in (BillRowKind.REFUND, BillRowKind.VOID):
                continue
            self.refunds += 1
            self.refunds_fen += row.amount_fen
            instant = (
                row.accepted_at
                if self._habits.profile.bill_basis is BillBasis.ACCEPTED
                else row.succeeded_at or row.accepted_at
            )
            if instant is not None and abs(self._habits.day_of(instant) - self._day) > near:
                self.elsewhere += 1
            yield row


def _check_totals(statement: contract.Bill, tally: _Tally) -> None:
    """A statement that does not add up was cut or edited."""
    declared = statement.declared()
    if declared is not None and declared.refunds_fen != tally.refunds_fen:
        raise BillCorrupt(f"the lines make {tally.refunds_fen} fen, the statement says {declared.refunds_fen}")


_OTHERS = """
DELETE FROM reconciliation_billline l WHERE l.bill_id = %(bill)s
   AND NOT EXISTS (SELECT 1 FROM terminals_transaction t
                    WHERE t.merchant_id = %(merchant)s AND t.channel = %(channel)s
                      AND t.channel_transaction_no = l.channel_transaction_no)
   AND NOT EXISTS (SELECT 1 FROM refunds_execution e
                    WHERE e.channel_account_id = %(account)s AND e.refund_no = l.refund_no)
"""


def _leave_out_others(day: ReconciliationDay, bill: Bill) -> None:
    """An account that a provider shares among merchants (``bill_shared``): only lines of our sales concern us."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OTHERS,
            {
                "bill": bill.pk,
                "merchant": day.merchant_id,
                "account": day.channel_account_id,
                "channel": day.channel_account.channel,
            },
        )


def _add_up(bill: Bill) -> None:
    sums = bill.lines.aggregate(refunds=Count("pk"), refunds_fen=Sum("amount_fen"), fees_fen=Sum("fee_fen"))
    bill.refunds, bill.refunds_fen, bill.fees_fen = (int(value or 0) for value in sums.values())
    bill.save(update_fields=["refunds", "refunds_fen", "fees_fen"])


def _stored(bill_id: int, row: BillRow) -> tuple[object, ...]:
    """A row in the order of ``_COLUMNS``."""
    numbers = [
        _storable(text) for text in (row.order_no, row.channel_transaction_no, row.refund_no, row.channel_refund_no)
    ]
    if any(len(number) > 64 for number in numbers):
        raise BillCorrupt("a number is longer than any of this channel's", line=row.line)
    return (
        *(bill_id, row.line, row.kind.value, *numbers, row.amount_fen, row.fee_fen),
        *(row.accepted_at, row.succeeded_at, _storable(row.state)[:40], MatchOutcome.CHANNEL_ONLY.value),
    )


def _storable(text: str) -> str:
    """Without NUL, which no text of the database can hold, and without marks that would turn what stands beside it."""
    return without_direction(text.replace("\0", ""))
