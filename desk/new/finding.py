"""Finding the sale: by a number, or without its receipt by at least two facts that the customer knows."""

from dataclasses import astuple, dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.http import QueryDict

from core.calendar import midnight
from core.numbers import last_four, reference
from core.personal_data import search_hash
from desk import forms, numbers
from desk.access import Scope
from desk.filters import day_typed
from terminals.finding import check_two_facts, with_article
from terminals.models import Transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """As typed: a number, or what the customer remembers; ``tail`` ends their phone or card, ``sku`` is an article's."""

    q: str
    amount: str
    on: str
    tail: str
    sku: str

    @property
    def anything(self) -> bool:
        return any(astuple(self))


def wanted(query: QueryDict) -> Wanted:
    number, amount, on = (query.get(name, "").strip() for name in ("q", "amount", "on"))
    return Wanted(number, amount, on, tail=last_four(query.get("tail", "")), sku=reference(query.get("sku", "")))


def candidates(typed: Wanted, *, scope: Scope) -> QuerySet[Transaction]:
    """The sales that fit, newest first. Raises ``Invalid`` for an amount that is none, and for fewer than two facts: one
    fits half the town.
    """
    if typed.q:
        return numbers.recognise(typed.q, scope=scope).sales.order_by("-paid_at", "-pk")
    amount_fen = forms.amount_fen(typed.amount) if typed.amount else None
    on = day_typed(typed.on)
    tail = typed.tail if len(typed.tail) == 4 else ""
    sku = typed.sku[:64]
    given = {"amount_fen": amount_fen, "on": on, "tail": tail, "sku": sku}
    check_two_facts([name for name, fact in given.items() if fact])
    rows = scope.sales().order_by("-paid_at", "-pk")
    if amount_fen is not None:
        rows = rows.filter(amount_fen=amount_fen)
    if on is not None:
        start = midnight(on)
        rows = rows.filter(paid_at__gte=start, paid_at__lt=start + timedelta(days=1))
    if tail:
        rows = rows.filter(Q(payer_phone_last4_hash=search_hash("phone_last4", tail)) | Q(card_last4=tail))
    return rows.filter(with_article(sku)) if sku else rows
