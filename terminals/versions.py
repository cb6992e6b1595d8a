"""What is said of a sale, and what was said of it before it was corrected: read back from the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from django.db.models import QuerySet

from core.audit.models import AuditEvent
from core.personal_data import phone_key, search_hash
from core.plain_text import name_key
from core.quantities import quantity_text
from terminals import orders
from terminals.models import Deposit, Transaction

#: The audit event of a correction.
CORRECTED = "transaction.correct"


class Line(orders.Line, Protocol):
    """A line of a sale, whoever holds it."""

    @property
    def group(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def unit_price_fen(self) -> int: ...


def as_told(sale: Transaction) -> dict[str, Any]:
    """What is said of a sale, as the audit trail keeps it: of the payer only whether it changed."""
    return {
        "order_no": sale.order_no,
        "kind": str(sale.kind),
        "amount_fen": sale.amount_fen,
        "paid_at": sale.paid_at.isoformat(),
        "store": sale.store.code,
        "terminal": sale.terminal.code if sale.terminal else "",
        "cashier": sale.cashier,
        "payer": payer_as_told(sale.payer_phone, sale.card_last4),
        "funding": str(sale.funding),
        "payer_paid_fen": sale.payer_paid_fen,
        "deposit": list(deposit)
        if (deposit := Deposit.objects.filter(pk=sale.pk).values_list(*_TERMS).first())
        else [],
        "lines": [line_as_told(line) for line in sale.lines.order_by("position")],
    }


_TERMS = ("kind", "contract_fen", "terms")


def payer_as_told(phone: str, card_last4: str) -> str:
    return search_hash("payer", f"{phone_key(phone)} {card_last4}").hex()[:12]


def line_as_told(line: Line) -> list[str | int]:
    return [
        line.sku,
        line.name,
        line.group,
        str(line.kind),
        quantity_text(line.quantity),
        line.unit_price_fen,
        line.amount_fen,
    ]


def article_facts(sku: str, name: str, group: str) -> tuple[str, str, str]:
    """What a line says of its article, in the form in which two spellings of it are equal."""
    return orders.article_key(sku), name_key(name), name_key(group)


def corrections_of(sale: Transaction) -> QuerySet[AuditEvent]:
    """What was corrected of a sale, the newest first."""
    return AuditEvent.objects.filter(object_id=str(sale.pk), action=CORRECTED).order_by("-pk")


def was_told(sale: Transaction, told: Mapping[str, Any]) -> bool:
    """Whether just this was said of the sale before one of its corrections; ``told`` as ``as_told`` has it, with its status and
    without a deposit's terms.
    """
    wanted = _comparable(told)
    return sale.corrected_at is not None and any(_comparable(one) == wanted for one in _before_corrections(sale))


def _before_corrections(sale: Transaction) -> Iterator[dict[str, Any]]:
    told = {**as_told(sale), "status": str(sale.status)}
    for event in corrections_of(sale):
        told |= event.data.get("before", {})
        yield told


def _comparable(told: Mapping[str, Any]) -> dict[str, Any]:
    """In the form in which two spellings of one fact are equal. Times to the second: a till cuts off what it keeps of them."""
    facts = {name: told[name] for name in _FACTS}
    paid_fen = told["payer_paid_fen"]
    return {
        **facts,
        "paid_at": datetime.fromisoformat(told["paid_at"]).replace(microsecond=0),
        "cashier": name_key(told["cashier"]),
        # As text, where a till completed a sale.
        "payer_paid_fen": None if paid_fen in (None, "None") else int(paid_fen),
        "lines": sorted((*article_facts(*line[:3]), *line[3:]) for line in told["lines"]),
    }


_FACTS = ("order_no", "kind", "status", "amount_fen", "store", "terminal", "payer", "funding")
