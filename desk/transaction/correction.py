"""The form in which finance and owners set right what was reported of a sale, and what was corrected before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.audit import notes
from core.audit.models import AuditEvent
from core.errors import Invalid
from core.money import NotAnAmount, fen_typed, yuan, yuan_grouped
from core.plain_text import one_line, plain_text
from core.quantities import NotAQuantity, quantity_text, quantity_typed
from desk import forms
from desk.filters import Choice
from desk.templatetags.desk_format import when
from terminals.confirming import CHANNEL_SAYS
from terminals.correcting import SaleCorrection
from terminals.models import (
    REPORTED_KINDS,
    Deposit,
    DepositKind,
    Funding,
    Transaction,
    TransactionKind,
    TransactionLine,
    TransactionStatus,
)
from terminals.reporting import TILL_NAMES, TILL_SAYS, SaleLine, lines_of

_LABELS: Mapping[str, Promise | str] = {
    "order_no": _("Receipt"),
    "kind": _("Kind"),
    "amount_fen": _("Amount"),
    "paid_at": _("Paid at"),
    "store": _("Store"),
    "terminal": _("Till"),
    "cashier": _("Cashier"),
    "payer": _("Payer"),
    "funding": _("Paid from"),
    "payer_paid_fen": _("Paid by the payer, without coupons"),
    "deposit": _("Terms of the deposit"),
    "lines": _("Goods"),
    "status": _("Payment"),
    "channel_transaction_no": _("The channel's number"),
    "account": _("Channel account"),
    "payment_no": _("a number sent to the channel"),
}
_REASONS = {
    CHANNEL_SAYS: _("The channel was asked about the payment."),
    TILL_SAYS: _("The till said how the payment ended."),
    TILL_NAMES: _("The till told what its first report had left out."),
}
_LONGEST = {"order_no": 64, "store": 20, "terminal": 20, "cashier": 40, "kind": 20, "funding": 20}
_MOMENT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class LineTyped:
    """A line as its fields show it."""

    label: str
    quantity: str
    unit_price: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form's fields as texts. ``seen`` is when the sale was corrected last, as the page showed it."""

    order_no: str
    kind: str
    amount: str
    paid_at: str
    store: str
    terminal: str
    cashier: str
    payer_phone: str
    card_last4: str
    funding: str
    payer_paid: str
    deposit_kind: str
    contract: str
    terms: str
    lines: Sequence[LineTyped]
    reason: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionForm:
    typed: Typed
    kinds: Sequence[Choice]
    deposit_kinds: Sequence[Choice]
    fundings: Sequence[Choice]
    stores: Sequence[str]
    error: str


@dataclass(frozen=True, slots=True)
class Change:
    """One fact before and after; both are empty where they say something of the payer."""

    label: Promise | str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """Who corrected what, when, and why."""

    by: str
    at: datetime
    reason: str
    changes: Sequence[Change]


def shown(sale: Transaction) -> Typed:
    """The fields as the sale has them; the payer's phone is never shown."""
    deposit = Deposit.objects.filter(pk=sale.pk).first()
    return Typed(
        order_no=sale.order_no,
        kind=sale.kind,
        amount=yuan(sale.amount_fen),
        paid_at=timezone.localtime(sale.paid_at).strftime(_MOMENT),
        store=sale.store.code,
        terminal=sale.terminal.code if sale.terminal else "",
        cashier=sale.cashier,
        payer_phone="",
        card_last4=sale.card_last4 or "",
        funding=sale.funding,
        deposit_kind=deposit.kind if deposit else "",
        contract=yuan(deposit.contract_fen) if deposit else "",
        terms=deposit.terms if deposit else "",
        payer_paid=yuan(sale.amount_fen if sale.payer_paid_fen is None else sale.payer_paid_fen),
        lines=[_line(line) for line in lines_of(sale)],
        reason="",
        seen=seen(sale),
    )


def seen(sale: Transaction) -> str:
    """Which correction of a sale somebody has before them; empty before the first."""
    return sale.corrected_at.isoformat() if sale.corrected_at else ""


def typed(data: QueryDict, sale: Transaction) -> Typed:
    """What was typed; a field that was not sent is as it was."""
    as_it_is = shown(sale)
    texts = {name: data.get(name, value).strip() for name, value in asdict(as_it_is).items() if isinstance(value, str)}
    lines = [
        LineTyped(
            line.label,
            *(data.get(f"line-{place}-{name}", getattr(line, name)).strip() for name in _OF_A_LINE),
        )
        for place, line in enumerate(as_it_is.lines)
    ]
    return Typed(**texts, lines=lines)


_OF_A_LINE = ("quantity", "unit_price", "amount")


