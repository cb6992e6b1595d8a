"""What the API answers about a refund: each shape once, for the description and for the answer.

Instants in Shanghai's offset, ids as text, amounts in fen.
"""

from collections.abc import Callable, Iterable
from typing import Any

from rest_framework import serializers as s

from api.schemas import Page
from api.schemas_goods import ExchangeOfferOut, GoodsReturnOut
from api.schemas_payouts import ExecutionOut, executions_json
from api.schemas_plan import ArrivalOut, PlanOut, arrival_json, leg_json, new_plan_json
from api.schemas_verdict import VerdictOut
from api.shapes import Row, Shape, read
from core import clock
from core.personal_data import mask_phone
from refunds.facts import approvals, payees, plans, shares
from refunds.intake.building import Submission
from refunds.models import RefundRequest
from refunds.models.agreement import Means
from refunds.models.customer_report import ReportKind
from refunds.rules.arrival import PaidFrom
from refunds.rules.deposits import Cause
from refunds.states import Reason, Route, State
from refunds.telling import tracking


class PayeeOut(Shape):
    holder_name = s.CharField(help_text="masked")
    account_no = s.CharField(help_text="masked")
    bank_name = s.CharField()


class CustomerOut(Shape):
    phone = read(s.CharField(help_text="masked"), lambda request: mask_phone(request.customer_phone))
    locale = s.CharField(source="customer_locale")


def _is_paused(request: RefundRequest) -> bool:
    return request.paused_at is not None


class ApprovalOut(Shape):
    staff = read(s.CharField(), lambda approval: approval.staff.name)
    on_behalf_of = read(
        s.CharField(allow_null=True, help_text="who was away, where it was given for somebody"),
        lambda approval: approval.on_behalf_of.name if approval.on_behalf_of else None,
    )
    tier = s.CharField()
    amount_fen = s.IntegerField()
    needed = s.IntegerField(help_text="how many approve an amount like this")
    at = s.DateTimeField()
    lapses_at = s.DateTimeField(
        allow_null=True, help_text="of the first of two: until when it waited for the second; null otherwise"
    )


class AgreementOut(Shape):
    """What the customer agreed to: ``amount_fen`` or ``until``."""

    amount_fen = s.IntegerField(allow_null=True)
    until = s.DateTimeField(allow_null=True)
    agreed_by = s.CharField()
    means = s.ChoiceField(Means.choices)
    agreed_at = s.DateTimeField()
    words = s.CharField()
    recorded_by = s.CharField()
    recorded_at = s.DateTimeField()


class CustomerReportOut(Shape):
    """What the customer said through their link. With ``due_at`` somebody sees to it, until ``closed_at``."""

    kind = s.ChoiceField(ReportKind.choices)
    words = s.CharField()
    said_at = s.DateTimeField()
    proven = read(
        s.ListField(child=s.CharField(), help_text="the channel's numbers under which it was shown as paid"),
        lambda report: [proof["reference"] for proof in report.proofs],
    )
    owner = s.CharField(allow_null=True, source="owner.name")
    due_at = s.DateTimeField(allow_null=True)
    outcome = s.CharField()
    closed_at = s.DateTimeField(allow_null=True)


class DepositEndOut(Shape):
    cause = s.ChoiceField(Cause.choices)
    open_percent = s.IntegerField(help_text="how much of the contract was not performed")
    deduction_fen = s.IntegerField()
    agreement = s.CharField()


class CompensationOut(Shape):
    refund_request = s.UUIDField(source="pk")
    number = s.CharField()
    state = s.ChoiceField(State.choices)
    amount_fen = s.IntegerField()


class RefundRequestOut(Shape):
    id = s.UUIDField(source="pk")
    number = s.CharField()
    state = s.ChoiceField(State.choices)
    version = s.IntegerField(help_text="counts state changes; send it with a decision")
    transaction = s.UUIDField(source="transaction_id")
    order_no = s.CharField()
    store = s.CharField()
    terminal = s.CharField(allow_null=True)
    kind = s.CharField()
    reason = s.ChoiceField(Reason.choices)
    description = s.CharField()
    amount_fen = s.IntegerField()
    approved_fen = s.IntegerField(allow_null=True)
    refunded_fen = s.IntegerField()
    route = s.ChoiceField(Route.choices)
    payee = PayeeOut(allow_null=True, help_text="of a bank transfer")
    verdict = VerdictOut()
    approvals = ApprovalOut(many=True, help_text="those that count; one of two while `state` is `in_review`")
    customer = CustomerOut(source="*")
    cashier = s.CharField(help_text="who asks for it, as sent; else who rang the sale up")
    sale_cashier = s.CharField(help_text="who rang the sale up")
    reject_reason = s.CharField(allow_null=True)
    message_to_customer = s.CharField(allow_null=True)
    due_at = s.DateTimeField(help_text="when an answer is owed")
    paused = read(s.BooleanField(help_text="the clock stands: somebody else owes something"), _is_paused)
    extended_until = s.DateTimeField(allow_null=True, help_text="later, as the customer agreed")
    escalated_at = s.DateTimeField(allow_null=True, help_text="when its time ran out and it went to the next tier")
    expected_arrival = ArrivalOut()
    plan = PlanOut(help_text="by which payments of the order it goes back")
    deposit = DepositEndOut(allow_null=True, help_text="why a deposit ends")
    compensation = CompensationOut(
        allow_null=True,
        help_text="what is paid beside a deposit's refund by the merchant's breach, once it was asked for",
    )
    agreements = AgreementOut(many=True, help_text="what the customer agreed to otherwise, the newest last")
    customer_reports = CustomerReportOut(many=True, help_text="whether it has arrived, and more, the newest last")
    executions = ExecutionOut(many=True, help_text="all attempts of all legs")
    goods_return = GoodsReturnOut(
        allow_null=True,
        help_text="the last one; read the request again where the answer to a new one says `waiting_goods`",
    )
    exchange_offer = ExchangeOfferOut(allow_null=True, help_text="the last one: what the customer may have instead")
    tracking_url = read(s.URLField(), lambda request: tracking.url_for(request.pk))
    created_at = s.DateTimeField()
    updated_at = s.DateTimeField()
    decided_at = s.DateTimeField(allow_null=True)
    refunded_at = s.DateTimeField(allow_null=True, source="succeeded_at")


