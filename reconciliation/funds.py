"""The account's money as a witness: WeChat Pay's fund flow beside the day's statement.

The trade bill says which refunds were taken on; the fund flow, what left the account for each and what came back when one was
closed. A refund row stands in both on the day of acceptance, so every line has its counterpart (ADR 0026). It settles nothing by
itself: it shows which side of a difference the money took.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import BinaryIO

from django.db import connection, transaction
from django.db.models import Q

from core.audit.record import record_of
from core.errors import DomainError, Invalid
from core.plain_text import without_direction
from merchants import channels, principals
from merchants.models import ChannelAccount
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels import contract
from payment_channels.contract import BillCorrupt, BillKind, BillNotes, BillRow, BillRowKind, BillUnavailable
from reconciliation import days, importing
from reconciliation.models import FundLine, FundStatement, ReconciliationDay
from reconciliation.models.bill import DayState
from reconciliation.models.fund_line import FundKind

logger = logging.getLogger(__name__)

#: Channels that say what happened to the account's money.

#: How long it is asked for by itself, and after which time "no statement" means that no money moved.
_ASKED_FOR = timedelta(days=7)
_EMPTY_AFTER = timedelta(hours=12)
_BATCH = 2000

_LINK = """
UPDATE reconciliation_fundline f SET execution_id = e.id
  FROM refunds_execution e
 WHERE f.statement_id = %(statement)s AND e.channel_account_id = %(account)s AND e.refund_no = f.refund_no AND f.refund_no <> ''
"""

#: On an account that merchants share only what is ours, or stands in our part of the day's bill, concerns us.
_OTHERS = """
DELETE FROM reconciliation_fundline f
 WHERE f.statement_id = %(statement)s AND f.execution_id IS NULL
   AND NOT EXISTS (SELECT 1 FROM reconciliation_billline l
                    WHERE l.bill_id = %(bill)s AND l.channel_refund_no = f.channel_refund_no)
"""

_ADD_UP = """
UPDATE reconciliation_fundstatement s SET (out_count, out_fen, back_count, back_fen, fees_back_fen) = (
  SELECT count(*) FILTER (WHERE kind = 'refund'), coalesce(sum(amount_fen) FILTER (WHERE kind = 'refund'), 0),
         count(*) FILTER (WHERE kind = 'refund_closed'), coalesce(sum(amount_fen) FILTER (WHERE kind = 'refund_closed'), 0),
         coalesce(-sum(fee_fen) FILTER (WHERE kind = 'refund'), 0)
    FROM reconciliation_fundline WHERE statement_id = s.id)
 WHERE s.id = %(statement)s
"""

_FINDINGS = """
WITH money AS (
  SELECT channel_refund_no, max(refund_no) AS refund_no, sum(amount_fen)::bigint AS amount_fen,
         (array_agg(execution_id) FILTER (WHERE execution_id IS NOT NULL))[1] AS execution_id
    FROM reconciliation_fundline WHERE statement_id = %(statement)s AND kind = 'refund' GROUP BY channel_refund_no
), bill AS (
  SELECT channel_refund_no, max(refund_no) AS refund_no, sum(amount_fen)::bigint AS amount_fen,
         (array_agg(execution_id) FILTER (WHERE execution_id IS NOT NULL))[1] AS execution_id
    FROM reconciliation_billline WHERE bill_id = %(bill)s GROUP BY channel_refund_no
), found AS (
  SELECT CASE WHEN b.channel_refund_no IS NULL THEN 'only_money' WHEN m.channel_refund_no IS NULL THEN 'only_bill'
              ELSE 'amount_differs' END AS kind,
         coalesce(m.refund_no, b.refund_no) AS refund_no, coalesce(m.channel_refund_no, b.channel_refund_no) AS channel_refund_no,
         b.amount_fen AS bill_fen, m.amount_fen AS money_fen, coalesce(m.execution_id, b.execution_id) AS execution_id
    FROM money m FULL JOIN bill b ON b.channel_refund_no = m.channel_refund_no
   WHERE b.amount_fen IS DISTINCT FROM m.amount_fen
   UNION ALL
  SELECT 'came_back', f.refund_no, f.channel_refund_no, NULL, -f.amount_fen, f.execution_id
    FROM reconciliation_fundline f JOIN refunds_execution e ON e.id = f.execution_id AND e.state = 'succeeded'
   WHERE f.statement_id = %(statement)s AND f.kind = 'refund_closed')
