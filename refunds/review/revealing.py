"""Seeing a customer's full contact: allowed to some, and never without a trace."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions, payees
from refunds.models import RefundRequest


@dataclass(frozen=True, slots=True)
class Contact:
    """What was given by or for the customer, unmasked. ``holder_name`` and ``account_no`` are of a transfer."""

    name: str
    phone: str
    email: str
    holder_name: str = ""
    account_no: str = ""
    bank_name: str = ""


@transaction.atomic
def reveal(*, request: RefundRequest, by: Principal, at: datetime) -> Contact:
    """The contact, and the account of a transfer, in full; the look is in the audit log before it is seen.

    Raises ``Forbidden``.
    """
    conditions.check(Act.REVEAL, by=by, request=request)
    lifecycle.record_act(request, "refund.reveal", by=by.actor, at=at)
    contact = Contact(request.customer_name, request.customer_phone, request.customer_email)
    payee = payees.of(request)
    if payee is None:
        return contact
    return replace(contact, holder_name=payee.holder_name, account_no=payee.account_no, bank_name=payee.bank_name)
