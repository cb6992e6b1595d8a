"""Seeing a customer's full contact: allowed to some, and never without a trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.audit.record import record
from core.errors import Forbidden
from merchants.models import Staff
from refunds import permissions
from refunds.models import RefundRequest


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    phone: str
    email: str


@transaction.atomic
def reveal(*, request: RefundRequest, by: Staff, at: datetime) -> Contact:
    """The contact in full; the look is in the audit log before it is seen. Raises ``Forbidden``."""
    if not permissions.may_reveal(by):
        raise Forbidden("your role does not see full contacts", code="role_required")
    record(
        merchant_id=request.merchant_id,
        by=by.actor,
        action="refund.reveal",
        object_type="refund_request",
        object_id=request.pk,
        at=at,
    )
    return Contact(request.customer_name, request.customer_phone, request.customer_email)
