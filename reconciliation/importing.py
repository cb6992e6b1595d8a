"""Taking a statement in: streamed into the database in one transaction, whole or not at all.

The same content again changes nothing. A new version replaces the day's lines and is compared at once; what people had
resolved stays resolved where the facts are the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import BinaryIO

from django.db import connection, transaction
from django.db.models import Count, Sum

from core.audit.actors import SYSTEM, channel
from core.audit.record import record_of
from core.errors import Invalid
from core.money import yuan
from core.plain_text import plain_text, without_direction
from core.sql import insert_rows
from merchants.models import ChannelAccount
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels import contract
from payment_channels.contract import (
    ODD_ROWS_KEPT,
    BillCorrupt,
    BillNotes,
    BillRow,
    BillRowKind,
    Bills,
    BillUnavailable,
    CredentialsInvalid,
    OddRow,
    ProfileInvalid,
)
from payment_channels.profile import BillBasis
from reconciliation import days, matching
from reconciliation.days import Habits
from reconciliation.models import Bill, BillLine, ReconciliationDay
from reconciliation.models.bill import BillSource, MatchOutcome
from refunds.payouts.adapters import adapter_for
from terminals import confirming

_PAYMENTS_AT_ONCE = 2_000
#: The channel's clocks around midnight: a row that was taken on just before may stand on the day after.
_AT_THE_EDGE = timedelta(hours=1)
_COLUMNS = (
    *("bill_id", "line", "kind", "order_no", "channel_transaction_no", "refund_no", "channel_refund_no"),
    *("amount_fen", "fee_fen", "accepted_at", "succeeded_at", "state", "outcome"),
)


class BillUnreadable(Invalid, code="bill_unreadable"):
    """The file is no statement of this channel, was damaged, or does not add up. Nothing was taken from it.

    ``code`` says which of these, see ``contract.BillCorrupt``; ``refusals`` has the sentences.
    """


class BillOfAnotherDay(BillUnreadable, code="bill_of_another_day"):
    """The statement speaks of other days than the one it was given for: ``facts`` name ``day`` and ``found``."""


class BillOfAnotherAccount(BillUnreadable, code="bill_of_another_account"):
    """The statement names other merchant numbers, and no refund of it is the account's: ``facts`` name ``own`` and ``found``."""


class AccountUnusable(Invalid, code="account_unusable"):
    """The channel account's credentials or profile cannot be used."""


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
            return store(day_id=days.day_made(account=account, day=day).pk, statement=statement, at=at, by=by)
    except (BillCorrupt, BillUnavailable) as error:
        raise unreadable(error, account) from error


def unreadable(error: BillCorrupt | BillUnavailable, account: ChannelAccount) -> BillUnreadable:
    """The refusal of a file uploaded for this account."""
    if isinstance(error, BillUnavailable):
        return BillUnreadable(str(error))
    refused = BillUnreadable(str(error), code=error.code, line=error.line)
    refused.facts |= error.facts
    if "acquirer" in error.facts:
        # What to bring instead is this channel's.
        refused.facts["own_channel"] = account.channel
    return refused


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
    tally = _Tally(day.date, days.habits_for(day), statement.notes, by_hand=by is not None)
    statement.notes.on_payment = payments = _Payments(day.channel_account, at)
    insert_rows(BillLine, _COLUMNS, (_stored(bill.pk, row) for row in tally.counted(statement)))
    payments.confirm(bill)
    notes = statement.notes
    _check_day(day, tally, notes)
    for row in tally.apart:
        notes.set_aside(row)
    bill.gap_fen = _total_gap_fen(statement, tally)
    bill.set_aside, bill.set_aside_count = [_odd(row) for row in notes.odd], notes.odd_count
    bill.merchant_no = _storable(", ".join(sorted(notes.named)))[:64]
    if day.channel_account.usable_profile.bill_shared:
        _leave_out_others(day, bill)
    # A shared file has others' rows, too: it is another account's where nothing in it is ours.
    if by is not None and not (day.channel_account.usable_profile.bill_shared and bill.lines.exists()):
        _check_account(day, bill, notes)
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
    record_of(
        day,
        by=by.actor if by else SYSTEM,
        action="reconciliation.import",
        at=at,
        data={
            "account": day.channel_account.code,
            "date": day.date.isoformat(),
            "version": bill.version,
            "sha256": bill.sha256,
            "refunds": bill.refunds,
            "refunds_fen": bill.refunds_fen,
            "set_aside": bill.set_aside_count,
            "gap_fen": bill.gap_fen,
        },
    )
    matching.compare(day=day, at=at)


