"""Which order a payment belongs to that is paid on another day than its order's others: a bar's bill that was open at midnight, a
balance that is paid weeks after the first part.

A number alone does not say it, because some tills count from 1 every morning. It is said by what the till sells by it: an order
that was not paid in full waits for its rest, one that was is whole. The night says the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection

from core.calendar import SHANGHAI
from merchants.models import Store
from terminals.models import Transaction, TransactionStatus
from terminals.orders import Line, article

_DAY = timedelta(days=1)
#: Until then it is the night of the day before, for a shop that closes late: it counts anew when it opens.
_MORNING = timedelta(hours=5)
#: A rest is waited for so long.
_REST = timedelta(days=31)
#: One night's opening, and how far apart payments without articles may be in it.
_NIGHT, _TOGETHER = timedelta(hours=6), timedelta(hours=4)
#: The same again at once is a payment taken twice.
_TWICE = timedelta(hours=1)
#: Digits that no till's count of one day has.
_NO_COUNT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A payment as the till says it; ``order_fen``: what the whole order came to, where it says that."""

    order_no: str
    store: Store
    paid_at: datetime
    amount_fen: int
    lines: Sequence[Line] = field(default_factory=list)
    order_fen: int = 0

    @property
    def of_fen(self) -> int:
        """What the order came to, as far as this payment says it."""
        return max(self.order_fen, _sum(self.lines), self.amount_fen)

    @property
    def keys(self) -> set[object]:
        return {(article(line), line.quantity, line.amount_fen) for line in self.lines}


@dataclass(frozen=True, slots=True)
class Order:
    """``joined_date`` is kept with the payment; ``others_fen`` is what the order's other payments come to."""

    joined_date: date | None
    others_fen: int


def lock_order(*, store_id: int, order_no: str) -> None:
    """Until this transaction ends nobody else finds the order of a payment of this number: of two payments that are reported in
    one moment neither would see the other. Before ``order_of``, in the transaction that stores what it gave.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0)), "
            "pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [_lock_of(store_id), f"{_lock_of(store_id)} {order_no}"],
        )


def lock_store(store_id: int) -> None:
    """The same for all orders of a store at once: there are fewer locks than a file has numbers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_lock_of(store_id)])


def _lock_of(store_id: int) -> str:
    return f"orders of store {store_id}"


def order_of(paid: Paid, *, but: Collection[UUID] = ()) -> Order:
    """The order of a payment as it is said now; ``but`` are payments that are not looked at: itself, where it is known already,
    and what is to be joined after it.
    """
    own = paid.paid_at.astimezone(SHANGHAI)
    midnight = own.replace(hour=0, minute=0, second=0, microsecond=0)
    around = _REST if paid.of_fen > paid.amount_fen else _NIGHT
    found = Transaction.objects.filter(
        merchant_id=paid.store.merchant_id,
        store=paid.store,
        order_no=paid.order_no,
        paid_at__gte=min(midnight - (_DAY - _MORNING), paid.paid_at - around),
        paid_at__lt=max(midnight + _DAY, paid.paid_at + around),
    )
    if but:
        found = found.exclude(pk__in=but)
    by_date = defaultdict[date, list[Transaction]](list)
    for one in found.select_related("store").prefetch_related("lines").order_by("paid_at", "pk"):
        by_date[one.order_date].append(one)
    possible = [
        (min(abs(one.paid_at - paid.paid_at) for one in others), day)
        for day, others in by_date.items()
        if any(_part_of_day(one.paid_at) == _part_of_day(paid.paid_at) for one in others) or _is_one(paid, others)
    ]
    day = own.date()
    if possible:
        _, day = min(possible)
    elif own - midnight < _MORNING and day - _DAY not in by_date:
        day -= _DAY
    return Order(None if day == own.date() else day, sum(one.amount_fen for one in by_date.get(day, ())))


def is_night(paid_at: datetime) -> bool:
    """Whether it was paid while it may still be the night of the day before."""
    return _part_of_day(paid_at)[1]


def _part_of_day(paid_at: datetime) -> tuple[date, bool]:
    own = paid_at.astimezone(SHANGHAI)
    return own.date(), own.hour < _MORNING // timedelta(hours=1)


def _is_one(paid: Paid, others: Sequence[Transaction]) -> bool:
    """Whether a payment belongs with those of an order of its number on another day."""
    said = [told(one) for one in others]
    gap = min(abs(one.paid_at - paid.paid_at) for one in said)
    together_fen = paid.amount_fen + sum(one.amount_fen for one in others if one.status != TransactionStatus.DECLINED)
    of_fen = max(one.of_fen for one in (paid, *said))
    has_rest = any(one.of_fen > one.amount_fen for one in (paid, *said))
    same_lines = any(one.keys & paid.keys for one in said)
    if has_rest and together_fen <= of_fen:
        return (
            gap <= _NIGHT or same_lines or (together_fen == of_fen and not any(_is_whole(one) for one in (paid, *said)))
        )
    if gap > _NIGHT:
        return False
    if sum(character.isdecimal() for character in paid.order_no) >= _NO_COUNT:
        return True
    if not has_rest and not all(one.lines for one in (paid, *said)):
        return gap <= _TOGETHER
    return gap <= _TWICE and any(one.keys == paid.keys for one in said)


def _is_whole(paid: Paid) -> bool:
    """Whether its articles are just what it paid."""
    return _sum(paid.lines) == paid.amount_fen


def told(sale: Transaction) -> Paid:
    """A stored payment."""
    return Paid(
        order_no=sale.order_no,
        store=sale.store,
        paid_at=sale.paid_at,
        amount_fen=sale.amount_fen,
        lines=list(sale.lines.all()),
    )


def _sum(lines: Iterable[Line]) -> int:
    return sum(line.amount_fen for line in lines)
