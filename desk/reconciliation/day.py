"""One account's day: both sides, every refund by kind, the difference that the address names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict
from django.urls import reverse

from desk import keyset
from desk.access import Scope
from desk.addresses import with_query
from desk.forms import whole
from desk.people import person
from desk.reconciliation.funds import FundsCard, funds_card, witness
from desk.reconciliation.page import Sums, state_of, sums_of, text_of
from desk.rows import pager
from merchants.models import Role, Staff
from reconciliation import closing, differences, matching
from reconciliation.models import BillLine, Difference, FundLine, ReconciliationDay
from reconciliation.models.bill import DayState, MatchOutcome
from reconciliation.models.difference import BY_HAND, Resolution
from reconciliation.refusals import channel_state, why_set_aside
from refunds.states import ExecutionState
from terminals.models import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """``number`` is our refund's, "" for none; ``age_days`` is None once it is resolved."""

    difference: Difference
    number: str
    refund_no: str
    channel_refund_no: str
    is_reversal: bool
    age_days: int | None
    owner: object | None
    act_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceDialog:
    """``money`` is what the account's money says: None without a fund flow, empty where none moved."""

    row: DifferenceRow
    money: Sequence[FundLine] | None
    sale: Transaction | None
    is_open: bool
    can_be_adopted: bool
    is_stuck: bool
    adopt_blocked: str
    resolutions: Sequence[Resolution]
    assignees: Sequence[Staff]


def difference_row(difference: Difference, *, path: str, at: datetime) -> DifferenceRow:
    line, payout = difference.line, difference.execution
    # A statement's earlier version takes its lines along; what was resolved of them stays.
    numbered = line or payout
    return DifferenceRow(
        difference=difference,
        number=payout.request.number if payout else "",
        refund_no=(numbered.refund_no or (line.order_no if line else "")) if numbered else difference.number,
        channel_refund_no=numbered.channel_refund_no if numbered else "",
        is_reversal=line is not None and differences.is_reversal(line),
        age_days=None if difference.resolution else (at - difference.opened_at).days,
        owner=person(difference.owner),
        act_url=with_query(path, tab=difference.kind, difference=str(difference.pk)),
    )


def difference_dialog(*, day: ReconciliationDay, wanted: str, scope: Scope, at: datetime) -> DifferenceDialog | None:
    """The difference of this day that an address names; None for none."""
    of_day = differences.differences_of(merchant_id=day.merchant_id).filter(day=day)
    found = of_day.filter(pk=whole(wanted, digits=18) or 0).first()
    if found is None:
        return None
    row, sale = difference_row(found, path="", at=at), differences.sale_behind(found)
    is_open = not found.resolution and day.state == DayState.OPEN
    blocked = differences.why_not_adopt(found, sale)
    adoptable = is_open and found.kind == MatchOutcome.CHANNEL_ONLY
    people = Staff.objects.filter(
        merchant_id=scope.staff.merchant_id, is_active=True, role__in=[Role.FINANCE, Role.MANAGER, Role.OWNER]
    )
    return DifferenceDialog(
        row=row,
        money=witness(day_id=day.pk, refund_no=row.refund_no, channel_refund_no=row.channel_refund_no),
        sale=sale,
        is_open=is_open,
        can_be_adopted=adoptable and not blocked,
        is_stuck=found.line is not None and differences.is_stuck(found.line),
        adopt_blocked=text_of(blocked) if adoptable else "",
        resolutions=BY_HAND,
        assignees=list(people.order_by("name")),
    )


