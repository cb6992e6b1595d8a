"""Setting right what was reported wrongly of a sale.

The channel's number stays: it is what the payment is. What was asked for meanwhile stays covered, by the amount and by the
pieces; a sale that refunds rest on keeps its store and its channel. Before and after stand in the audit trail, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError

from core.audit.record import record_of
from core.errors import Conflict, FieldError, Invalid, NotFound
from core.personal_data import phone_hashes
from core.quantities import quantity_text
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from terminals.accounts import account_of
from terminals.models import REPORTED_KINDS, Deposit, Transaction, TransactionKind, TransactionLine
from terminals.reporting import (
    SaleLine,
    check_lines,
    check_paid_at,
    join,
    lines_of,
    payer_paid,
    store_named,
    terminal_named,
)
from terminals.versions import CORRECTED, as_told


class NotCovered(Conflict, code="correction_below_refunds"):
    """Refunds that were asked for or paid would be more than what the sale says after the correction."""


class SaleChanged(Conflict, code="sale_changed"):
    """Somebody else corrected the sale meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleCorrection:
    """What is to be said of a sale from now on; None leaves a fact as it is. ``lines`` are all of its lines. Of a deposit whose
    terms are recorded they can be said otherwise as long as nothing of it goes back.
    """

    order_no: str | None = None
    kind: str | None = None
    amount_fen: int | None = None
    paid_at: datetime | None = None
    store: str | None = None
    terminal: str | None = None
    cashier: str | None = None
    payer_phone: str | None = None
    card_last4: str | None = None
    funding: str | None = None
    payer_paid_fen: int | None = None
    lines: Sequence[SaleLine] | None = None
    deposit_kind: str | None = None
    contract_fen: int | None = None
    terms: str | None = None

    @property
    def changes_anything(self) -> bool:
        return any(getattr(self, item.name) is not None for item in fields(self))


@transaction.atomic
def correct_sale(
    *,
    transaction_id: UUID,
    correction: SaleCorrection,
    reason: str,
    by: Principal,
    at: datetime,
    seen: str | None = None,
) -> Transaction:
    """The sale as corrected. Raises ``Forbidden``, ``NotFound``, ``Invalid``, ``PaidInTheFuture``, ``PayerPaidTooMuch``,
    ``LinesDoNotAddUp`` and ``NotCovered``; then nothing has changed. What it already says is no change and leaves no event.

    ``seen`` is when it was corrected last as the caller saw it (ISO, "" for never): ``SaleChanged`` where that is no longer so.
    """
    check_may(Act.CORRECT_SALE, by=by)
    sale = Transaction.objects.select_for_update().filter(pk=transaction_id, merchant_id=by.acting_for).first()
    if sale is None or sale.kind not in REPORTED_KINDS:
        raise NotFound("there is no such sale")
    check_may(Act.CORRECT_SALE, by=by, subject=Subject(merchant_id=sale.merchant_id, store_id=sale.store_id))
    if seen is not None and seen != (sale.corrected_at.isoformat() if sale.corrected_at else ""):
        raise SaleChanged("somebody else corrected this sale meanwhile")
    if not reason.strip():
        raise Invalid("say why", code="reason_required", errors=[FieldError("reason", "required")])
    if not correction.changes_anything:
        raise Invalid("nothing is to be changed", code="nothing_to_correct")
    before = as_told(sale)
    _apply(sale, correction, by, at)
    after = as_told(sale)
    changed = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    if changed:
        sale.corrected_at = at
        sale.save()
        record_of(
            sale,
            by=by.actor,
            action=CORRECTED,
            at=at,
            data={
                "reason": reason,
                "before": {name: value for name, (value, _) in changed.items()},
                "after": {name: value for name, (_, value) in changed.items()},
            },
        )
    return sale


def _apply(sale: Transaction, correction: SaleCorrection, by: Principal, at: datetime) -> None:
    for name in ("order_no", "kind", "cashier", "card_last4", "funding"):
        if (value := getattr(correction, name)) is not None:
            setattr(sale, name, value)
    if correction.amount_fen is not None:
        if correction.amount_fen < sale.reserved_fen:
            raise _not_covered("amount_fen", f"{sale.reserved_fen} fen of it are asked for or paid back")
        sale.amount_fen = correction.amount_fen
    paid_fen = sale.payer_paid_fen if correction.payer_paid_fen is None else correction.payer_paid_fen
    sale.payer_paid_fen = payer_paid(paid_fen=paid_fen, amount_fen=sale.amount_fen)
    _deposit(sale, correction)
    _place(sale, correction, by, at)
    if correction.terminal is not None:
        sale.terminal = terminal_named(correction.terminal, store=sale.store)
    if correction.payer_phone is not None:
        sale.payer_phone = correction.payer_phone
        sale.payer_phone_hash, sale.payer_phone_last4_hash = phone_hashes(correction.payer_phone)
    if correction.lines is not None:
        _replace_lines(sale, correction.lines)
    order = join(sale)
    if correction.amount_fen is not None or correction.lines is not None:
        check_lines(
            amounts_fen=[line.amount_fen for line in lines_of(sale)],
            paid_fen=sale.amount_fen,
            order_fen=[sale.amount_fen + order.others_fen],
        )


