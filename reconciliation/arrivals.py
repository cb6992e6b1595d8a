"""A customer says that the money is not there: the channel is asked, statement and fund flow are looked into, and what proves it
paid is shown. Where that is not enough, a person sees to it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from merchants.principals import Principal
from payment_channels.contract import Done, PaidTo, SecondLeg, Unknown
from reconciliation.models import BillLine, FundLine
from reconciliation.models.bill import MatchOutcome
from reconciliation.models.fund_line import FundKind
from refunds.follow_up import reports
from refunds.follow_up.reports import Proof
from refunds.models import CustomerReport, Execution
from refunds.models.customer_report import ReportKind
from refunds.models.hand_accounts import is_by_hand
from refunds.payouts import proving
from refunds.rules.arrival import expected_arrival, paid_through
from refunds.states import ExecutionState


def not_arrived(*, request_id: UUID, words: str = "", by: Principal, at: datetime) -> CustomerReport:
    """Keep that the money is not there, with proof that it was paid, or as a case. Call it outside of any transaction.

    It becomes a case where a payout is not proven, where a person paid it, where the channel gave it back to the store, and
    where the customer says it again after its day. Raises ``NotFound``, ``Forbidden`` or ``NotPaidYet``.
    """
    reports.check_may_report(request_id=request_id, by=by)
    last = reports.newest(request_id=request_id, kind=ReportKind.NOT_ARRIVED)
    if last is not None and (last.is_open or at - last.said_at < reports.SAME_WORD):
        return last
    payouts = Execution.objects.filter(request_id=request_id, state=ExecutionState.SUCCEEDED)
    rows = list(payouts.select_related("transaction", "channel_account").order_by("sequence"))
    proofs = [proof for row in rows if (proof := _proof(row, at=at)) is not None]
    is_late = any(datetime.fromisoformat(proof.there_by) < at for proof in proofs)
    shown_before = last is not None and bool(last.proofs)
    return reports.keep(
        request_id=request_id,
        kind=ReportKind.NOT_ARRIVED,
        words=words,
        proofs=proofs,
        is_case=not rows or len(proofs) < len(rows) or (is_late and shown_before),
        by=by,
        at=at,
    )


def _proof(row: Execution, *, at: datetime) -> Proof | None:
    """What proves that this payout is with the customer's side, by the channel's own number; None where anything is odd."""
    if is_by_hand(row.channel_account.channel):
        return None
    said = proving.asked_again(row, at=at)
    row.refresh_from_db()
    is_odd = row.transaction.held_at is not None or row.paid_to == PaidTo.MERCHANT or row.needs_attention
    seen = [] if is_odd else _seen(row, said)
    if not seen:
        return None
    sale, paid_at = row.transaction, row.succeeded_at or at
    in_balance = row.paid_to in (PaidTo.BALANCE, PaidTo.OTHER_BALANCE)
    funding = "balance" if in_balance else paid_through(sale.funding, row.received_account)
    usual = expected_arrival(funding=funding, profile=row.channel_account.usable_profile, at=paid_at)
    there_by = row.arrives_at or usual.latest_at
    if row.second_leg == SecondLeg.PENDING and there_by < at:
        # The bank should have said that it has it.
        return None
    return Proof(
        refund_no=row.refund_no,
        channel=row.channel_account.channel,
        reference=row.channel_refund_no,
        amount_fen=row.amount_fen,
        paid_at=paid_at.isoformat(),
        there_by=there_by.isoformat(),
        seen=seen,
        is_balance=funding == "balance",
    )


def _seen(row: Execution, said: object) -> Sequence[str]:
    """Where it stands as paid, all of them of one mind; nothing where any says otherwise or none can be asked."""
    ours = (row.refund_no, row.channel_refund_no, row.amount_fen)
    seen: list[str] = []
    if isinstance(said, Done):
        if (said.refund_no, said.channel_refund_no, said.amount_fen) != ours:
            return ()
        seen.append("channel")
    elif not isinstance(said, Unknown) or said.accepted or said.attention or said.code == "not_found":
        return ()
    for line in BillLine.objects.filter(execution=row):
        if line.outcome != MatchOutcome.MATCHED or (line.refund_no, line.channel_refund_no, line.amount_fen) != ours:
            return ()
        if line.succeeded_at is not None:
            seen.append("statement")
    for fund in FundLine.objects.filter(execution=row).order_by("pk"):
        if fund.kind != FundKind.OUT or (fund.channel_refund_no, fund.amount_fen) != ours[1:]:
            return ()
        seen.append("fund_flow")
    # Money that left may yet come back: by itself the fund flow is no proof that it arrived.
    return seen if "channel" in seen or "statement" in seen else ()
