"""One refund with all that its page and its preview show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from core.errors import NotFound
from core.personal_data import mask_email, mask_name, mask_phone
from desk import payouts, people, presence, progress, verdicts
from desk.access import Scope
from desk.actions import offered
from desk.addresses import refund as refund_url
from desk.rows import stamp, target_s
from desk.timeline import timeline
from merchants import channels
from merchants.rights import Act
from refunds import queries
from refunds.facts import payees
from refunds.models import Evidence, RefundRequest
from refunds.review.revealing import Contact
from refunds.states import RELEASED, UNDECIDED, Reason, RejectReason, Route, State
from refunds.telling import tracking
from refunds.telling.destinations import destination_label
from terminals.models import Terminal, Transaction, TransactionLine

#: As far back as a customer's other refunds are counted.
_HISTORY = timedelta(days=30)
_HISTORY_CAP = 100


def find(scope: Scope, number: str) -> RefundRequest:
    """The refund with what its page reads. Raises ``NotFound``, also for another merchant's or store's."""
    found = with_people(scope.requests()).filter(number=number).first()
    if found is None:
        raise NotFound("there is no such refund request")
    return found


def with_people(rows: QuerySet[RefundRequest]) -> QuerySet[RefundRequest]:
    return rows.select_related(
        "store",
        "terminal",
        "policy_version",
        "staff",
        "api_key",
        "claimed_by",
        "transaction__terminal",
        "transaction__channel_account",
    )


def refund(request: RefundRequest, *, scope: Scope, at: datetime, revealed: Contact | None = None) -> dict[str, Any]:
    """What ``desk/pane.html`` and ``desk/detail.html`` show as ``refund``. ``request`` comes from ``find``."""
    sale = request.transaction
    executions = list(request.executions.select_related("channel_account").order_by("-created_at", "-pk"))
    approvals = list(request.approvals.select_related("staff").order_by("pk"))
    notifications = list(request.notifications.defer("recipient").order_by("-pk"))
    events = queries.events_of(request.pk)
    evidence = list(request.evidence.order_by("added_at", "pk"))
    sold = list(sale.lines.order_by("position"))
    returned = dict(request.lines.values_list("line_id", "quantity"))
    can = offered(request=request, by=scope.by, last=executions[0] if executions else None, at=at)
    looking = presence.viewers(request_ids=[request.pk], but=scope.staff, at=at)
    undecided = request.state in UNDECIDED
    shown_payouts = payouts.payouts(executions)
    return {
        **_head(request),
        "due_at": request.due_at if undecided else None,
        "target_s": target_s(request),
        "paused": request.state == State.NEEDS_INFO,
        "owner": people.person(request.claimed_by),
        "viewers": looking.get(request.pk, []),
        "goods_summary": goods_summary(sold, returned),
        "requester_label": requester_label(request),
        "source_label": source_label(request),
        "customer": _customer(request),
        "reveal_url": _reveal_url(request, scope),
        "revealed": revealed,
        "verdict": {**verdicts.shown(request), **({} if undecided else {"tone": "mute"})},
        "evidence": [evidence_piece(request.number, piece) for piece in evidence],
        "lines": _lines(sold, returned),
        "sale": _sale(request, sale),
        "steps": progress.steps(request, approvals=approvals, at=at),
        "payout_method": payouts.planned_method(request, at=at),
        "executions": shown_payouts,
        "trouble": _trouble(request, shown_payouts),
        "notifications": payouts.messages(notifications),
        "timeline": timeline(events=events, executions=executions, notifications=notifications),
        "is_settled": progress.is_settled(request),
        "status_url": f"{refund_url(request.number, 'progress')}?stamp={stamp(request)}",
        "ask_every_s": progress.ask_every_s(request),
        "actions": can.urls,
        "blocked_reason": can.blocked,
        "why_not": can.why_not,
        "claimed_by_me": request.claimed_by_id == scope.staff.pk,
    }


def _head(request: RefundRequest) -> dict[str, Any]:
    paid = request.transaction.amount_fen
    amount = request.approved_fen or request.amount_fen
    payee = payees.of(request)
    return {
        "number": request.number,
        "url": refund_url(request.number),
        "pane_url": refund_url(request.number, "pane"),
        "version": request.version,
        "stamp": stamp(request),
        "state": str(request.state),
        "state_label": State(request.state).label,
        "decision": request.verdict["decision"],
        "tier": verdicts.tier_level(request),
        "amount_fen": amount,
        "requested_fen": request.amount_fen,
        "approved_fen": request.approved_fen,
        "paid_fen": paid,
        "is_full": amount == paid,
        "refundable_fen": request.amount_fen,
        "channel": request.channel,
        "channel_label": channels.label(request.channel),
        "destination_label": destination_label(
            sale=request.transaction, route=request.route, account_last4=payee.account_last4 if payee else ""
        ),
        "route_label": Route(request.route).label,
        "store_name": request.store.name,
        "terminal_code": request.terminal.code if request.terminal else "",
        "till_label": till_label(request.terminal),
        "reason_label": Reason(request.reason).label,
        "reject_label": RejectReason(request.reject_reason).label if request.reject_reason else "",
        "message_to_customer": request.message_to_customer,
        "customer_note": request.description,
        "created_at": request.created_at,
    }


def till_label(till: Terminal | None) -> str:
    """``POS-02 · version 4.2.1``: which software rang it up says a lot about a system fault."""
    if till is None or not till.software_version:
        return till.code if till else ""
    return gettext("%(till)s · version %(version)s") % {"till": till.code, "version": till.software_version}


def goods_summary(sold: Sequence[TransactionLine], returned: dict[int, int]) -> str:
    """``空气炸锅 4L × 1``; of a request without pieces, what was bought."""
    pieces = [(line.name, returned.get(line.pk, 0) if returned else line.quantity) for line in sold]
    shown = [f"{name} × {quantity}" for name, quantity in pieces if quantity]
    more = len(shown) - 3
    text = "、".join(shown[:3])
    return gettext("%(goods)s and %(n)s more") % {"goods": text, "n": more} if more > 0 else text


def requester_label(request: RefundRequest) -> str:
    """Who handed it in: a colleague, the cashier at the till, or a client of the API."""
    if request.staff is not None:
        return people.with_role(request.staff)
    if request.cashier:
        return gettext("Cashier %(code)s") % {"code": request.cashier}
    return request.api_key.name if request.api_key else gettext("Customer")


def source_label(request: RefundRequest) -> str:
    if request.verdict.get("source") == "portal":
        return gettext("Channel's portal")
    if request.staff_id is not None:
        return gettext("Desk")
    if request.api_key is None:
        return gettext("Customer's page")
    return gettext("Till") if request.cashier else gettext("API")


def evidence_piece(number: str, piece: Evidence) -> dict[str, Any]:
    url = reverse("desk:evidence", args=[number, piece.pk])
    label = piece.get_kind_display()
    return {
        "url": url,
        "thumb_url": f"{url}?size=small",
        "name": label,
        "alt": f"{label}: {piece.note}" if piece.note else label,
        "is_image": piece.content_type.startswith("image/"),
        "note": piece.note,
    }


def _reveal_url(request: RefundRequest, scope: Scope) -> str:
    known = request.customer_name or request.customer_phone or request.customer_email or payees.of(request)
    return refund_url(request.number, "reveal") if known and scope.may(Act.REVEAL) else ""


def _customer(request: RefundRequest) -> dict[str, Any]:
    payee = payees.of(request)
    return {
        "payee": payees.masked(payee) if payee else None,
        "name_masked": mask_name(request.customer_name),
        "phone_masked": mask_phone(request.customer_phone),
        "email_masked": mask_email(request.customer_email),
        "history": _history(request),
        "tracking_url": tracking.url_for(request.pk),
    }


def _history(request: RefundRequest) -> str:
    """The same phone's sales and refunds of the merchant in the last days; nothing for a customer without a phone."""
    if request.customer_phone_hash is None:
        return ""
    since = request.created_at - _HISTORY
    phone = bytes(request.customer_phone_hash)
    refunds = RefundRequest.objects.filter(
        merchant_id=request.merchant_id, customer_phone_hash=phone, created_at__gte=since
    )
    sales = Transaction.objects.filter(merchant_id=request.merchant_id, payer_phone_hash=phone, paid_at__gte=since)
    return gettext("%(sales)s sales, %(refunds)s refunds in 30 days") % {
        "sales": sales[:_HISTORY_CAP].count(),
        "refunds": refunds[:_HISTORY_CAP].count(),
    }


