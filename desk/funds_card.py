"""What the account's money says of a day, and of one refund of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from desk.addresses import refund as refund_url
from reconciliation import funds
from reconciliation.models import Difference, FundLine, FundStatement, ReconciliationDay
from reconciliation.models.fund_line import FundKind

#: Rows listed one by one; more than these is trouble of another kind.
_SHOWN = 100

_KINDS: Mapping[str, tuple[Promise | str, str]] = {
    "only_money": (_("Money moved, not in the statement"), "warn"),
    "only_bill": (_("In the statement, no money moved"), "bad"),
    "amount_differs": (_("Amount differs"), "bad"),
    "came_back": (_("The money came back, and we call it paid"), "bad"),
}


def card(day: ReconciliationDay) -> dict[str, Any] | None:
    """The day's money beside its bill; None where the channel does not say, ``at`` None where it has not said yet."""
    if not funds.offered_by(day.channel_account):
        return None
    statement = funds.statement_of(day)
    if statement is None:
        return {"at": None, "rows": []}
    found = funds.findings(day=day, statement=statement, limit=_SHOWN)
    return {
        "at": statement.imported_at,
        "out_fen": statement.out_fen,
        "out_count": statement.out_count,
        "back_fen": statement.back_fen,
        "back_count": statement.back_count,
        "rows": [_row(finding) for finding in found],
    }


def witness(difference: Difference) -> dict[str, Any] | None:
    """What the money says of a difference: ``lines``, none of them where no money moved. None without a fund flow."""
    statement = FundStatement.objects.filter(day_id=difference.day_id).first()
    if statement is None:
        return None
    line, payout = difference.line, difference.execution
    refund_no = line.refund_no if line else payout.refund_no if payout else ""
    channel_refund_no = line.channel_refund_no if line else payout.channel_refund_no if payout else ""
    found = funds.lines_of(statement=statement, refund_no=refund_no, channel_refund_no=channel_refund_no)
    return {"lines": [_line(one) for one in found]}


def _row(finding: funds.Finding) -> dict[str, Any]:
    label, tone = _KINDS[finding.kind]
    return {
        "label": label,
        "tone": tone,
        "number": finding.request_number,
        "url": refund_url(finding.request_number) if finding.request_number else "",
        "refund_no": finding.refund_no,
        "channel_refund_no": finding.channel_refund_no,
        "bill_fen": finding.bill_fen,
        "money_fen": finding.money_fen,
    }


def _line(line: FundLine) -> dict[str, Any]:
    return {"label": FundKind(line.kind).label, "amount_fen": line.amount_fen, "at": line.booked_at}
