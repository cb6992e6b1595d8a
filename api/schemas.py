"""What the API answers about refunds and sales: each shape once, for the description and for the answer.

Instants in Shanghai's offset, ids as text, amounts in fen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers as s

from api.shapes import OneField, Row, Shape, read
from core import clock
from core.personal_data import mask_phone
from core.quantities import quantity_number
from payment_channels.profile import Profile
from refunds import queries
from refunds.facts import approvals, payees, plans, shares
from refunds.intake import planning
from refunds.intake.building import Submission
from refunds.intake.facts import Sale
from refunds.models import (
    Execution,
    Leg,
    RefundRequest,
)
from refunds.models.agreement import Means
from refunds.models.customer_report import ReportKind
from refunds.models.evidence import EvidenceKind
from refunds.models.goods_return import OfferAnswer, OfferKind, ReturnState, ReturnWay
from refunds.rules import explanations, worth
from refunds.rules.arrival import PaidFrom, expected_arrival
from refunds.rules.deposits import Cause
from refunds.rules.goods import Condition, Disposition
from refunds.rules.plan import WHY, PlannedLeg
from refunds.states import ExecutionState, Reason, Route, State
from refunds.telling import payout_words, tracking
from refunds.telling.payout_words import Stand, advice, stand, to_staff
from terminals.models import DepositKind, PaymentWord

Method = TypeVar("Method", bound=Callable[..., Any])

#: Required on every POST that creates.
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 visible ASCII characters. The same key and body within 24 hours get the first answer again.",
)

LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1}, description="rows a page; 200 at most are given")
CURSOR = OpenApiParameter("cursor", str, description="from `next` or `previous` of another page; not to be made up")


class FieldProblem(Shape):
    field = s.CharField()
    code = s.CharField()
    message = s.CharField()


class Problem(Shape):
    """RFC 9457, as ``application/problem+json``. A state conflict adds ``state`` and ``version``, a refusal ``verdict``."""

    type = s.URLField(help_text="what this code means and what to do about it, as a page")
    title = s.CharField()
    message = s.CharField(help_text="what happened and what to do, for a person, in the language that was asked for")
    status = s.IntegerField()
    detail = s.CharField(help_text="for a log, not for a customer")
    code = s.CharField(help_text="decide by this one")
    errors = FieldProblem(many=True)  # type: ignore[assignment]  # RFC 9457 with our list


class Page(Shape):
    next = s.URLField(allow_null=True)
    previous = s.URLField(allow_null=True)


class RuleOut(Shape):
    code = s.CharField()
    passed = s.BooleanField()
    actual = s.CharField()
    limit = s.CharField()
    explanation = s.CharField()


def _said(field: OneField, name: str, usual: Any) -> OneField:
    """What verdicts of earlier days did not say has its usual value."""
    return read(field, lambda verdict: verdict.get(name, usual))


def _instant(name: str, help_text: str) -> s.DateTimeField:
    def instant(verdict: Mapping[str, Any]) -> datetime | None:
        return datetime.fromisoformat(verdict[name]) if verdict.get(name) else None

    return read(s.DateTimeField(allow_null=True, help_text=help_text), instant)


class VerdictOut(Shape):
    decision = s.ChoiceField(["approve", "review", "refuse"])
    max_amount_fen = s.IntegerField()
    routes = _said(s.ListField(child=s.CharField(), help_text="open to this refund"), "routes", ())
    evidence = _said(s.ListField(child=s.CharField(), help_text="asked for by the policy"), "evidence", ())
    goods_required = _said(s.BooleanField(help_text="the goods come back first"), "goods_required", usual=False)
    tier = s.CharField()
    approvers = _said(s.IntegerField(help_text="how many people approve; 0: nobody needs to"), "approvers", 0)
    policy_version = s.IntegerField()
    due_at = _instant("due_at", "when an answer is owed, as judged")
    file_by = _instant("file_by", "until when the customer may ask; null: the policy does not say")
    fee_fen = _said(s.IntegerField(help_text="what the channel keeps"), "fee_fen", 0)
    rules = read(RuleOut(many=True), lambda verdict: explanations.explained_to_programs(verdict["rules"]))


class ArrivalOut(Shape):
    earliest_at = s.DateTimeField()
    latest_at = s.DateTimeField()
    basis = s.ChoiceField(["at_once", "working_days", "weekends_only"])


class FailureOut(Shape):
    code = s.CharField(source="failure_code")
    message = s.CharField(source="failure_message")
    remedy = read(s.CharField(help_text="what can be done; empty where waiting is all"), advice)


class ExecutionOut(Shape):
    tranche = s.IntegerField(source="sequence", help_text="the `sequence` of its leg")
    method = s.ChoiceField(["refund", "void"])
    state = s.ChoiceField(ExecutionState.choices)
    refund_no = s.CharField()
    channel_refund_no = s.CharField(allow_null=True)
    amount_fen = s.IntegerField()
    payer_fen = s.IntegerField(
        allow_null=True, help_text="what the payer got of it, the rest being a coupon's, where the channel says so"
    )
    sent_at = s.DateTimeField(allow_null=True, source="first_sent_at")
    succeeded_at = s.DateTimeField(allow_null=True)
    stand = read(s.ChoiceField([(stand.value, stand.value) for stand in Stand], help_text="finer than `state`"), stand)
    explanation = read(s.CharField(help_text="where it stands, as a sentence for staff"), to_staff)
    needs_attention = s.BooleanField(help_text="a person has to look into it")
    paid_to = s.ChoiceField(
        ["original", "balance", "other_balance", "other_card", "merchant"],
        allow_null=True,
        help_text="where the channel says that the money went; null while it says nothing",
    )
    received_account = s.CharField(allow_null=True, help_text="as the channel masks it")
    second_leg = s.ChoiceField(
        ["pending", "done", "failed"],
        allow_null=True,
        help_text="from the channel to the payer's bank; `failed`: the money is in their balance at the channel",
    )
    arrives_at = s.DateTimeField(allow_null=True, help_text="when the payer's bank has it, where the channel says so")
    failure = read(FailureOut(allow_null=True), lambda execution: execution if execution.failure_code else None)


class PayeeOut(Shape):
    holder_name = s.CharField(help_text="masked")
    account_no = s.CharField(help_text="masked")
    bank_name = s.CharField()


class CustomerOut(Shape):
    phone = read(s.CharField(help_text="masked"), lambda request: mask_phone(request.customer_phone))
    locale = s.CharField(source="customer_locale")


class WhyOut(Shape):
    code = s.CharField()
    explanation = s.CharField()


class AttemptOut(Shape):
    refund_no = s.CharField()
    state = s.ChoiceField(ExecutionState.choices)


class LegOut(Shape):
    sequence = s.IntegerField()
    transaction = s.UUIDField(source="transaction_id")
    method = s.ChoiceField(["refund", "void", "transfer", "cash", "store_credit"])
    route = s.ChoiceField(Route.choices)
    amount_fen = s.IntegerField()
    payer_fen = s.IntegerField(
        help_text="what the payer gets of it; less than `amount_fen` where a coupon paid a part of the sale"
    )
    expected_arrival = ArrivalOut()
    why = WhyOut()
    state = s.CharField(help_text="of its latest attempt; `planned` before the first, `given_up` where nobody goes on")
    attempts = AttemptOut(many=True, help_text="`executions` has all of each")


class PlanOut(Shape):
    hash = s.CharField()
    legs = LegOut(many=True)


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


class ReturnLineOut(Shape):
    sku = read(s.CharField(allow_null=True), lambda one: one.line.sku if one.line else None)
    name = read(s.CharField(allow_null=True), lambda one: one.line.name if one.line else None)
    quantity = read(s.FloatField(), lambda one: quantity_number(one.quantity))
    condition = s.ChoiceField(Condition.choices, allow_null=True, help_text="null until somebody has looked")
    disposition = s.ChoiceField(Disposition.choices, allow_null=True)


class GoodsReturnOut(Shape):
    state = s.ChoiceField(ReturnState.choices)
    way = s.ChoiceField(ReturnWay.choices, allow_null=True)
    store = read(s.CharField(help_text="where they go, or are"), lambda row: row.store.code)
    by_policy = s.BooleanField(help_text="the policy asked for them, not a person")
    asked_at = s.DateTimeField()
    due_at = s.DateTimeField(allow_null=True, help_text="null where they came without having been asked for")
    carrier = s.CharField(allow_null=True)
    parcel_no = s.CharField(allow_null=True)
    sent_at = s.DateTimeField(allow_null=True)
    received_at = s.DateTimeField(allow_null=True)
    received_by = s.CharField(allow_null=True)
    inspected_at = s.DateTimeField(allow_null=True)
    inspected_by = s.CharField(allow_null=True)
    proposed_fen = s.IntegerField(allow_null=True, help_text="what who looked at them would pay; `finding` says why")
    finding = s.CharField(allow_null=True)
    lines = read(ReturnLineOut(many=True), lambda row: row.lines.all())


class ExchangeOfferOut(Shape):
    kind = s.ChoiceField(OfferKind.choices)
    message = s.CharField()
    offered_at = s.DateTimeField()
    answer = s.ChoiceField(OfferAnswer.choices, allow_null=True)
    answered_at = s.DateTimeField(allow_null=True)
    new_order_no = s.CharField(allow_null=True, help_text="the order that takes the place of the old one")


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


def _executions(request: RefundRequest, executions: Iterable[Execution], sale: PaidFrom) -> list[dict[str, Any]]:
    return [ExecutionOut.of(execution, explanation=_explained(execution, request, sale)) for execution in executions]


def _explained(execution: Execution, request: RefundRequest, sale: PaidFrom) -> str:
    open_ = execution.state not in (ExecutionState.FAILED, ExecutionState.CANCELLED)
    waited = payout_words.waits(request, now=clock.now(), payout=execution, sale=sale) if open_ else None
    return to_staff(execution, waited=waited)


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
    "executions": lambda request: _executions(
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
        executions=_executions(request, executions, sale),
        payee=None if submission.payee is None else payees.masked(submission.payee),
        goods_return=None,
        exchange_offer=None,
    )


#: What a leg on a route of a person is called.
_METHODS = {Route.BANK_TRANSFER: "transfer", Route.CASH: "cash", Route.STORE_CREDIT: "store_credit"}


def leg_json(
    leg: PlannedLeg | Leg,
    *,
    payer_fen: int,
    sale: PaidFrom,
    at: datetime,
    state: str = plans.PLANNED,
    attempts: Sequence[Execution] = (),
) -> dict[str, Any]:
    """A leg of a plan; ``executions`` beside it say all of its attempts."""
    return LegOut.of(
        leg,
        payer_fen=payer_fen,
        method=_METHODS.get(Route(leg.route), attempts[-1].method if attempts else "refund"),
        expected_arrival=arrival_json(funding=sale.funding, profile=sale.profile, at=at, route=leg.route),
        why={"code": leg.why, "explanation": str(WHY[leg.why])},
        state=state,
        attempts=AttemptOut.all_of(attempts),
    )


def new_plan_json(
    legs: Sequence[PlannedLeg],
    sale: Sale,
    *,
    at: datetime,
    executions: Sequence[Execution] = (),
    request_id: UUID | None = None,
) -> dict[str, Any]:
    """The plan of a quote, or of a request that is just being stored."""
    found = []
    paid = [planning.payment_of(sale, leg) for leg in legs]
    payer_fen = shares.payer_shares(zip(legs, paid, strict=True), request_id=request_id)
    for leg, payment in zip(legs, paid, strict=True):
        attempts = [row for row in executions if row.sequence == leg.sequence]
        state = str(attempts[-1].state) if attempts else plans.PLANNED
        share = payer_fen[leg.sequence]
        found.append(leg_json(leg, payer_fen=share, sale=payment, at=at, state=state, attempts=attempts))
    return {"hash": planning.hash_of(legs), "legs": found}


def arrival_json(*, funding: str, profile: Profile, at: datetime, route: str) -> dict[str, Any]:
    return ArrivalOut.of(expected_arrival(funding=funding, profile=profile, at=at, route=route))


class QuoteOut(Shape):
    transaction = s.UUIDField(source="id")
    amount_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    verdict = VerdictOut()
    plan = PlanOut(allow_null=True, help_text="none where the verdict refuses")
    trade_query_url = s.CharField(
        allow_null=True,
        help_text="POST there asks the channel about a payment that is not known to be made; null otherwise",
    )
    expected_arrival = ArrivalOut()


class ActorOut(Shape):
    kind = s.ChoiceField(["staff", "api_key", "customer", "channel", "system"], source="actor_kind")
    name = s.CharField(source="actor_name")


class EventOut(Shape):
    at = s.DateTimeField()
    actor = ActorOut(source="*")
    action = s.CharField()
    from_state = s.CharField(allow_null=True)
    to_state = s.CharField(allow_null=True)
    version = s.IntegerField(allow_null=True)
    #: What the event carries, but what staff wrote to one another.
    data = read(  # type: ignore[assignment]
        s.DictField(),
        lambda event: {name: value for name, value in event.data.items() if name != "note"},
    )


@extend_schema_serializer(many=False)
class EventsOut(Page):
    results = EventOut(many=True)


class SaleLineOut(Shape):
    sku = s.CharField()
    name = s.CharField()
    group = s.CharField()
    kind = s.CharField()
    quantity = read(s.FloatField(), lambda line: quantity_number(line.quantity))
    returned_quantity = read(s.FloatField(), lambda line: quantity_number(line.reserved_quantity))
    unit_price_fen = s.IntegerField()
    amount_fen = s.IntegerField()
    worth_fen = s.IntegerField(help_text="of what was paid: discounts and rounding shared out over the articles")


class PayerOut(Shape):
    phone = read(s.CharField(allow_null=True, help_text="masked"), lambda sale: mask_phone(sale.payer_phone))
    card_last4 = s.CharField(allow_null=True)
    funding = s.CharField()
    paid_fen = read(
        s.IntegerField(help_text="what the payer paid; less than the sale's amount where a coupon paid the rest"),
        lambda sale: sale.amount_fen if sale.payer_paid_fen is None else sale.payer_paid_fen,
    )


class ReporterOut(Shape):
    kind = read(
        s.ChoiceField(["api_key", "loader", "unknown"]),
        lambda sale: "api_key" if sale.reported_by_key_id else "loader" if sale.reported_by else "unknown",
    )
    id = read(
        s.CharField(allow_null=True, help_text="of the API key"),
        lambda sale: sale.reported_by_key_id and str(sale.reported_by_key_id),
    )
    name = s.CharField(source="reported_by")


class PaymentCheckOut(Shape):
    outcome = s.ChoiceField(PaymentWord.choices, source="payment_word", help_text="what the channel said last")
    explanation = read(s.CharField(), lambda sale: explanations.payment_sentence(sale.payment_word))
    asked_at = s.DateTimeField(source="payment_word_at")
    account = s.CharField(source="channel_account.code", help_text="the channel account that was asked")
    amount_fen = read(
        s.IntegerField(allow_null=True, help_text="as the channel has it; null: it does not say"),
        lambda sale: sale.payment_word_amounts.get("amount_fen"),
    )
    refunded_fen = read(
        s.IntegerField(allow_null=True, help_text="as the channel has it; null: it does not say"),
        lambda sale: sale.payment_word_amounts.get("refunded_fen"),
    )


class DepositOut(Shape):
    transaction = s.UUIDField(source="pk")
    kind = s.ChoiceField(DepositKind.choices)
    contract_amount_fen = s.IntegerField(source="contract_fen")
    terms = s.CharField()
    recorded_by = s.CharField()
    recorded_at = s.DateTimeField()
    document_sha256 = s.CharField(
        allow_null=True, help_text="of the paper with the terms, as it is kept; null: none is"
    )


class TransactionOut(Shape):
    id = s.UUIDField(source="pk")
    order_no = s.CharField()
    channel = s.CharField()
    channel_transaction_no = s.CharField()
    kind = s.CharField()
    remote = s.BooleanField()
    status = s.CharField()
    amount_fen = s.IntegerField()
    refunded_fen = s.IntegerField()
    reserved_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    paid_at = s.DateTimeField()
    store = s.CharField(source="store.code")
    terminal = s.CharField(allow_null=True, source="terminal.code")
    cashier = s.CharField()
    payer = PayerOut(source="*")
    deposit = read(
        DepositOut(allow_null=True, help_text="its terms, where they are recorded"),
        lambda sale: getattr(sale, "deposit", None),
    )
    lines = read(SaleLineOut(many=True), worth.with_worth)
    reported_by = ReporterOut(source="*")
    apply_url = read(
        s.URLField(help_text="for a QR on the receipt: there the customer asks for a refund by themselves"),
        lambda sale: tracking.apply_url(tracking.Receipt(sale.store_id, sale.pk)),
    )
    created_at = s.DateTimeField()
    held_at = s.DateTimeField(allow_null=True)


class OrderOut(Shape):
    order_no = s.CharField()
    store = s.CharField()
    amount_fen = s.IntegerField()
    refunded_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    payments = TransactionOut(many=True)
    lines = SaleLineOut(many=True, help_text="of the order, whichever payment named them")


class RequestOfSaleOut(Shape):
    id = s.UUIDField(source="pk")
    number = s.CharField()
    state = s.CharField()
    amount_fen = s.IntegerField()


class TradeQueryOut(Shape):
    transaction = s.UUIDField(source="pk")
    outcome = s.ChoiceField(PaymentWord.choices, help_text='`no_answer` is unknown, never "not paid"')
    explanation = s.CharField()
    asked_at = s.DateTimeField()
    status = s.CharField(help_text="of the sale, by now")
    payment_check = read(
        PaymentCheckOut(allow_null=True, help_text="the last word of the channel, where it ever gave one"),
        lambda sale: sale if sale.payment_word else None,
    )


class TransactionRowOut(Row, TransactionOut):
    pass


class TransactionWithRequestsOut(TransactionOut):
    payment_check = read(
        PaymentCheckOut(
            allow_null=True, help_text="what the channel says of the payment; null: never asked, or no answer"
        ),
        lambda sale: sale if sale.payment_word else None,
    )
    refund_requests = read(RequestOfSaleOut(many=True), queries.requests_of_sale)


@extend_schema_serializer(many=False)
class TransactionPageOut(Page):
    results = TransactionRowOut(many=True)


@extend_schema_serializer(many=False)
class RefundRequestPageOut(Page):
    results = RefundRequestRowOut(many=True)


class EvidenceOut(Shape):
    id = s.UUIDField(source="pk")
    refund_request = s.UUIDField(
        source="request_id", allow_null=True, help_text="null: it was sent ahead, and waits 24 hours for its request"
    )
    kind = s.ChoiceField(EvidenceKind.choices)
    note = s.CharField()
    content_type = s.CharField(help_text="of the file as it is kept: always written anew")
    size = s.IntegerField(help_text="bytes, as it is kept")
    sha256 = s.CharField(help_text="of the file as it is kept")
    added_at = s.DateTimeField()


class ReasonRuleOut(Shape):
    reason = s.ChoiceField(Reason.choices)
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    words = s.CharField()


class RouteRuleOut(Shape):
    route = s.ChoiceField(Route.choices)
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    words = s.CharField(help_text="empty where nothing limits it")


class RuleLineOut(Shape):
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    words = s.CharField()


class RuleSectionOut(Shape):
    title = s.CharField()
    lines = RuleLineOut(many=True)


class GuideOut(Shape):
    kind = s.CharField(help_text="of refund, as a request has it")
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    text = s.CharField(help_text="step by step, with line breaks")


class PolicyOut(Shape):
    name = s.CharField()
    version = s.IntegerField(source="number")
    effective_at = s.DateTimeField(source="effective_from")
    auto_approve_limit_fen = s.IntegerField()
    auto_order_limit_fen = s.IntegerField(help_text="fen of one order, in all, approved without a person")
    auto_customer_day_limit_fen = s.IntegerField(help_text="fen of one customer in a day, in all")
    auto_cashier_day_count = s.IntegerField(help_text="refunds of one cashier in a day")
    auto_key_day_count = s.IntegerField(allow_null=True, help_text="refunds through one key in a day; null: any number")
    auto_key_day_fen = s.IntegerField(allow_null=True, help_text="fen through one key in a day; null: any amount")
    plan_rule = s.CharField(help_text="how a refund is shared out over several payments of an order")
    tranche_fen = s.IntegerField(allow_null=True, help_text="above it a refund goes back in parts; null: never")
    confirm_payment_above_fen = s.IntegerField(
        allow_null=True, help_text="above it the channel is asked first whether the sale was paid; null: never"
    )
    summary = s.CharField()
    reasons = ReasonRuleOut(many=True)
    routes = RouteRuleOut(many=True)
    sections = RuleSectionOut(
        many=True, help_text="all the rules in words, for staff; those above are enough for a till"
    )
    guides = GuideOut(many=True)
    review_due_date = s.DateField(help_text="by then somebody has to look the rules through")


#: What may go wrong on a write, beside what the status line of its own says.
WRITE_PROBLEMS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem, 429: Problem}
READ_PROBLEMS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 429: Problem}


def operation(
    name: str,
    gives: type[Shape],
    *,
    takes: type[s.Serializer[Any]] | Mapping[str, Any] | None = None,
    form: type[s.Serializer[Any]] | None = None,
    query: type[s.Serializer[Any]] | None = None,
    pages: bool = False,
    once: bool = False,
    status: Sequence[int] = (),
    besides: Sequence[int] = (),
) -> Callable[[Method], Method]:
    """Describes a view's method: what it gives, and takes as JSON, by media type, or as a ``form``. ``once``: it makes something,
    under an Idempotency-Key. ``besides``: problems beside those that reading or writing may have.
    """
    parameters: list[Any] = [
        *([query] if query else []),
        *([LIMIT, CURSOR] if pages else []),
        *([IDEMPOTENCY_KEY] if once else []),
    ]

    def describe(method: Method) -> Method:
        problems = READ_PROBLEMS if method.__name__ == "get" else WRITE_PROBLEMS
        return extend_schema(
            operation_id=name,
            request={"multipart/form-data": form} if form else takes,
            parameters=parameters or None,
            responses=dict.fromkeys(status or (201 if once else 200,), gives)
            | problems
            | dict.fromkeys(besides, Problem),
        )(method)

    return describe
