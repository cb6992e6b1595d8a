"""What the API answers, for its description: the shapes that ``representations`` makes. Tests hold both together."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import serializers as s

from refunds.models.evidence import EvidenceKind
from refunds.states import ExecutionState, Reason, Route, State

#: Required on every POST that creates.
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 visible ASCII characters. The same key and body within 24 hours get the first answer again.",
)

LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1}, description="rows a page; 200 at most are given")
CURSOR = OpenApiParameter("cursor", str, description="from `next` or `previous` of another page; not to be made up")


class FieldProblem(s.Serializer[object]):
    field = s.CharField()
    code = s.CharField()
    message = s.CharField()


class Problem(s.Serializer[object]):
    """RFC 9457, as ``application/problem+json``. A state conflict adds ``state`` and ``version``, a refusal ``verdict``."""

    type = s.URLField(help_text="what this code means and what to do about it, as a page")
    title = s.CharField()
    status = s.IntegerField()
    detail = s.CharField(help_text="for a log, not for a customer")
    code = s.CharField(help_text="decide by this one")
    errors = FieldProblem(many=True)  # type: ignore[assignment]  # RFC 9457 with our list


class RuleOut(s.Serializer[object]):
    code = s.CharField()
    passed = s.BooleanField()
    actual = s.CharField()
    limit = s.CharField()
    explanation = s.CharField()


class VerdictOut(s.Serializer[object]):
    decision = s.ChoiceField(["approve", "review", "refuse"])
    max_amount_fen = s.IntegerField()
    tier = s.CharField()
    policy_version = s.IntegerField()
    rules = RuleOut(many=True)


class ArrivalOut(s.Serializer[object]):
    earliest_at = s.DateTimeField()
    latest_at = s.DateTimeField()
    basis = s.ChoiceField(["at_once", "working_days", "weekends_only"])


class FailureOut(s.Serializer[object]):
    code = s.CharField()
    message = s.CharField()
    remedy = s.CharField()


class ExecutionOut(s.Serializer[object]):
    tranche = s.IntegerField(help_text="the `sequence` of its leg")
    method = s.ChoiceField(["refund", "void"])
    state = s.ChoiceField(ExecutionState.choices)
    refund_no = s.CharField()
    channel_refund_no = s.CharField(allow_null=True)
    amount_fen = s.IntegerField()
    sent_at = s.DateTimeField(allow_null=True)
    succeeded_at = s.DateTimeField(allow_null=True)
    failure = FailureOut(allow_null=True)


class PayeeOut(s.Serializer[object]):
    holder_name = s.CharField(help_text="masked")
    account_no = s.CharField(help_text="masked")
    bank_name = s.CharField()


class CustomerOut(s.Serializer[object]):
    phone = s.CharField(help_text="masked")
    locale = s.CharField()


class WhyOut(s.Serializer[object]):
    code = s.CharField()
    explanation = s.CharField()


class AttemptOut(s.Serializer[object]):
    refund_no = s.CharField()
    state = s.ChoiceField(ExecutionState.choices)


class LegOut(s.Serializer[object]):
    sequence = s.IntegerField()
    transaction = s.UUIDField()
    method = s.ChoiceField(["refund", "void", "transfer", "cash", "store_credit"])
    route = s.ChoiceField(Route.choices)
    amount_fen = s.IntegerField()
    expected_arrival = ArrivalOut()
    why = WhyOut()
    state = s.CharField(help_text="of its latest attempt; `planned` before the first, `given_up` where nobody goes on")
    attempts = AttemptOut(many=True, help_text="`executions` has all of each")


class PlanOut(s.Serializer[object]):
    hash = s.CharField()
    legs = LegOut(many=True)


class RefundRequestOut(s.Serializer[object]):
    id = s.UUIDField()
    number = s.CharField()
    state = s.ChoiceField(State.choices)
    version = s.IntegerField(help_text="counts state changes; send it with a decision")
    transaction = s.UUIDField()
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
    customer = CustomerOut()
    cashier = s.CharField(help_text="who asks for it, as sent; else who rang the sale up")
    sale_cashier = s.CharField(help_text="who rang the sale up")
    reject_reason = s.CharField(allow_null=True)
    message_to_customer = s.CharField(allow_null=True)
    due_at = s.DateTimeField()
    expected_arrival = ArrivalOut()
    plan = PlanOut(help_text="by which payments of the order it goes back")
    executions = ExecutionOut(many=True, help_text="all attempts of all legs")
    tracking_url = s.URLField()
    created_at = s.DateTimeField()
    updated_at = s.DateTimeField()
    decided_at = s.DateTimeField(allow_null=True)
    refunded_at = s.DateTimeField(allow_null=True)


class QuoteOut(s.Serializer[object]):
    transaction = s.UUIDField()
    amount_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    verdict = VerdictOut()
    plan = PlanOut(allow_null=True, help_text="none where the verdict refuses")
    expected_arrival = ArrivalOut()


class ActorOut(s.Serializer[object]):
    kind = s.ChoiceField(["staff", "api_key", "customer", "channel", "system"])
    name = s.CharField()


class EventOut(s.Serializer[object]):
    at = s.DateTimeField()
    actor = ActorOut()
    action = s.CharField()
    from_state = s.CharField(allow_null=True)
    to_state = s.CharField(allow_null=True)
    version = s.IntegerField(allow_null=True)
    data = s.DictField()  # type: ignore[assignment]  # what the event carries


@extend_schema_serializer(many=False)
class EventsOut(s.Serializer[object]):
    next = s.URLField(allow_null=True)
    previous = s.URLField(allow_null=True)
    results = EventOut(many=True)


class SaleLineOut(s.Serializer[object]):
    sku = s.CharField()
    name = s.CharField()
    quantity = s.IntegerField()
    returned_quantity = s.IntegerField()
    unit_price_fen = s.IntegerField()
    amount_fen = s.IntegerField()


class PayerOut(s.Serializer[object]):
    phone = s.CharField(allow_null=True, help_text="masked")
    card_last4 = s.CharField(allow_null=True)
    funding = s.CharField()


class ReporterOut(s.Serializer[object]):
    kind = s.ChoiceField(["api_key", "loader", "unknown"])
    id = s.CharField(allow_null=True, help_text="of the API key")
    name = s.CharField()


class TransactionOut(s.Serializer[object]):
    id = s.UUIDField()
    order_no = s.CharField()
    channel = s.CharField()
    channel_transaction_no = s.CharField()
    kind = s.CharField()
    status = s.CharField()
    amount_fen = s.IntegerField()
    refunded_fen = s.IntegerField()
    reserved_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    paid_at = s.DateTimeField()
    store = s.CharField()
    terminal = s.CharField(allow_null=True)
    cashier = s.CharField()
    payer = PayerOut()
    lines = SaleLineOut(many=True)
    reported_by = ReporterOut()
    created_at = s.DateTimeField()


class OrderOut(s.Serializer[object]):
    order_no = s.CharField()
    store = s.CharField()
    amount_fen = s.IntegerField()
    refunded_fen = s.IntegerField()
    refundable_fen = s.IntegerField()
    payments = TransactionOut(many=True)
    lines = SaleLineOut(many=True, help_text="of the order, whichever payment named them")


class RequestOfSaleOut(s.Serializer[object]):
    id = s.UUIDField()
    number = s.CharField()
    state = s.CharField()
    amount_fen = s.IntegerField()


class TransactionWithRequestsOut(TransactionOut):
    refund_requests = RequestOfSaleOut(many=True)


@extend_schema_serializer(many=False)
class TransactionPageOut(s.Serializer[object]):
    next = s.URLField(allow_null=True)
    previous = s.URLField(allow_null=True)
    results = TransactionOut(many=True)


@extend_schema_serializer(many=False)
class RefundRequestPageOut(s.Serializer[object]):
    next = s.URLField(allow_null=True)
    previous = s.URLField(allow_null=True)
    results = RefundRequestOut(many=True)


class EvidenceOut(s.Serializer[object]):
    id = s.UUIDField()
    refund_request = s.UUIDField()
    kind = s.ChoiceField(EvidenceKind.choices)
    note = s.CharField()
    content_type = s.CharField(help_text="of the picture as it is kept: always written anew")
    size = s.IntegerField(help_text="bytes, as it is kept")
    sha256 = s.CharField(help_text="of the picture as it is kept")
    added_at = s.DateTimeField()


class ReasonRuleOut(s.Serializer[object]):
    reason = s.ChoiceField(Reason.choices)
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    words = s.CharField()


class RouteRuleOut(s.Serializer[object]):
    route = s.ChoiceField(Route.choices)
    label = s.CharField()  # type: ignore[assignment]  # a field, not the label of one
    words = s.CharField(help_text="empty where nothing limits it")


class PolicyOut(s.Serializer[object]):
    name = s.CharField()
    version = s.IntegerField()
    effective_at = s.DateTimeField()
    auto_approve_limit_fen = s.IntegerField()
    auto_order_limit_fen = s.IntegerField(help_text="fen of one order, in all, approved without a person")
    auto_customer_day_limit_fen = s.IntegerField(help_text="fen of one customer in a day, in all")
    auto_cashier_day_count = s.IntegerField(help_text="refunds of one cashier in a day")
    auto_key_day_count = s.IntegerField(allow_null=True, help_text="refunds through one key in a day; null: any number")
    auto_key_day_fen = s.IntegerField(allow_null=True, help_text="fen through one key in a day; null: any amount")
    summary = s.CharField()
    reasons = ReasonRuleOut(many=True)
    routes = RouteRuleOut(many=True)


#: What may go wrong on a write, beside what the status line of its own says.
WRITE_PROBLEMS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem, 429: Problem}
READ_PROBLEMS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 429: Problem}
