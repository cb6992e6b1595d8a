"""Whose money it is, and who handed the refund in, as its page says it. Contacts are masked."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext

from core.personal_data import mask_email, mask_name, mask_phone
from desk import people
from refunds.facts import payees
from refunds.facts.payees import MaskedPayee
from refunds.models import Payee, RefundRequest
from refunds.telling import tracking
from terminals.models import Transaction

#: As far back as a customer's other refunds are counted.
_HISTORY = timedelta(days=30)
_HISTORY_CAP = 100


@dataclass(frozen=True, slots=True)
class Customer:
    """Masked; ``payee`` is the account of a transfer, ``history`` what else the same phone bought and brought back."""

    payee: MaskedPayee | None
    name_masked: str
    phone_masked: str
    email_masked: str
    history: str
    tracking_url: str
    has_contact: bool


def customer(request: RefundRequest, *, payee: Payee | None) -> Customer:
    """``payee`` is the account of a transfer, if one was named."""
    return Customer(
        payee=payees.masked(payee) if payee else None,
        name_masked=mask_name(request.customer_name),
        phone_masked=mask_phone(request.customer_phone),
        email_masked=mask_email(request.customer_email),
        history=_history(request),
        tracking_url=tracking.url_for(request.pk),
        has_contact=bool(request.customer_phone or request.customer_email),
    )


def requester_label(request: RefundRequest) -> str:
    """Who handed it in: a colleague, the cashier at the till, or a client of the API."""
    if request.staff is not None:
        return people.with_role(request.staff)
    if request.cashier:
        return gettext("Cashier %(code)s") % {"code": request.cashier}
    return request.api_key.name if request.api_key else gettext("Customer")


def source_label(request: RefundRequest) -> str:
    """By which face it came in."""
    if request.verdict.get("source") == "portal":
        return gettext("Channel's portal")
    if request.staff_id is not None:
        return gettext("Desk")
    if request.api_key is None:
        return gettext("Customer's page")
    return gettext("Till") if request.cashier else gettext("API")


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