_PAGE_SIZE = 50
#: In-flight payouts listed one by one; the count above them is exact.
_WAITING_SHOWN = 200
_SET_ASIDE_SHOWN = 100
#: The tab that opens by itself is the first of these that has anything.
_URGENCY = (
    MatchOutcome.AMOUNT_DIFFERS,
    MatchOutcome.OURS_ONLY,
    MatchOutcome.CHANNEL_ONLY,
    MatchOutcome.PENDING,
    MatchOutcome.MATCHED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    label: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """A refund of the statement, or a payout that waits for its line; ``number`` is our refund's, "" for none."""

    number: str
    refund_no: str
    channel_refund_no: str = ""
    order_no: str = ""
    at: datetime | None
    ours_fen: int | None
    bill_fen: int | None = None
    state_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A row of the statement that could not be read, with its words."""

    line: int
    why: str
    text: str
    amount_fen: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPage:
    """``close_blocked`` says what keeps an open day from being closed, ``last_error`` why there is no statement.

    ``rows`` are ``LineRow`` or, on a tab of differences, ``DifferenceRow``.
    """

    day: ReconciliationDay
    sums: Sums
    fees_fen: int | None
    set_aside: Sequence[SetAside]
    state_label: str
    tone: str
    is_closed: bool
    can_close: bool
    close_blocked: str
    last_error: str
    funds: FundsCard | None
    tabs: Sequence[Tab]
    is_difference: bool
    rows: Sequence[LineRow] | Sequence[DifferenceRow]
    pager: object
    dialog: DifferenceDialog | None
    open_dialog: str
    return_to: str


def address(day: ReconciliationDay) -> str:
    return reverse("desk:reconciliation-day", args=[day.channel_account.code, day.date])


def day_page(*, day: ReconciliationDay, scope: Scope, query: QueryDict, at: datetime) -> DayPage:
    path, cursor = address(day), query.get("c", "")
    kind = _tab(day, query)
    is_difference = kind not in (MatchOutcome.MATCHED, MatchOutcome.PENDING)
    rows, page_of = _differences(day, kind, query, at) if is_difference else _lines(day, kind, query)
    is_closed = day.state == DayState.CLOSED
    blocked = "" if is_closed else closing.why_not_close(day)
    state_label, tone = state_of(day)
    return DayPage(
        day=day,
        sums=sums_of(day),
        fees_fen=-day.bill.fees_fen if day.bill and day.bill.fees_fen is not None else None,
        set_aside=_set_aside(day),
        state_label=state_label,
        tone=tone,
        is_closed=is_closed,
        can_close=not is_closed and not blocked,
        close_blocked=text_of(blocked),
        last_error=day.last_error and (text_of(day.last_error) or day.last_error_message or day.last_error),
        funds=funds_card(day),
        tabs=[
            Tab(
                label=str(item.label),
                count=getattr(day, item),
                url=with_query(path, tab=item.value),
                current=item == kind,
            )
            for item in MatchOutcome
        ],
        is_difference=is_difference,
        rows=rows,
        pager=page_of,
        dialog=difference_dialog(day=day, wanted=query.get("difference", ""), scope=scope, at=at),
        open_dialog=query.get("do", ""),
        return_to=with_query(path, tab=kind.value, c=cursor),
    )


def _set_aside(day: ReconciliationDay) -> list[SetAside]:
    rows = day.bill.set_aside[:_SET_ASIDE_SHOWN] if day.bill and day.bill.set_aside_count else []
    return [
        SetAside(line=row["line"], why=why_set_aside(row), text=row["text"], amount_fen=row["amount_fen"])
        for row in rows
    ]


def _tab(day: ReconciliationDay, query: QueryDict) -> MatchOutcome:
    wanted = query.get("tab", "")
    if wanted in MatchOutcome.values:
        return MatchOutcome(wanted)
    return next((kind for kind in _URGENCY if getattr(day, kind)), MatchOutcome.MATCHED)


def _lines(day: ReconciliationDay, kind: MatchOutcome, query: QueryDict) -> tuple[list[LineRow], object]:
    lines = BillLine.objects.filter(bill=day.bill, outcome=kind).select_related("execution__request")
    found = keyset.page(
        lines.defer("execution__proof"), order=keyset.Order(), cursor=query.get("c", ""), size=_PAGE_SIZE
    )
    rows = [_line(line) for line in found.rows]
    if kind is MatchOutcome.PENDING and not found.next_cursor:
        rows += [
            LineRow(
                number=item.request_number,
                refund_no=item.refund_no,
                at=item.sent_at,
                ours_fen=item.amount_fen if item.state == ExecutionState.SUCCEEDED else None,
                state_label=str(ExecutionState(item.state).label),
            )
            for item in matching.waiting(day=day, limit=_WAITING_SHOWN)
        ]
    return rows, pager(found, total=keyset.Capped(getattr(day, kind)), path=address(day), query=query)


def _line(line: BillLine) -> LineRow:
    payout = line.execution
    paid = payout is not None and payout.state == ExecutionState.SUCCEEDED
    return LineRow(
        number=payout.request.number if payout else "",
        refund_no=line.refund_no,
        channel_refund_no=line.channel_refund_no,
        order_no=line.order_no,
        at=line.accepted_at,
        ours_fen=payout.amount_fen if paid and payout else None,
        bill_fen=line.amount_fen,
        state_label=str(ExecutionState(payout.state).label) if payout else channel_state(line),
    )


def _differences(
    day: ReconciliationDay, kind: MatchOutcome, query: QueryDict, at: datetime
) -> tuple[list[DifferenceRow], object]:
    known = differences.differences_of(merchant_id=day.merchant_id).filter(day=day, kind=kind)
    known = known.exclude(resolution=Resolution.CLEARED)
    found = keyset.page(known, order=keyset.Order(), cursor=query.get("c", ""), size=_PAGE_SIZE)
    rows = [difference_row(row, path=address(day), at=at) for row in found.rows]
    return rows, pager(found, total=keyset.count(known), path=address(day), query=query)