def correction(wanted: Typed, sale: Transaction) -> SaleCorrection:
    """What differs from the sale as it is. Raises ``Invalid`` for what cannot be read."""
    as_it_is = shown(sale)
    changed: dict[str, Any] = {}
    for name in ("order_no", "kind", "store", "terminal", "cashier", "funding", "card_last4"):
        value = getattr(wanted, name)
        if value != getattr(as_it_is, name):
            changed[name] = _text(name, value)
    if wanted.amount != as_it_is.amount:
        changed["amount_fen"] = forms.amount_fen(wanted.amount)
    if wanted.paid_at != as_it_is.paid_at:
        changed["paid_at"] = forms.moment(wanted.paid_at)
    if wanted.payer_paid != as_it_is.payer_paid:
        changed["payer_paid_fen"] = _fen(wanted.payer_paid)
    if wanted.deposit_kind != as_it_is.deposit_kind:
        changed["deposit_kind"] = _text("deposit_kind", wanted.deposit_kind)
    if wanted.contract != as_it_is.contract:
        changed["contract_fen"] = forms.amount_fen(wanted.contract)
    if wanted.terms.split() != as_it_is.terms.split():
        changed["terms"] = plain_text(wanted.terms, limit=4000)
    if wanted.payer_phone:
        changed["payer_phone"] = forms.phone(wanted.payer_phone)
    if wanted.lines != as_it_is.lines:
        pairs = zip(lines_of(sale), as_it_is.lines, wanted.lines, strict=True)
        changed["lines"] = [_changed_line(line, before, after) for line, before, after in pairs]
    return SaleCorrection(**changed)


def _text(name: str, value: str) -> str:
    if name == "card_last4" and value and not re.fullmatch(r"[0-9]{4}", value):
        raise Invalid("not the last four digits", code="card_end_invalid")
    choices: list[str] | None = {
        "kind": [kind.value for kind in REPORTED_KINDS],
        "funding": Funding.values,
        "deposit_kind": DepositKind.values,
    }.get(name)
    if (choices is not None and value not in choices) or (name in ("order_no", "store") and not value):
        raise Invalid(f"no {name} is named", code="form_incomplete")
    return one_line(value)[: _LONGEST.get(name, 64)]


def _changed_line(line: TransactionLine, before: LineTyped, after: LineTyped) -> SaleLine:
    known = SaleLine(**{field.name: getattr(line, field.name) for field in fields(SaleLine)})
    changed: dict[str, Any] = {}
    if after.quantity != before.quantity:
        try:
            changed["quantity"] = quantity_typed(after.quantity)
        except NotAQuantity as error:
            raise Invalid("no quantity", code=error.code) from error
    if after.unit_price != before.unit_price:
        changed["unit_price_fen"] = _fen(after.unit_price)
    if after.amount != before.amount:
        changed["amount_fen"] = _fen(after.amount)
    return replace(known, **changed)


def _fen(text: str) -> int:
    """Exact fen; a line may cost nothing, and a discount's is below it."""
    try:
        return fen_typed(text)
    except NotAnAmount as error:
        raise Invalid("not an amount", code=error.code) from error


def _line(line: TransactionLine) -> LineTyped:
    label = f"{line.name} · {line.sku}" if line.sku else line.name
    return LineTyped(label, quantity_text(line.quantity), yuan(line.unit_price_fen), yuan(line.amount_fen))


def form(
    sale: Transaction, *, stores: Sequence[str], filled_in: Typed | None = None, error: str = ""
) -> CorrectionForm:
    return CorrectionForm(
        typed=filled_in or shown(sale),
        kinds=[Choice(kind.value, str(kind.label)) for kind in REPORTED_KINDS],
        deposit_kinds=[Choice(kind.value, str(kind.label)) for kind in DepositKind],
        fundings=[Choice(funding.value, str(funding.label)) for funding in Funding],
        stores=stores,
        error=error,
    )


def corrected(events: Sequence[AuditEvent]) -> list[Corrected]:
    """Corrections as the page of the sale lists them."""
    return [
        Corrected(
            event.actor_name,
            event.at,
            str(_REASONS.get(event.data["reason"], event.data["reason"])),
            [
                Change(_LABELS.get(name, name), _told(name, event.data["before"][name]), _told(name, after))
                for name, after in event.data["after"].items()
            ],
        )
        for event in notes.told(events)
    ]


def _told(name: str, value: Any) -> str:
    if name == "payer":
        return ""
    if name == "amount_fen":
        return f"¥{yuan_grouped(value)}"
    if name == "payer_paid_fen":
        return gettext("all of it") if value is None else f"¥{yuan_grouped(value)}"
    if name == "paid_at":
        return when(datetime.fromisoformat(value))
    if name == "deposit":
        return f"{DepositKind(value[0]).label}, ¥{yuan_grouped(value[1])}: {value[2]}" if value else "--"
    if name == "lines":
        return gettext(", ").join(f"{line[1]} × {line[-3]}: ¥{yuan_grouped(line[-1])}" for line in value) or "--"
    labels: dict[str, Any] = {"kind": TransactionKind, "funding": Funding, "status": TransactionStatus}
    return str(labels[name](value).label) if name in labels else str(value) or "--"
