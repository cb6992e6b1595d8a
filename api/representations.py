"""Records as JSON. Instants in Shanghai's offset, ids as text, amounts in fen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from core.audit.models import AuditEvent
from core.calendar import SHANGHAI
from core.personal_data import mask_phone
from payment_channels.profile import Profile
from refunds.facts import payees, plans
from refunds.intake import planning
from refunds.intake.facts import Sale
from refunds.models import Execution, Payee, RefundRequest
from refunds.rules import explanations
from refunds.rules.arrival import expected_arrival
from refunds.rules.plan import WHY, PlannedLeg
from refunds.rules.remedies import remedy
from refunds.states import Route
from refunds.telling import tracking
from terminals.models import Transaction, TransactionLine


def instant(at: datetime | None) -> str | None:
    """RFC 3339 with offset."""
    return None if at is None else at.astimezone(SHANGHAI).isoformat()


def verdict_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored verdict with its explanations in the caller's language."""
    return {
        **stored,
        "rules": [
            {
                "code": rule["code"],
                "passed": rule["passed"],
                "actual": rule["actual"],
                "limit": rule["limit"],
                "explanation": explanations.explain(rule),
            }
            for rule in stored["rules"]
        ],
    }


def arrival_json(*, funding: str, profile: Profile, at: datetime, route: str = Route.ORIGINAL) -> dict[str, Any]:
    arrival = expected_arrival(funding=funding, profile=profile, at=at, route=route)
    return {
        "earliest_at": instant(arrival.earliest_at),
        "latest_at": instant(arrival.latest_at),
        "basis": arrival.basis,
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sale was made and who rang it up, in the shop's own words; a sale without a terminal has ""."""

    order_no: str
    store: str
    terminal: str
    cashier: str


def request_json(
    request: RefundRequest,
    *,
    executions: Iterable[Execution],
    place: Place,
    funding: str,
    profile: Profile,
    plan: dict[str, Any],
    payee: Payee | None = None,
) -> dict[str, Any]:
    """A refund request as clients rely on it."""
    return {
        "id": str(request.pk),
        "number": request.number,
        "state": str(request.state),
        "version": request.version,
        "transaction": str(request.transaction_id),
        "order_no": place.order_no,
        "store": place.store,
        "terminal": place.terminal or None,
        "kind": request.kind,
        "reason": request.reason,
        "description": request.description,
        "amount_fen": request.amount_fen,
        "approved_fen": request.approved_fen,
        "refunded_fen": request.refunded_fen,
        "route": request.route,
        "payee": None if payee is None else payees.masked(payee),
        "verdict": verdict_json(request.verdict),
        "customer": {"phone": mask_phone(request.customer_phone), "locale": request.customer_locale},
        "cashier": request.cashier,
        "sale_cashier": place.cashier,
        "reject_reason": request.reject_reason or None,
        "message_to_customer": request.message_to_customer or None,
        "due_at": instant(request.due_at),
        "expected_arrival": arrival_json(
            funding=funding,
            profile=profile,
            at=request.succeeded_at or request.decided_at or request.created_at,
            route=request.route,
        ),
        "plan": plan,
        "executions": [execution_json(execution) for execution in executions],
        "tracking_url": tracking.url_for(request.pk),
        "created_at": instant(request.created_at),
        "updated_at": instant(request.updated_at),
        "decided_at": instant(request.decided_at),
        "refunded_at": instant(request.succeeded_at),
    }


def stored_request_json(request: RefundRequest) -> dict[str, Any]:
    """A request from the database, with its sale, account and executions loaded."""
    sale = request.transaction
    at = request.succeeded_at or request.decided_at or request.created_at
    legs = [
        leg_json(
            one.leg,
            sale=one.leg.transaction if request.leg_count else sale,
            at=at,
            state=one.state,
            attempts=one.attempts,
        )
        for one in plans.standing_of(request)
    ]
    return request_json(
        request,
        plan={"hash": plans.hash_of(request), "legs": legs},
        place=Place(sale.order_no, request.store.code, request.terminal.code if request.terminal else "", sale.cashier),
        executions=sorted(request.executions.all(), key=lambda execution: execution.created_at),
        funding=sale.funding,
        profile=sale.profile,
        payee=payees.of(request),
    )


class PaidFrom(Protocol):
    """What a leg's arrival is reckoned from, however the payment was read."""

    @property
    def funding(self) -> str: ...
    @property
    def profile(self) -> Profile: ...


class PlannedOrStored(Protocol):
    """A leg as it was planned or as it is stored."""

    @property
    def sequence(self) -> int: ...
    @property
    def transaction_id(self) -> UUID: ...
    @property
    def route(self) -> str: ...
    @property
    def amount_fen(self) -> int: ...
    @property
    def why(self) -> str: ...


#: What a leg on a route of a person is called.
_METHODS = {Route.BANK_TRANSFER: "transfer", Route.CASH: "cash", Route.STORE_CREDIT: "store_credit"}


def leg_json(
    leg: PlannedOrStored,
    *,
    sale: PaidFrom,
    at: datetime,
    state: str = plans.PLANNED,
    attempts: Sequence[Execution] = (),
) -> dict[str, Any]:
    """A leg of a plan; ``executions`` beside it say all of its attempts."""
    return {
        "sequence": leg.sequence,
        "transaction": str(leg.transaction_id),
        "method": _METHODS.get(Route(leg.route), attempts[-1].method if attempts else "refund"),
        "route": str(leg.route),
        "amount_fen": leg.amount_fen,
        "expected_arrival": arrival_json(funding=sale.funding, profile=sale.profile, at=at, route=leg.route),
        "why": {"code": leg.why, "explanation": str(WHY[leg.why])},
        "state": state,
        "attempts": [{"refund_no": row.refund_no, "state": str(row.state)} for row in attempts],
    }


def new_plan_json(
    legs: Sequence[PlannedLeg], sale: Sale, *, at: datetime, executions: Sequence[Execution] = ()
) -> dict[str, Any]:
    """The plan of a quote, or of a request that is just being stored."""
    found = []
    for leg in legs:
        attempts = [row for row in executions if row.sequence == leg.sequence]
        state = str(attempts[-1].state) if attempts else plans.PLANNED
        found.append(leg_json(leg, sale=planning.payment_of(sale, leg), at=at, state=state, attempts=attempts))
    return {"hash": planning.hash_of(legs), "legs": found}


def execution_json(execution: Execution) -> dict[str, Any]:
    failure = None
    if execution.failure_code:
        failure = {
            "code": execution.failure_code,
            "message": execution.failure_message,
            "remedy": remedy(execution.failure_remedy),
        }
    return {
        "tranche": execution.sequence,
        "method": execution.method,
        "state": str(execution.state),
        "refund_no": execution.refund_no,
        "channel_refund_no": execution.channel_refund_no or None,
        "amount_fen": execution.amount_fen,
        "sent_at": instant(execution.first_sent_at),
        "succeeded_at": instant(execution.succeeded_at),
        "failure": failure,
    }


def event_json(event: AuditEvent) -> dict[str, Any]:
    """One line of the timeline. What staff wrote to each other stays with staff."""
    data = {name: value for name, value in event.data.items() if name != "note"}
    return {
        "at": instant(event.at),
        "actor": {"kind": event.actor_kind, "name": event.actor_name},
        "action": event.action,
        "from_state": event.from_state or None,
        "to_state": event.to_state or None,
        "version": event.version,
        "data": data,
    }


def line_json(line: TransactionLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "returned_quantity": line.reserved_quantity,
        "unit_price_fen": line.unit_price_fen,
        "amount_fen": line.amount_fen,
    }


def transaction_json(sale: Transaction, *, requests: Iterable[RefundRequest] | None = None) -> dict[str, Any]:
    """A sale; with its requests where one sale is asked for."""
    body: dict[str, Any] = {
        "id": str(sale.pk),
        "order_no": sale.order_no,
        "channel": sale.channel,
        "channel_transaction_no": sale.channel_transaction_no,
        "kind": sale.kind,
        "status": sale.status,
        "amount_fen": sale.amount_fen,
        "refunded_fen": sale.refunded_fen,
        "reserved_fen": sale.reserved_fen,
        "refundable_fen": sale.refundable_fen,
        "paid_at": instant(sale.paid_at),
        "store": sale.store.code,
        "terminal": sale.terminal.code if sale.terminal else None,
        "cashier": sale.cashier,
        "payer": {
            "phone": mask_phone(sale.payer_phone) or None,
            "card_last4": sale.card_last4 or None,
            "funding": sale.funding,
        },
        "lines": [line_json(line) for line in sale.lines.all()],
        "reported_by": {
            "kind": "api_key" if sale.reported_by_key_id else "loader" if sale.reported_by else "unknown",
            "id": None if sale.reported_by_key_id is None else str(sale.reported_by_key_id),
            "name": sale.reported_by,
        },
        "created_at": instant(sale.created_at),
    }
    if requests is not None:
        body["refund_requests"] = [
            {"id": str(request.pk), "number": request.number, "state": request.state, "amount_fen": request.amount_fen}
            for request in requests
        ]
    return body
