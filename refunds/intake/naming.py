"""The account that paid is closed: the customer names another of theirs, and people decide and pay it as every transfer."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import Invalid
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions
from refunds.intake import resubmitting
from refunds.intake.claims import Account
from refunds.intake.resubmitting import Correction
from refunds.models import RefundRequest
from refunds.states import Route, State

#: Why a payout failed, where another account is what helps.
_ACCOUNT_FAULT = ("other_route", "payee_account", "payee_wrong")


def waits_for_account(request: RefundRequest, *, by: Principal) -> bool:
    """Whether this customer can name another account now."""
    if request.state != State.FAILED or not conditions.may(Act.RESUBMIT_FAILED, by=by, request=request):
        return False
    last = request.executions.order_by("-created_at", "-pk").first()
    return last is not None and last.failure_remedy in _ACCOUNT_FAULT


@transaction.atomic
def name_account(
    *, request_id: UUID, account: Account, consent: bool, phone: str, by: Principal, at: datetime
) -> RefundRequest:
    """Send the request in again as a transfer to the customer's own account: it goes to a person, and who pays it did not approve
    it. ``phone`` is the one that they have shown to hold; whoever cannot names the account at the store, and has a hand in it.

    Raises ``PhoneNotShown``, ``Invalid`` without consent or for an account that is not whole, ``WrongState``, or
    ``PolicyRefused`` where the merchant pays no transfers.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RESUBMIT_FAILED, by=by, request=request, at=at)
    if not waits_for_account(request, by=by):
        raise lifecycle.WrongState("no account is asked for", state=request.state, version=request.version)
    if request.merchant.sandbox_of_id is None and (not phone or phone != conditions.phone_to_show(request)):
        raise conditions.PhoneNotShown("a code to the customer's phone shows that the account is theirs")
    if not consent:
        raise Invalid("the customer has to agree", code="consent_needed")
    correction = Correction(route=Route.BANK_TRANSFER, payee=account, customer_consent=True)
    return resubmitting.resubmit(request_id=request_id, correction=correction, by=by, at=at)
