"""Records as JSON. Instants in Shanghai's offset, ids as text, amounts in fen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.audit.models import AuditEvent
from core.calendar import SHANGHAI
from core.personal_data import mask_phone
from payment_channels.profile import Profile
from refunds.facts import payees
from refunds.models import Execution, Payee, RefundRequest
from refunds.rules import explanations
from refunds.rules.arrival import expected_arrival
from refunds.rules.remedies import remedy
from refunds.states import Route
from refunds.telling import tracking
from terminals.models import Transaction


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
    return request_json(
        request,
        place=Place(sale.order_no, request.store.code, request.terminal.code if request.terminal else "", sale.cashier),
        executions=sorted(request.executions.all(), key=lambda execution: execution.created_at),
        funding=sale.funding,
        profile=sale.profile,
        payee=payees.of(request),
    )


def execution_json(execution: Execution) -> dict[str, Any]:
    failure = None
    if execution.failure_code:
        failure = {
            "code": execution.failure_code,
            "message": execution.failure_message,
            "remedy": remedy(execution.failure_remedy),
        }
    return {
        "tranche": 1,  # a payout is never made in parts
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
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "returned_quantity": line.reserved_quantity,
                "unit_price_fen": line.unit_price_fen,
                "amount_fen": line.amount_fen,
            }
            for line in sale.lines.all()
        ],
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