def _settled(day: ReconciliationDay) -> None:
    day.due_at, day.last_error, day.last_error_message = None, "", ""
    day.save(update_fields=["due_at", "last_error", "last_error_message"])


class _Tally:
    """What passes by while a statement streams into the database."""

    def __init__(self, day: date, habits: Habits, notes: BillNotes, *, by_hand: bool) -> None:
        """What the channel itself hands out as the day's may also have a row of the day before; a person takes the wrong file, or
        one of several days, whose other days' rows are ``apart``.
        """
        self._habits, self._notes = habits, notes
        # A clearing day that is the acquirer's may have what was sent days before.
        self._sets_apart = by_hand and habits.profile.bill_cutoff == time(0)
        self._first, self._end = habits.span_of(day, near=timedelta(days=0 if by_hand else 1))
        self.refunds = self.refunds_fen = 0
        self.elsewhere: Counter[date] = Counter()
        self.apart: list[OddRow] = []

    def counted(self, rows: Iterable[BillRow]) -> Iterator[BillRow]:
        """The rows that are refunds or voids, counted on the way."""
        by_acceptance = self._habits.profile.bill_basis is BillBasis.ACCEPTED
        for row in rows:
            if row.kind not in (BillRowKind.REFUND, BillRowKind.VOID):
                continue
            self.refunds += 1
            instant = row.accepted_at if by_acceptance else row.succeeded_at or row.accepted_at
            if instant is not None and not self._first <= instant < self._end:
                found = self._habits.day_of(instant)
                self.elsewhere[found] += 1
                is_near = self._first - _AT_THE_EDGE <= instant < self._end + _AT_THE_EDGE
                if self._sets_apart and self._notes.period is None and not is_near:
                    self.apart.append(_of_another_day(row, found))
                    continue
            self.refunds_fen += row.amount_fen
            yield row


def _of_another_day(row: BillRow, day: date) -> OddRow:
    numbers = (row.order_no, row.channel_transaction_no, row.refund_no, row.channel_refund_no)
    text = ", ".join(filter(None, (*numbers, yuan(row.amount_fen))))
    return OddRow(line=row.line, text=text, why="row_day", said=day.isoformat(), amount_fen=row.amount_fen)


class _Payments:
    """Payments that pass by in a statement: they confirm sales that were reported before they were paid, but for what the same
    statement takes back.
    """

    def __init__(self, account: ChannelAccount, at: datetime) -> None:
        self._of, self._at = {"merchant_id": account.merchant_id, "account_id": account.pk}, at
        self._by = channel(account.channel)
        self._paid: dict[str, confirming.Payment] = {}
        self._waiting: dict[str, confirming.Payment] = {}

    def __call__(self, number: str, payment_no: str, amount_fen: int) -> None:
        self._paid[number] = confirming.Payment(payment_no, amount_fen)
        if len(self._paid) >= _PAYMENTS_AT_ONCE:
            self._sift()

    def confirm(self, bill: Bill) -> None:
        self._sift()
        gone = bill.lines.filter(channel_transaction_no__in=list(self._waiting))
        for number in gone.values_list("channel_transaction_no", flat=True):
            self._waiting.pop(number, None)
        confirming.confirm_paid(**self._of, payments=self._waiting, by=self._by, at=self._at)

    def _sift(self) -> None:
        by_shop = {one.payment_no: number for number, one in self._paid.items()}
        for sale in confirming.not_known_as_paid(**self._of, payments=self._paid):
            number = sale.channel_transaction_no or by_shop[sale.payment_no]
            self._waiting[number] = self._paid[number]
        self._paid = {}


