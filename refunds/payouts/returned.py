"""Transfers that were paid and came back from the bank: a person notes it, another pays it again.

The refund stays paid, for nothing takes a proven payout back; that the money is with us again stands in the ledger until it is
paid again, and the customer reads it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from core.errors import Conflict, Invalid
from core.plain_text import one_line, reference_key, without_marks
from merchants import rights
from merchants.principals import Principal
from merchants.rights import Act
from payment_channels.contract import SecondLeg
from refunds import lifecycle
from refunds.facts import conditions, vouching
from refunds.models import Execution, LedgerEntry, Payee, RefundRequest, ReturnedTransfer
from refunds.models.ledger import PostingKind
from refunds.payouts.by_hand import ReferenceUsed
from refunds.states import PAID, ExecutionState, HandTrouble, Route, State


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Where it goes instead, with the customer's consent: 8 to 32 digits, blanks and hyphens apart."""

    holder_name: str
    account_no: str = field(repr=False)
    bank_name: str = ""


def open_returns(*, by: Principal) -> QuerySet[ReturnedTransfer]:
    """What came back and is not paid again, in this principal's stores, the oldest first. Raises ``Forbidden``."""
    rights.check_may(Act.TAKE_TRANSFERS, by=by)
    rows = ReturnedTransfer.objects.filter(merchant_id=by.acting_for, repaid_at=None)
    return (
        by.in_stores(rows, field="request__store_id")
        .select_related("request__store", "execution")
        .order_by("noted_at", "pk")
    )


@transaction.atomic
def note(
    *,
    request_id: UUID,
    trouble: str,
    note: str = "",
    account: NewAccount | None = None,
    by: Principal,
    at: datetime,
) -> ReturnedTransfer:
    """The bank sent the request's transfer back; once more while it is not paid again: with another account, which is signed for.

    Raises ``Forbidden``, ``Conflict``, ``Invalid``, or what ``signing.sign`` raises, and then nothing changed.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.TAKE_TRANSFERS, by=by, request=request)
    if trouble not in HandTrouble.values:
        raise Invalid("say why with one of the coded reasons", code="unknown_reason_code")
    execution = _transfer(request)
    known = ReturnedTransfer.objects.select_for_update().filter(execution=execution).first()
    if known is not None and known.repaid_at is not None:
        raise Conflict("it came back before and was paid again", code="returned_before")
    row = known or ReturnedTransfer(merchant_id=request.merchant_id, request=request, execution=execution)
    row.trouble, row.note, row.noted_by, row.noted_at = trouble, one_line(note, limit=300), by.name[:80], at
    if account is not None:
        digits = "".join(without_marks(account.account_no).split()).replace("-", "")
        holder = one_line(account.holder_name, limit=60)
        if not (holder and digits.isascii() and digits.isdigit() and 8 <= len(digits) <= 32):
            raise Invalid("an account has a holder and 8 to 32 digits", code="account_invalid")
        row.holder_name, row.account_no, row.account_last4 = holder, digits, digits[-4:]
        row.bank_name = one_line(account.bank_name, limit=60)
    row.save()
    told = {"refund_no": execution.refund_no, "trouble": trouble, "new_account": account is not None}
    if account is not None:
        payee = _other_account(row)
        signed = vouching.sign_other_account(execution=execution, payee=payee, by=by, at=at)
        told |= {"payee": vouching.payee_hash(payee), **signed.told}
    if known is None:
        _book(execution, PostingKind.RETURNED, -1, at)
        _mark(execution, SecondLeg.FAILED)
    lifecycle.record_act(request, vouching.TRANSFER_RETURNED, by=by.actor, at=at, data=told)
    return row


@transaction.atomic
def pay_again(*, request_id: UUID, reference_no: str, by: Principal, at: datetime) -> ReturnedTransfer:
    """It was paid again, by somebody apart from who noted the return, asked for the refund or approved it. Raises ``Forbidden``,
    ``Conflict``, ``Invalid``, ``ReferenceUsed`` or ``NotVouched``, and then nothing changed.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.PAY_BY_HAND, by=by, request=request)
    row = ReturnedTransfer.objects.select_for_update().filter(request=request, repaid_at=None).first()
    if row is None:
        raise Conflict("no transfer of it came back", code="not_waiting")
    if row.account_no:
        vouching.check_other_account(request=request, payee=_other_account(row))
    number = one_line(reference_no, limit=200).strip()
    key = reference_key(number)
    if not key or len(number) > 40:
        raise Invalid("1 to 40 characters", code="payment_incomplete")
    if Execution.objects.filter(merchant_id=request.merchant_id, reference_key=key).exists():
        raise ReferenceUsed("another payout was confirmed with this number")
    row.reference_no, row.repaid_key, row.repaid_by, row.repaid_at = number, key, by.name[:80], at
    try:
        with transaction.atomic():
            row.save(update_fields=["reference_no", "repaid_key", "repaid_by", "repaid_at"])
    except IntegrityError as error:
        raise ReferenceUsed("another payout was confirmed with this number") from error
    execution = row.execution
    _book(execution, PostingKind.REPAID, 1, at)
    _mark(execution, SecondLeg.NONE)
    data = {"refund_no": execution.refund_no, "reference_no": number}
    lifecycle.record_act(request, "refund.transfer_repaid", by=by.actor, at=at, data=data)
    return row


def _other_account(row: ReturnedTransfer) -> Payee:
    """Where it goes instead, as a payee that is not kept."""
    return Payee(
        holder_name=row.holder_name,
        account_no=row.account_no,
        account_last4=row.account_last4,
        bank_name=row.bank_name,
    )


def _transfer(request: RefundRequest) -> Execution:
    """The request's paid transfer, of several the last one."""
    paid = Execution.objects.filter(
        request=request, channel_account__channel=Route.BANK_TRANSFER, state=ExecutionState.SUCCEEDED
    )
    execution = paid.order_by("-succeeded_at", "-pk").first()
    if execution is None or request.state not in (*PAID, State.PARTIALLY_REFUNDED):
        raise lifecycle.WrongState("no transfer of it was paid", state=request.state, version=request.version)
    return execution


def _book(execution: Execution, kind: PostingKind, sign: int, at: datetime) -> None:
    """The payout's entries once more, backwards (-1) or forwards."""
    paid = LedgerEntry.objects.filter(execution=execution, kind=PostingKind.PAYOUT).order_by("pk")
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            merchant_id=entry.merchant_id,
            channel_account_id=entry.channel_account_id,
            execution=execution,
            kind=kind,
            account=entry.account,
            amount_fen=sign * entry.amount_fen,
            booked_at=at,
        )
        for entry in paid
    )


def _mark(execution: Execution, leg: SecondLeg) -> None:
    execution.second_leg, execution.needs_attention = leg, leg is SecondLeg.FAILED
    execution.save(update_fields=["second_leg", "needs_attention"])