#: What a row of a list says only where `fields` asks for it: none of it stands in the request's own row, or it is long.
LONG_FIELDS = frozenset(
    {"payee", "verdict", "approvals", "plan", "compensation", "agreements", "customer_reports", "executions"}
    | {"goods_return", "exchange_offer"}
)


ROW_FIELDS = frozenset(RefundRequestOut._declared_fields) - LONG_FIELDS


class RefundRequestRowOut(Row, RefundRequestOut):
    pass


def stored_request_json(request: RefundRequest, *, only: frozenset[str] | None = None) -> dict[str, Any]:
    """A request from the database, with its sale and what ``queries.with_parts`` says; ``only``: no other fields."""
    wanted = {name: part(request) for name, part in _PARTS.items() if only is None or name in only}
    return RefundRequestOut.of(request, only=only, **wanted)


def _promised(request: RefundRequest, sale: PaidFrom) -> dict[str, Any]:
    at = request.succeeded_at or request.decided_at or request.created_at
    return arrival_json(funding=sale.funding, profile=sale.profile, at=at, route=request.route)


def _stored_plan(request: RefundRequest) -> dict[str, Any]:
    sale = request.transaction
    at = request.succeeded_at or request.decided_at or request.created_at
    payer_fen = shares.of_request(request)
    legs = [
        leg_json(
            one.leg,
            payer_fen=payer_fen[one.leg.sequence],
            sale=one.leg.transaction if request.leg_count else sale,
            at=at,
            state=one.state,
            attempts=one.attempts,
        )
        for one in plans.standing_of(request)
    ]
    return {"hash": plans.hash_of(request), "legs": legs}


def _first(shape: type[Shape], records: Iterable[Any]) -> dict[str, Any] | None:
    return next((shape.of(record) for record in records), None)


#: Fields of a stored request that stand in other rows than its own.
_PARTS: dict[str, Callable[[RefundRequest], Any]] = {
    "order_no": lambda request: request.transaction.order_no,
    "store": lambda request: request.store.code,
    "terminal": lambda request: request.terminal.code if request.terminal else None,
    "sale_cashier": lambda request: request.transaction.cashier,
    "expected_arrival": lambda request: _promised(request, request.transaction),
    "plan": _stored_plan,
    "approvals": lambda request: ApprovalOut.all_of(
        approvals.counting(request, request.approvals.all(), at=clock.now())
    ),
    "compensation": lambda request: (
        CompensationOut.of(beside.payout) if (beside := getattr(request, "compensation", None)) else None
    ),
    "agreements": lambda request: AgreementOut.all_of(sorted(request.agreements.all(), key=lambda one: one.pk)),
    "customer_reports": lambda request: CustomerReportOut.all_of(request.customer_reports.all()),
    "executions": lambda request: executions_json(
        request, sorted(request.executions.all(), key=lambda one: one.created_at), request.transaction
    ),
    "payee": lambda request: None if (payee := payees.of(request)) is None else payees.masked(payee),
    "goods_return": lambda request: _first(GoodsReturnOut, request.goods_returns.all()),
    "exchange_offer": lambda request: _first(ExchangeOfferOut, request.offers.all()),
}


def new_request_json(submission: Submission) -> dict[str, Any]:
    """A request that is just being stored."""
    request, sale, executions = submission.request, submission.sale, submission.executions
    return RefundRequestOut.of(
        request,
        order_no=sale.order_no,
        store=sale.store_code,
        terminal=sale.terminal_code or None,
        sale_cashier=sale.cashier,
        expected_arrival=_promised(request, sale),
        plan=new_plan_json(submission.plan, sale, at=request.created_at, executions=executions, request_id=request.pk),
        approvals=[],
        compensation=None,
        agreements=[],
        customer_reports=[],
        executions=executions_json(request, executions, sale),
        payee=None if submission.payee is None else payees.masked(submission.payee),
        goods_return=None,
        exchange_offer=None,
    )


class RefundRequestPageOut(Page):
    results = RefundRequestRowOut(many=True)
