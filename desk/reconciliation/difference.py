"""One difference: its row on the day's page, and the dialog with what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.access import Scope
from desk.addresses import with_query
from desk.people import person
from desk.reconciliation.funds import witness
from desk.reconciliation.wording import text_of
from merchants.models import Role, Staff
from reconciliation import differences
from reconciliation.models import Difference, FundLine, ReconciliationDay
from reconciliation.models.bill import DayState, MatchOutcome
from reconciliation.models.difference import BY_HAND, Resolution
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
    if not wanted.isascii() or not wanted.isdecimal() or len(wanted) > 18:
        return None
    found = differences.differences_of(merchant_id=day.merchant_id).filter(day=day, pk=int(wanted)).first()
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
        adopt_blocked=text_of(blocked) if adoptable else "",
        resolutions=BY_HAND,
        assignees=list(people.order_by("name")),
    )