SELECT found.kind, coalesce(r.number, ''), found.refund_no, found.channel_refund_no, found.bill_fen, found.money_fen
  FROM found LEFT JOIN refunds_execution e ON e.id = found.execution_id
  LEFT JOIN refunds_refundrequest r ON r.id = e.request_id
 ORDER BY found.kind, found.channel_refund_no LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Where bill and money disagree. ``kind`` is only_money, only_bill, amount_differs or came_back (we call it paid).

    Amounts in fen, None on the side that does not know the refund; what came back is negative.
    """

    kind: str
    request_number: str
    refund_no: str
    channel_refund_no: str
    bill_fen: int | None
    money_fen: int | None


def offered_by(account: ChannelAccount) -> bool:
    """Whether this account's channel gives statements of its funds."""
    return account.channel in channels.with_fund_flow()


def work(*, at: datetime) -> int:
    """Fetch what is missing beside the bills of recent days. Returns statements taken in."""
    missing = ReconciliationDay.objects.filter(
        state=DayState.OPEN,
        bill__isnull=False,
        funds__isnull=True,
        channel_account__channel__in=channels.with_fund_flow(),
        date__gte=(at - _ASKED_FOR).date(),
    )
    return sum(fetch_quietly(day_id=day_id, at=at) for day_id in missing.order_by("date").values_list("pk", flat=True))


def fetch_quietly(*, day_id: int, at: datetime) -> bool:
    """Fetch a day's fund flow if its channel has one; without it reconciliation goes on. True when it was taken in."""
    day = ReconciliationDay.objects.select_related("channel_account").get(pk=day_id)
    if not offered_by(day.channel_account):
        return False
    try:
        _fetch(day, at)
    except (BillUnavailable, BillCorrupt, DomainError) as error:
        logger.info("no fund flow for day %s yet: %s", day_id, error)
        return False
    return True


class FundsBeforeStatement(Invalid, code="funds_before_statement"):
    """A fund flow is a witness beside the day's statement, which is not there yet."""


@transaction.atomic
def upload(*, account: ChannelAccount, day: date, file: BinaryIO, by: Principal, at: datetime) -> FundStatement:
    """Take in a fund flow that a person got from the portal. Raises ``BillUnreadable``, ``FundsBeforeStatement``,
    ``DayClosed`` or ``Forbidden``; then nothing is left of it.
    """
    check_may(Act.TAKE_STATEMENT, by=by, subject=Subject(merchant_id=account.merchant_id, store_id=None))
    found = ReconciliationDay.objects.filter(channel_account=account, date=day, bill__isnull=False).first()
    if found is None:
        raise FundsBeforeStatement("the day has no statement yet")
    try:
        with importing.statements_of(account).open_bill(file=file, day=day, kind=BillKind.FUNDS) as statement:
            return store(day_id=found.pk, statement=statement, at=at, by=by)
    except (BillCorrupt, BillUnavailable) as error:
        raise importing.unreadable(error, account) from error


@transaction.atomic
def store(
    *, day_id: int, statement: contract.Bill | None, at: datetime, by: Principal = principals.SYSTEM
) -> FundStatement:
    """Store a fund flow as its day's; None says that no money moved.

    Raises ``BillCorrupt``, ``BillOfAnotherDay``, ``BillOfAnotherAccount``, ``DayClosed``.
    """
    day = days.locked(day_id)
    current = FundStatement.objects.filter(day=day).first()
    if current is not None and statement is not None and current.sha256 == statement.digest:
        return current
    if current is not None:
        current.delete()
    made = FundStatement.objects.create(
        day=day, sha256=statement.digest if statement else "", size=statement.size if statement else 0, imported_at=at
    )
    if statement is not None:
        _take_in(made, statement, day)
    _settle(made, day)
    if statement is not None and by.staff_id is not None:
        _check_account(made, statement.notes, day)
    record_of(
        day,
        by=by.actor,
        action="reconciliation.funds",
        at=at,
        data={"date": day.date.isoformat(), "sha256": made.sha256, "out_fen": made.out_fen, "back_fen": made.back_fen},
    )
    return made


def findings(*, day: ReconciliationDay, statement: FundStatement, limit: int) -> list[Finding]:
    """Where the day's bill and its money disagree."""
    with connection.cursor() as cursor:
        cursor.execute(_FINDINGS, {"statement": statement.pk, "bill": day.bill_id, "limit": limit})
        return [Finding(*row) for row in cursor.fetchall()]