def _deposit(sale: Transaction, correction: SaleCorrection) -> None:
    """What is said of a deposit otherwise than its terms were recorded."""
    deposit = Deposit.objects.filter(pk=sale.pk).first()
    said = {"kind": correction.deposit_kind, "contract_fen": correction.contract_fen, "terms": correction.terms}
    changed = {name: value for name, value in said.items() if value is not None}
    if changed and (deposit is None or sale.kind != TransactionKind.DEPOSIT):
        raise Invalid("no terms of a deposit are recorded with this sale", code="no_deposit_terms")
    if deposit is None:
        return
    differs = {name: value for name, value in changed.items() if value != getattr(deposit, name)}
    if differs and sale.reserved_fen:
        raise _not_covered("deposit", "a refund of the deposit was asked for by its terms")
    for name, value in differs.items():
        setattr(deposit, name, value)
    if sale.kind == TransactionKind.DEPOSIT and sale.amount_fen > deposit.contract_fen:
        raise Invalid("a deposit is a part of its contract", code="deposit_above_contract")
    if not deposit.terms.strip():
        raise Invalid("terms are words", code="no_deposit_terms")
    deposit.save(update_fields=["kind", "contract_fen", "terms"])


def _place(sale: Transaction, correction: SaleCorrection, by: Principal, at: datetime) -> None:
    """When and where it was sold, and so into which account it was paid."""
    before = sale.store_id, sale.paid_at
    if correction.paid_at is not None:
        check_paid_at(paid_at=correction.paid_at, at=at)
        sale.paid_at = correction.paid_at
    has_refunds = sale.refund_requests.exists()
    if correction.store is not None and correction.store.casefold() != sale.store.code.casefold():
        store = store_named(correction.store, by=by)
        if has_refunds:
            raise _not_covered("store", "refunds of it belong to the store where it was reported")
        sale.store, sale.terminal = store, None
    if (sale.store_id, sale.paid_at) != before and not has_refunds:
        account = account_of(store=sale.store, channel=sale.channel, paid_at=sale.paid_at)
        sale.channel_account = account or sale.channel_account


def _replace_lines(sale: Transaction, lines: Sequence[SaleLine]) -> None:
    """Lines of the same article are changed in place, because refunds name them; the others come and go."""
    known = list(lines_of(sale).select_for_update())
    for line in known:
        # Out of the way of one another while positions move.
        TransactionLine.objects.filter(pk=line.pk).update(position=line.position + _APART)
    matched = _matched(lines, known)
    for position, told in enumerate(lines, start=1):
        match = matched.get(position) or TransactionLine(transaction=sale, sku=told.sku)
        if told.quantity < match.reserved_quantity:
            raise _not_covered(
                "lines", f"of {told.sku} {quantity_text(match.reserved_quantity)} are asked for or came back"
            )
        match.position, match.name, match.kind, match.quantity = position, told.name, told.kind, told.quantity
        match.group = told.group
        match.unit_price_fen, match.amount_fen = told.unit_price_fen, told.amount_fen
        match.save()
    for line in known:
        try:
            line.delete()
        except ProtectedError as error:
            raise _not_covered("lines", f"refunds name {line.sku or line.name}") from error


def _matched(lines: Sequence[SaleLine], known: list[TransactionLine]) -> dict[int, TransactionLine]:
    """The known line of each told one, by position, taken out of ``known``. Of one article at two prices each stays the line
    that refunds know: what is the same is found first, then what differs in its amount, with refunds before without.
    """
    found: dict[int, TransactionLine] = {}
    told = [(position, line) for position, line in enumerate(lines, start=1)]
    alike: list[Callable[[SaleLine, TransactionLine], bool]] = [
        lambda a, b: (a.kind, a.amount_fen, a.quantity) == (b.kind, b.amount_fen, b.quantity),
        lambda a, b: a.amount_fen == b.amount_fen,
        lambda a, b: a.kind == b.kind and a.quantity >= b.reserved_quantity > 0,
        lambda a, b: a.kind == b.kind,
        lambda a, b: True,
    ]
    for is_alike in alike:
        for position, line in told:
            same = (one for one in known if one.sku == line.sku and is_alike(line, one))
            if position not in found and (match := next(same, None)):
                found[position] = match
                known.remove(match)
    return found


#: More than the lines that a sale may have.
_APART = 10_000


def _not_covered(field: str, why: str) -> NotCovered:
    return NotCovered(why, errors=[FieldError(field, NotCovered.code)])
