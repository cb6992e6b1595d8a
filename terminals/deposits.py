"""Recording what was agreed of a deposit."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.audit.record import record_of
from core.errors import Conflict, Invalid, NotFound
from merchants.principals import Principal
from merchants.rights import Act, check_may
from terminals.models import Deposit, Transaction, TransactionKind


class DepositTermsDiffer(Conflict, code="deposit_terms_differ"):
    """Other terms are recorded already: they are agreed beforehand, and not changed afterwards."""


@transaction.atomic
def record_terms(
    *, transaction_id: UUID, kind: str, contract_fen: int, terms: str, by: Principal, at: datetime
) -> Deposit:
    """Record the terms of a payment of the kind deposit, before any of it goes back; the same again changes nothing.

    Raises ``Forbidden``, ``NotFound``, ``Invalid`` (no deposit, or more paid than the contract comes to),
    ``DepositTermsDiffer``, or ``Conflict`` where a refund was asked for already.
    """
    check_may(Act.REPORT_SALE, by=by)
    sales = Transaction.objects.select_for_update(of=("self",))
    sale = sales.filter(pk=transaction_id, merchant_id=by.acting_for).first()
    if sale is None or not by.works_in(sale.store_id):
        raise NotFound("there is no such transaction", code="transaction_not_found")
    if sale.kind != TransactionKind.DEPOSIT:
        raise Invalid("the payment is no deposit", code="no_deposit")
    if sale.amount_fen > contract_fen:
        raise Invalid("a deposit is a part of its contract", code="deposit_above_contract")
    if (known := Deposit.objects.filter(pk=sale.pk).first()) is not None:
        if (known.kind, known.contract_fen, known.terms) != (kind, contract_fen, terms):
            raise DepositTermsDiffer("other terms are recorded of this deposit")
        return known
    if sale.reserved_fen:
        raise Conflict("a refund of it was asked for already", code="deposit_terms_too_late")
    deposit = Deposit.objects.create(
        transaction=sale, kind=kind, contract_fen=contract_fen, terms=terms, recorded_by=by.name[:80], recorded_at=at
    )
    record_of(
        sale, by=by.actor, action="transaction.deposit_terms", at=at, data={"kind": kind, "contract_fen": contract_fen}
    )
    return deposit
