"""Finding a sale without its receipt, by at least two facts that the customer knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.http import QueryDict

from core.calendar import SHANGHAI
from core.personal_data import search_hash
from desk import forms
from desk.access import Scope
from terminals.finding import check_two_facts, with_article
from terminals.models import Transaction


@dataclass(frozen=True, slots=True)
class Facts:
    """What the customer remembers; ``tail`` is the end of their phone or card, ``sku`` an article's number."""

    amount_fen: int | None
    on: date | None
    tail: str
    sku: str

    @property
    def known(self) -> list[str]:
        given = {"amount_fen": self.amount_fen, "on": self.on, "tail": self.tail, "sku": self.sku}
        return [name for name, fact in given.items() if fact]


def facts(query: QueryDict) -> Facts:
    """The facts of the form. Raises ``Invalid`` for an amount that is none."""
    amount = query.get("amount", "").strip()
    tail = query.get("tail", "").strip()
    try:
        on = date.fromisoformat(query.get("on", ""))
    except ValueError:
        on = None
    return Facts(
        amount_fen=forms.amount_fen(amount) if amount else None,
        on=on,
        tail=tail if len(tail) == 4 and tail.isascii() and tail.isdigit() else "",
        sku=query.get("sku", "").strip()[:64],
    )


def candidates(known: Facts, *, scope: Scope) -> QuerySet[Transaction]:
    """The sales that fit all the facts, newest first. Raises ``Invalid`` for fewer than two."""
    check_two_facts(known.known)
    rows = scope.sales().select_related("store", "terminal").order_by("-paid_at", "-pk")
    if known.amount_fen is not None:
        rows = rows.filter(amount_fen=known.amount_fen)
    if known.on is not None:
        start = datetime.combine(known.on, time(), SHANGHAI)
        rows = rows.filter(paid_at__gte=start, paid_at__lt=start + timedelta(days=1))
    if known.tail:
        tail = search_hash("phone_last4", known.tail)
        rows = rows.filter(Q(payer_phone_last4_hash=tail) | Q(card_last4=known.tail))
    if known.sku:
        rows = rows.filter(with_article(known.sku))
    return rows