def _total_gap_fen(statement: contract.Bill, tally: _Tally) -> int:
    """What the statement's own total says beyond its rows, those set aside included. Raises ``BillCorrupt`` where none were:
    then it was cut or edited.
    """
    declared, notes = statement.declared(), statement.notes
    if declared is None:
        return 0
    gap_fen = declared.refunds_fen - tally.refunds_fen
    if gap_fen and not notes.odd_count:
        raise BillCorrupt(
            f"the rows make {tally.refunds_fen} fen, the statement says {declared.refunds_fen}",
            code="bill_does_not_add_up",
            declared_fen=declared.refunds_fen,
            rows_fen=tally.refunds_fen,
        )
    return gap_fen - sum(row.amount_fen or 0 for row in notes.odd)


def _check_day(day: ReconciliationDay, tally: _Tally, notes: BillNotes) -> None:
    if notes.period is not None and notes.period != (day.date, day.date):
        raise BillOfAnotherDay("the statement covers other days", day=day.date, found=_days(*notes.period))
    if tally.elsewhere.total() * 2 > tally.refunds or len(tally.apart) > ODD_ROWS_KEPT:
        found = _days(min(tally.elsewhere), max(tally.elsewhere))
        raise BillOfAnotherDay("most of these refunds belong to other days", day=day.date, found=found)


def _days(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first} - {last}"


def _check_account(day: ReconciliationDay, bill: Bill, notes: BillNotes) -> None:
    """Numbers may change, be a service provider's or a shop's below it: another account's file has no refund of this one."""
    own = notes.own_numbers
    if not own:
        before = Bill.objects.filter(day__channel_account=day.channel_account_id).exclude(merchant_no="")
        own = frozenset(before.exclude(pk=bill.pk).order_by("-pk").values_list("merchant_no", flat=True)[:1])
    if not notes.named or not own or own & notes.named or bill.merchant_no in own:
        return
    # A row that was set aside may be the one that is ours.
    said = {number for row in notes.odd for number in _NUMBERS.findall(row.text)}
    with connection.cursor() as cursor:
        cursor.execute(_ANY_OURS, {"bill": bill.pk, "account": day.channel_account_id, "said": sorted(said)})
        if cursor.fetchone() is None:
            raise BillOfAnotherAccount(
                "the statement names another merchant", own=", ".join(sorted(own)), found=bill.merchant_no
            )


_NUMBERS = re.compile(r"[0-9A-Za-z_-]{8,64}")
_ANY_OURS = """
SELECT 1 FROM reconciliation_billline l JOIN refunds_execution e ON e.channel_account_id = %(account)s
   AND (e.refund_no = nullif(l.refund_no, '') OR e.channel_refund_no = nullif(l.channel_refund_no, ''))
 WHERE l.bill_id = %(bill)s
 UNION ALL
SELECT 1 FROM refunds_execution e WHERE e.channel_account_id = %(account)s AND e.refund_no = ANY(%(said)s) LIMIT 1
"""


def _odd(row: OddRow) -> dict[str, object]:
    return {
        "line": row.line,
        "text": plain_text(row.text),
        "why": row.why,
        "said": plain_text(row.said),
        "amount_fen": row.amount_fen,
    }


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
    bill.refunds, bill.refunds_fen = int(sums["refunds"] or 0), int(sums["refunds_fen"] or 0)
    bill.fees_fen = sums["fees_fen"] if bill.refunds else 0
    bill.save()


def _stored(bill_id: int, row: BillRow) -> tuple[object, ...]:
    """A row in the order of ``_COLUMNS``."""
    numbers = [
        _storable(text) for text in (row.order_no, row.channel_transaction_no, row.refund_no, row.channel_refund_no)
    ]
    return (
        *(bill_id, row.line, row.kind.value, *numbers, row.amount_fen, row.fee_fen),
        *(row.accepted_at, row.succeeded_at, _storable(row.state)[:40], MatchOutcome.CHANNEL_ONLY.value),
    )


def _storable(text: str) -> str:
    """Without NUL, which no text of the database can hold, and without marks that would turn what stands beside it."""
    return text if text.isascii() and "\0" not in text else without_direction(text.replace("\0", ""))
