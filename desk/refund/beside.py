"""What belongs to a refund beside its own life: a deposit's terms and compensation, what was agreed, a case without a receipt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.filters import Choice
from merchants.rights import Act
from refunds.facts import conditions
from refunds.intake import compensating
from refunds.models import Agreement, Compensation, CustomerReport, NoReceiptCase, RefundRequest
from refunds.models.agreement import Means
from refunds.rules.deposits import Cause
from refunds.states import OPEN_FOR_REVIEW, RELEASED, State
from terminals.models import Deposit


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Empty addresses hide their forms. ``main`` and ``payout`` lead from a compensation to its deposit's refund and back."""

    deposit: Deposit | None
    document_url: str
    ended: Any
    cause: str
    owed_fen: int
    payout: Choice | None
    main: Choice | None
    case: Choice | None
    agreements: Sequence[Agreement]
    means: Sequence[Choice]
    reports: Sequence[CustomerReport]
    reports_url: str
    compensation_url: str
    agree_url: str
    reopen_url: str

    @property
    def agreed_fen(self) -> int | None:
        """The amount that the customer agreed to last; None where none was negotiated."""
        return next((one.amount_fen for one in reversed(self.agreements) if one.amount_fen is not None), None)

    @property
    def anything(self) -> bool:
        return bool(
            self.deposit
            or self.main
            or self.case
            or self.agreements
            or self.reports
            or self.agree_url
            or self.reopen_url
        )


def beside(request: RefundRequest, *, scope: Scope, at: datetime) -> Beside:
    """What the page of a refund shows of it to this person."""

    def may(act: Act) -> bool:
        return conditions.may(act, by=scope.by, request=request, at=at)

    deposit = Deposit.objects.filter(pk=request.transaction_id).first()
    linked = Compensation.objects.select_related("request", "payout")
    payout, main = linked.filter(request=request).first(), linked.filter(payout=request).first()
    case = NoReceiptCase.objects.filter(request=request).first()
    owed_fen = compensating.owed_fen(request, at=at) if deposit and request.deposit else 0
    asks = owed_fen and payout is None and request.state not in RELEASED and may(Act.SUBMIT)
    urls = {
        "compensation_url": refund_url(request.number, "compensation") if asks else "",
        "agree_url": refund_url(request.number, "agree") if request.state in OPEN_FOR_REVIEW and may(Act.AGREE) else "",
        "reopen_url": refund_url(request.number, "reopen")
        if request.state == State.REJECTED and may(Act.REOPEN)
        else "",
    }
    return Beside(
        deposit=deposit,
        document_url=reverse("desk:deposit-document", args=[deposit.pk]) if deposit and deposit.document_path else "",
        ended=request.deposit,
        cause=str(Cause(request.deposit["cause"]).label) if request.deposit else "",
        owed_fen=owed_fen,
        payout=_link(payout.payout) if payout else None,
        main=_link(main.request) if main else None,
        case=Choice(reverse("desk:no-receipt-case", args=[case.pk]), str(case)) if case else None,
        agreements=list(request.agreements.order_by("pk")),
        reports=list(request.customer_reports.select_related("owner").order_by("pk")),
        reports_url=reverse("desk:customer-reports") if scope.may(Act.ANSWER_REPORT) else "",
        means=[Choice(one.value, str(one.label)) for one in Means],
        **urls,
    )


def _link(request: RefundRequest) -> Choice:
    return Choice(refund_url(request.number), f"{request.number} · {State(request.state).label}")