def _trouble(request: RefundRequest, shown: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest payout where it stands in the way: its cause and what can be done, at the top of the preview."""
    stands = request.state in (State.FAILED, State.UNKNOWN, State.EXECUTING) and shown and shown[0]["cause"]
    if not stands:
        return None
    asked = gettext("The channel is asked again by itself, under the same number. Nothing is paid twice.")
    return {**shown[0], "remedy": shown[0]["remedy"] or (asked if request.state == State.UNKNOWN else "")}


def _lines(sold: Sequence[TransactionLine], returned: dict[int, int]) -> list[dict[str, Any]]:
    return [
        {
            "name": line.name,
            "sku": line.sku,
            "unit_price_fen": line.unit_price_fen,
            "quantity": line.quantity,
            "refund_quantity": returned.get(line.pk, 0),
            "refund_fen": line.amount_fen * returned.get(line.pk, 0) // line.quantity,
        }
        for line in sold
    ]


def _sale(request: RefundRequest, sale: Transaction) -> dict[str, Any]:
    this = 0 if request.state in RELEASED else request.approved_fen or request.amount_fen
    before = sale.reserved_fen - request.reserved_fen
    return {
        "number": sale.order_no,
        "url": reverse("desk:transaction", args=[sale.pk]),
        "paid_at": sale.paid_at,
        "cashier_label": sale.cashier,
        "reporter_label": sale.reported_by,
        "till_label": till_label(sale.terminal),
        "channel_no": sale.channel_transaction_no,
        "paid_fen": sale.amount_fen,
        "refunded_fen": before,
        "this_fen": this,
        "left_fen": max(0, sale.amount_fen - before - this),
    }
