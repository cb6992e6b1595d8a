"""A payout that the channel accepted and cannot deliver (the payer's card is closed): send it to another account.

The customer's card number and name go to the channel, encrypted by the adapter, and nowhere else: they are neither stored nor
logged. The audit event keeps the kind of payee, the bank and the card's last four digits.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.audit.record import record
from core.errors import Conflict, FieldError, Invalid
from merchants import channels
from merchants.principals import Principal
from merchants.rights import Act
from payment_channels.contract import AbnormalRefundOrder, AbnormalRefunds, PayeeKind, Refused
from refunds import lifecycle
from refunds.facts import conditions
from refunds.models import Execution
from refunds.payouts import Answer, settle
from refunds.payouts.adapters import adapter_for
from refunds.states import ExecutionState

__all__ = ["ApplicationRefused", "OtherAccount", "PayeeKind", "can_be_sent_elsewhere", "send_elsewhere"]


class ApplicationRefused(Conflict, code="payee_refused"):
    """The channel did not take this account; the payout stays stuck, and another account may be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAccount:
    """Where the money is to go instead. ``bank_type`` is the channel's name of the bank, e.g. ``ICBC_DEBIT``."""

    kind: PayeeKind
    bank_type: str = ""
    card_number: str = field(default="", repr=False)
    holder_name: str = field(default="", repr=False)


def can_be_sent_elsewhere(execution: Execution) -> bool:
    """Whether this payout is stuck on a channel that takes another account for it."""
    stuck = execution.needs_attention and execution.state == ExecutionState.PROCESSING
    channel = channels.channel(execution.channel_account.channel)
    return stuck and channel is not None and channel.other_account


def act_of(kind: PayeeKind) -> Act:
    """To a card that somebody types in takes a second pair of eyes; the merchant's own account is nobody's pocket."""
    return Act.REDIRECT if kind is PayeeKind.MERCHANT_ACCOUNT else Act.REDIRECT_TO_PERSON


def send_elsewhere(*, request_id: UUID, payee: OtherAccount, by: Principal, at: datetime) -> None:
    """Apply for the abnormal refund. Raises ``Forbidden``, ``Invalid``, ``Conflict`` or ``ApplicationRefused``."""
    execution = _take(request_id, payee, by, at)
    adapter = adapter_for(execution.channel_account_id, execution.channel_account.revision)
    if not isinstance(adapter, AbnormalRefunds):
        raise Conflict("this channel takes no other account", code="original_route_impossible")
    outcome = adapter.apply_abnormal_refund(
        AbnormalRefundOrder(
            refund_no=execution.refund_no,
            channel_refund_no=execution.channel_refund_no,
            amount_fen=execution.amount_fen,
            payee=payee.kind,
            bank_type=payee.bank_type,
            card_number=payee.card_number,
            holder_name=payee.holder_name,
        )
    )
    if isinstance(outcome, Refused):
        raise ApplicationRefused(outcome.message or outcome.code)
    settle([Answer(execution.pk, request_id, execution.channel_account_id, outcome, "answer")], at=at)


@transaction.atomic
def _take(request_id: UUID, payee: OtherAccount, by: Principal, at: datetime) -> Execution:
    """Lock the stuck payout, lease it so that no loop asks about it meanwhile, and write down who redirected it where."""
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(act_of(payee.kind), by=by, request=request)
    _check(payee)
    execution = (
        Execution.objects.select_for_update(of=("self",))
        .select_related("channel_account")
        .filter(request_id=request_id, needs_attention=True, state=ExecutionState.PROCESSING)
        .first()
    )
    if execution is None or not can_be_sent_elsewhere(execution):
        raise lifecycle.WrongState("this payout is not stuck", state=request.state, version=request.version)
    Execution.objects.filter(pk=execution.pk).update(due_at=at + timedelta(seconds=settings.EXECUTION_LEASE_S))
    record(
        merchant_id=request.merchant_id,
        by=by.actor,
        action="refund.send_elsewhere",
        object_type="refund_request",
        object_id=request_id,
        at=at,
        data={
            "refund_no": execution.refund_no,
            "payee": payee.kind.value,
            "bank": payee.bank_type,
            "card_last4": payee.card_number[-4:],
        },
    )
    return execution


def _check(payee: OtherAccount) -> None:
    if payee.kind is not PayeeKind.CUSTOMER_CARD:
        return
    errors = []
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,31}", payee.bank_type):
        errors.append(FieldError("bank_type", "invalid", _("The channel's name of the bank, such as ICBC_DEBIT.")))
    if not re.fullmatch(r"[0-9]{12,19}", payee.card_number):
        errors.append(FieldError("card_number", "invalid", _("12 to 19 digits.")))
    if not payee.holder_name.strip():
        errors.append(FieldError("holder_name", "required"))
    if errors:
        raise Invalid("the payee is incomplete", code="payee_incomplete", errors=errors)
