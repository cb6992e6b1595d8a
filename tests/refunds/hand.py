"""Refunds that a person pays back, taken to where the test begins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from merchants.models import Merchant, Staff
from merchants.principals import Principal, of_staff
from refunds.intake import submitting
from refunds.intake.claims import Account, Draft
from refunds.models import RefundRequest
from refunds.payouts import by_hand
from refunds.payouts.by_hand import Payment
from refunds.payouts.loop import drain
from refunds.review import deciding
from refunds.states import Route
from terminals.models import Transaction
from tests.factories import RULES, make_merchant, make_sale, make_staff

BY_HAND_RULES: dict[str, Any] = {
    **RULES,
    "routes": ["original", "bank_transfer", "cash", "store_credit"],
    "route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 50_000}},
}
ACCOUNT_NO = "6222021234567890123"
ACCOUNT = Account(holder_name="王小敏", account_no=ACCOUNT_NO, bank_name="工商银行")


def make_shop() -> Merchant:
    """A merchant that allows every route."""
    return make_merchant(rules=BY_HAND_RULES)


def sale_for(merchant: Merchant, route: str, amount_fen: int = 10_000, **fields: Any) -> Transaction:
    """A sale that may be paid back on this route: cash was paid in cash, and has no channel."""
    sale = make_sale(merchant, amount_fen, **fields)
    if route == Route.CASH:
        Transaction.objects.filter(pk=sale.pk).update(channel="cash", funding="cash", channel_account=None)
        sale.refresh_from_db()
    return sale


def asked(route: str, *, sale: Transaction | None = None, amount_fen: int = 1_200, **fields: Any) -> RefundRequest:
    """In review: asked for by a cashier on this route, with the customer's consent."""
    sale = sale or sale_for(make_shop(), route)
    cashier = fields.pop("by", None) or make_staff(sale.merchant, "cashier")
    values: dict[str, Any] = {
        "amount_fen": amount_fen,
        "reason": "quality",
        "transaction_id": sale.pk,
        "route": route,
        "customer_consent": True,
        "payee": ACCOUNT if route == Route.BANK_TRANSFER else None,
    }
    prepared = submitting.submit(draft=Draft(**{**values, **fields}), by=of_staff(cashier), at=timezone.now())
    return RefundRequest.objects.get(pk=prepared.request.pk)


def approved(request: RefundRequest, *, by: Staff | None = None, at: datetime | None = None) -> RefundRequest:
    """Approved by a reviewer; nothing was handed over yet."""
    reviewer = by or make_staff(request.merchant, "reviewer")
    return deciding.approve(
        request_id=request.pk, by=of_staff(reviewer), at=at or timezone.now(), version=request.version
    )


def waiting(route: str, **fields: Any) -> RefundRequest:
    """Approved, handed over by the worker, and waiting for a person to pay."""
    request = approved(asked(route, **fields))
    drain()
    return RefundRequest.objects.get(pk=request.pk)


def payer(request: RefundRequest, role: str = "finance") -> Principal:
    """A person of this role who has nothing to do with the request yet."""
    return of_staff(make_staff(request.merchant, role))


def payment(request: RefundRequest, reference_no: str = "0042", **fields: Any) -> Payment:
    """A sound payment for the request's route, made just now."""
    drawer = "POS-01" if request.route == Route.CASH else ""
    return Payment(**{"reference_no": reference_no, "paid_at": timezone.now(), "drawer": drawer, **fields})


def confirmed(request: RefundRequest, reference_no: str = "0042") -> RefundRequest:
    """Paid by finance."""
    at = timezone.now() + timedelta(seconds=1)
    return by_hand.confirm(
        request_id=request.pk,
        payment=payment(request, reference_no),
        by=payer(request),
        at=at,
        version=request.version,
    )