def statement_of(day: ReconciliationDay) -> FundStatement | None:
    """The fund flow that was taken in for a day, if it was."""
    return FundStatement.objects.filter(day=day).first()


def lines_of(*, statement: FundStatement, refund_no: str, channel_refund_no: str) -> list[FundLine]:
    """What the money says of one refund, by our number or else by the channel's."""
    lines = statement.lines.order_by("line")
    if found := list(lines.filter(refund_no=refund_no)) if refund_no else []:
        return found
    return list(lines.filter(channel_refund_no=channel_refund_no)) if channel_refund_no else []


def _fetch(day: ReconciliationDay, at: datetime) -> None:
    try:
        with importing.statements_of(day.channel_account).download_bill(day=day.date, kind=BillKind.FUNDS) as statement:
            store(day_id=day.pk, statement=statement, at=at)
    except BillUnavailable as error:
        waited = at - days.habits_for(day).bill_at(day.date)
        if not error.empty or (error.later and waited < _EMPTY_AFTER):
            raise
        store(day_id=day.pk, statement=None, at=at)


def _take_in(made: FundStatement, statement: contract.Bill, day: ReconciliationDay) -> None:
    habits = days.habits_for(day)
    out_fen = count = elsewhere = 0

    def refunds() -> Iterator[BillRow]:
        nonlocal out_fen, count, elsewhere
        for row in statement:
            if row.state == _OUTGOING:
                # A refund's row is net of the fee that came back with it.
                out_fen += row.amount_fen + (row.fee_fen or 0 if row.kind in _KINDS else 0)
            count += 1
            if row.accepted_at is not None and not habits.may_stand_on(day.date, row.accepted_at):
                elsewhere += 1
            if row.kind in _KINDS:
                yield row

    rows = refunds()
    while batch := list(islice(rows, _BATCH)):
        FundLine.objects.bulk_create(
            FundLine(
                statement=made,
                line=row.line,
                kind=row.kind.value,
                refund_no=_stored(row.refund_no),
                channel_refund_no=_stored(row.channel_refund_no),
                amount_fen=row.amount_fen,
                fee_fen=row.fee_fen or 0,
                booked_at=row.accepted_at,
            )
            for row in batch
        )
    declared = statement.declared()
    if declared is not None and declared.refunds_fen != out_fen and not statement.notes.odd_count:
        raise BillCorrupt(
            f"the rows make {out_fen} fen, the fund flow says {declared.refunds_fen}",
            code="bill_does_not_add_up",
            declared_fen=declared.refunds_fen,
            rows_fen=out_fen,
        )
    if elsewhere * 2 > count:
        raise importing.BillOfAnotherDay("most of these movements belong to other days", day=day.date, found="")
    made.set_aside_count = statement.notes.odd_count
    made.save(update_fields=["set_aside_count"])


def _check_account(made: FundStatement, notes: BillNotes, day: ReconciliationDay) -> None:
    """The flow names who moved money where a program did; another account's has nothing that the day's statement has."""
    if day.bill is None or not notes.named or not notes.own_numbers or notes.named & notes.own_numbers:
        return
    stated = day.bill.lines.values("channel_refund_no")
    if not made.lines.filter(Q(execution__isnull=False) | Q(channel_refund_no__in=stated)).exists():
        own, found = (", ".join(sorted(numbers)) for numbers in (notes.own_numbers, notes.named))
        raise importing.BillOfAnotherAccount("the fund flow names another merchant", own=own, found=found)


def _stored(number: str) -> str:
    """A number as the database can hold it."""
    return without_direction(number.replace("\0", ""))[:64]


_OUTGOING = "支出"
_KINDS = (BillRowKind(FundKind.OUT.value), BillRowKind(FundKind.BACK.value))


def _settle(made: FundStatement, day: ReconciliationDay) -> None:
    parameters = {"statement": made.pk, "account": day.channel_account_id, "bill": day.bill_id}
    with connection.cursor() as cursor:
        cursor.execute(_LINK, parameters)
        if day.channel_account.usable_profile.bill_shared:
            cursor.execute(_OTHERS, parameters)
        cursor.execute(_ADD_UP, parameters)
    made.refresh_from_db()
