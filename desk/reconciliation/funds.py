"""What the account's money says of a day, and of one refund of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reconciliation import funds
from reconciliation.funds import Finding
from reconciliation.models import FundLine, FundStatement, ReconciliationDay

#: Rows listed one by one; more than these is trouble of another kind.
_SHOWN = 100

_KINDS: Mapping[str, tuple[Promise | str, str]] = {
    "only_money": (_("Money moved, not in the statement"), "warn"),
    "only_bill": (_("In the statement, no money moved"), "bad"),
    "amount_differs": (_("Amount differs"), "bad"),
    "came_back": (_("The money came back, and we call it paid"), "bad"),
}


@dataclass(frozen=True, slots=True)
class FundsRow:
    finding: Finding
    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class FundsCard:
    """The day's money beside its bill; ``statement`` is None while the channel has not said it yet."""

    statement: FundStatement | None
    rows: Sequence[FundsRow]


def funds_card(day: ReconciliationDay) -> FundsCard | None:
    """None where the channel says nothing of its money."""
    if not funds.offered_by(day.channel_account):
        return None
    statement = funds.statement_of(day)
    found = funds.findings(day=day, statement=statement, limit=_SHOWN) if statement else []
    return FundsCard(statement, [_row(finding) for finding in found])


def witness(*, day_id: int, refund_no: str, channel_refund_no: str) -> Sequence[FundLine] | None:
    """What the money says of one refund, nothing where none moved; None without a fund flow."""
    statement = FundStatement.objects.filter(day_id=day_id).first()
    if statement is None:
        return None
    return funds.lines_of(statement=statement, refund_no=refund_no, channel_refund_no=channel_refund_no)


def _row(finding: Finding) -> FundsRow:
    label, tone = _KINDS[finding.kind]
    return FundsRow(finding, str(label), tone)
