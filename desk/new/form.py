"""A new refund as typed at the desk, turned into what intake takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.http import QueryDict
from django.utils import timezone

from core.errors import Invalid
from core.plain_text import folded, one_line, without_marks
from core.quantities import NotAQuantity, quantity_typed
from desk import forms, ways
from desk.ways import Way
from refunds.intake import compensating
from refunds.intake.claims import Account, Customer, Draft, lowered
from refunds.rules import worth
from refunds.rules.deposits import Cause, DepositClaim
from refunds.states import Reason
from terminals.models import Transaction, TransactionLine
from terminals.orders import article


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it stands: texts as typed, those of the pieces by the sale line's id; ``seen_returned`` is what had come back
    of a line when the page was made.
    """

    amount: str = ""
    reason: str = ""
    note: str = ""
    phone: str = ""
    email: str = ""
    consent: bool = False
    whole_order: bool = True
    is_another: bool = False
    another_note: str = ""
    without_evidence: str = ""
    cause: str = ""
    open_percent: str = "100"
    deduction: str = ""
    agreement: str = ""
    owed: Account | None = None
    pieces: Mapping[int, str] = field(default_factory=dict)
    seen_returned: Mapping[int, str] = field(default_factory=dict)
    way: Way = field(default_factory=Way)


def typed(data: QueryDict) -> Typed:
    """What was typed, cut to what fields hold."""
    return Typed(
        amount=one_line(data.get("amount", ""), limit=30),
        reason=data.get("reason", "").strip()[:30],
        note=data.get("note", "").strip()[:1000],
        phone=one_line(data.get("phone", ""), limit=40),
        email=one_line(without_marks(data.get("email", "")), limit=254),
        consent=bool(data.get("consent")),
        whole_order=bool(data.get("whole_order")),
        is_another=bool(data.get("is_another")),
        another_note=data.get("another_note", "").strip()[:200],
        without_evidence=one_line(data.get("without_evidence", ""), limit=200),
        cause=data.get("cause", "").strip()[:30],
        open_percent=one_line(data.get("open_percent", ""), limit=3) or "100",
        deduction=one_line(data.get("deduction", ""), limit=30),
        agreement=one_line(data.get("agreement", ""), limit=200),
        owed=forms.account(data, "owed")
        if any(data.get(f"owed_{name}") for name in ("holder", "account", "bank"))
        else None,
        pieces=_by_line(data, "lines-"),
        seen_returned=_by_line(data, "seen-"),
        way=ways.read(data),
    )


def draft(
    form: Typed, *, sale: Transaction, payments: Sequence[Transaction], lines: Sequence[TransactionLine], locale: str
) -> Draft:
    """What intake is asked, of the sale or of its order's ``payments``. An empty amount means the chosen pieces' worth, what goes
    back of a deposit by its rule, or all that is left; ``lines`` have their worth. Raises ``Invalid``.
    """
    whole = form.whole_order and len(payments) > 1
    if form.reason not in Reason.values:
        raise Invalid("no reason was chosen", code="unknown_reason_code")
    chosen = [(line, _quantity(form.pieces[line.pk])) for line in lines if line.pk in form.pieces]
    value_fen = _value_fen(chosen)
    left_fen = sum(one.refundable_fen for one in payments) if whole else sale.refundable_fen
    deposit = _deposit(form) if form.cause and form.reason == Reason.DEPOSIT else None
    if form.amount:
        amount = forms.amount_fen(form.amount)
    elif deposit and not chosen:
        amount = _due_fen(deposit, sale, left_fen=left_fen)
    else:
        amount = min(value_fen if chosen else left_fen, left_fen)
    if amount <= 0:
        raise Invalid("nothing is left to refund", code="exceeds_refundable")
    return Draft(
        amount_fen=amount,
        reason=form.reason,
        transaction_id=sale.pk,
        whole_order=whole,
        description=form.note,
        lines=[(article(line), quantity) for line, quantity in chosen],
        seen_returned=_seen_returned(form, lines),
        customer=Customer(phone=forms.phone(form.phone), email=form.email, locale=locale),
        customer_consent=form.consent,
        route=form.way.route,
        payee=form.way.account,
        is_another=form.is_another,
        another_note=form.another_note,
        without_evidence=form.without_evidence,
        deposit=deposit,
        compensation_to=form.owed if form.cause == Cause.MERCHANT_BREAKS and form.reason == Reason.DEPOSIT else None,
    )


def _due_fen(claim: DepositClaim, sale: Transaction, *, left_fen: int) -> int:
    """What is still to go back of a deposit by its rule."""
    due_fen = compensating.due_fen(merchant_id=sale.merchant_id, transaction_id=sale.pk, claim=claim, at=timezone.now())
    if due_fen is None:
        return left_fen
    still_fen = due_fen - (sale.amount_fen - sale.refundable_fen)
    if still_fen <= 0:
        raise Invalid("nothing goes back by the rule", code="deposit_is_kept")
    return min(still_fen, left_fen)


def _deposit(form: Typed) -> DepositClaim:
    if form.cause not in Cause.values:
        raise Invalid("no such cause", code="deposit_cause_missing")
    open_percent = forms.whole(form.open_percent) or 0
    if not 1 <= open_percent <= 100:
        raise Invalid("1 to 100 per cent", code="invalid_percent")
    return DepositClaim(
        cause=form.cause,
        open_percent=open_percent,
        deduction_fen=forms.amount_fen(form.deduction) if form.deduction else 0,
        agreement=form.agreement,
    )


def _seen_returned(form: Typed, lines: Sequence[TransactionLine]) -> dict[str, Decimal]:
    seen: dict[str, Decimal] = {}
    for line in lines:
        if line.pk in form.seen_returned:
            seen[article(line)] = seen.get(article(line), Decimal(0)) + _quantity(form.seen_returned[line.pk])
    return seen


def _value_fen(chosen: Sequence[tuple[TransactionLine, Decimal]]) -> int:
    """What the pieces of these lines are worth, as intake reckons it."""
    stays = lowered(
        {line.pk: (line.worth_fen, line.quantity, line.reserved_quantity, line.reserved_fen) for line, _ in chosen}
    )
    return sum(
        worth.pieces_fen(
            worth_fen=line.worth_fen,
            quantity=line.quantity,
            returned=line.reserved_quantity,
            given_fen=line.reserved_fen,
            pieces=pieces,
            lowered=stays.get(line.pk, ()),
        )
        for line, pieces in chosen
    )


def _by_line(data: QueryDict, prefix: str) -> dict[int, str]:
    """What stands in the lines' fields; nothing and zero are left out."""
    found: dict[int, str] = {}
    for key in data:
        line, text = key.removeprefix(prefix), str(data[key]).strip()[:20]
        if key != line and forms.whole(line) is not None and folded(text).strip("0."):
            found[int(line)] = text
    return found


def _quantity(text: str) -> Decimal:
    try:
        return quantity_typed(text)
    except NotAQuantity as error:
        raise Invalid(f"{text!r} is no quantity", code=error.code) from error
