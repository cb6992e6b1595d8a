"""What a merchant who breaks the contract of an earnest owes on top of it (民法典 587): asked for beside the deposit's refund."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, Invalid
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions
from refunds.intake import submitting
from refunds.intake.building import Submission
from refunds.intake.claims import Account, Customer, Draft, check_account, deposit_of
from refunds.intake.facts import find_sale
from refunds.models import Compensation, RefundRequest
from refunds.rules import deposits
from refunds.rules.deposits import DepositClaim, Settlement
from refunds.states import RELEASED, Reason, Route
from terminals.models import TransactionKind
from terminals.standing_in import stand_in


def submit(
    *, draft: Draft, by: Principal, at: datetime, before_commit: Callable[[Submission], None] | None = None
) -> Submission:
    """``submitting.submit``, and in the same commit what is owed on top where the draft says to which account."""
    if draft.compensation_to is None:
        return submitting.submit(draft=draft, by=by, at=at, before_commit=before_commit)
    with transaction.atomic():
        submission = submitting.submit(draft=draft, by=by, at=at, before_commit=before_commit)
        ask(request_id=submission.request.pk, account=draft.compensation_to, by=by, at=at)
    return submission


def owed_fen(request: RefundRequest, *, at: datetime) -> int:
    """What is owed on top of this refund of a deposit; 0 of any other."""
    if request.reason != Reason.DEPOSIT or not request.deposit:
        return 0
    claim = DepositClaim(**request.deposit)
    settled = _settled(merchant_id=request.merchant_id, transaction_id=request.transaction_id, claim=claim, at=at)
    return settled.compensation_fen if settled else 0


def due_fen(*, merchant_id: int, transaction_id: UUID, claim: DepositClaim, at: datetime) -> int | None:
    """What goes back of a deposit by its rule, whatever has gone back before; None where no terms of it are recorded. Raises
    ``Invalid`` as ``deposit_of`` does.
    """
    settled = _settled(merchant_id=merchant_id, transaction_id=transaction_id, claim=claim, at=at)
    return settled.refund_fen if settled else None


def _settled(*, merchant_id: int, transaction_id: UUID, claim: DepositClaim, at: datetime) -> Settlement | None:
    sale = find_sale(merchant_id=merchant_id, at=at, transaction_id=transaction_id)
    ended = deposit_of(sale, reason=Reason.DEPOSIT, claim=claim)
    return None if ended is None else deposits.settle(ended, paid_fen=sale.amount_fen)


@transaction.atomic
def ask(*, request_id: UUID, account: Account, by: Principal, at: datetime) -> RefundRequest:
    """Ask for what is owed beside a deposit's refund, once: a transfer to the customer's own account, decided and paid like every
    transfer. The rule says the amount. Raises ``Forbidden``, ``WrongState``, ``Invalid`` or ``Conflict``.
    """
    main = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.SUBMIT, by=by, request=main, at=at)
    conditions.check_not_customer(by)
    if main.state in RELEASED:
        raise lifecycle.WrongState("the deposit does not go back", state=main.state, version=main.version)
    if Compensation.objects.filter(pk=request_id).exists():
        raise Conflict("its compensation was asked for already", code="compensation_asked")
    fen = owed_fen(main, at=at)
    if not fen:
        raise Invalid("nothing is owed on top of this refund", code="nothing_owed")
    check_account(route=Route.BANK_TRANSFER, account=account)
    contact = RefundRequest.objects.get(pk=request_id)
    sale = stand_in(
        kind=TransactionKind.COMPENSATION,
        number=f"C-{main.number}",
        store_id=main.store_id,
        terminal=main.terminal,
        channel=main.channel,
        amount_fen=fen,
        paid_at=at,
        by=by,
        at=at,
    )
    draft = Draft(
        amount_fen=fen,
        reason=Reason.DEPOSIT,
        transaction_id=sale.pk,
        stands_in=True,
        description=main.number,
        route=Route.BANK_TRANSFER,
        customer=Customer(
            name=contact.customer_name,
            phone=contact.customer_phone,
            email=contact.customer_email,
            locale=contact.customer_locale,
        ),
        # It is the law's, and the customer gave the account for it.
        customer_consent=True,
        payee=account,
        cashier=main.cashier,
    )
    payout = submitting.submit(draft=draft, by=by, at=at).request
    Compensation.objects.create(request=main, payout=payout)
    data = {"amount_fen": fen, "payout": payout.number}
    lifecycle.record_act(main, "refund.compensation", by=by.actor, at=at, data=data)
    return payout
