"""Orders: what a store calls by one number on one day, with one payment or several (组合支付).

A day, because some tills count from 1 every morning; what is paid after midnight may be of the day before
(``terminals.joining``). Articles belong to the order, whichever of its payments named them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Protocol, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.calendar import SHANGHAI
from core.errors import FieldError, Invalid, NotFound
from core.money import yuan
from core.numbers import ascii_form, reference, spellings
from core.plain_text import name_key
from core.quantities import Quantity
from terminals.finding import on_slip
from terminals.models import Transaction


class Payment(Protocol):
    """What an order looks at in a payment of it, however that was read."""

    @property
    def id(self) -> UUID: ...
    @property
    def store_code(self) -> str: ...
    @property
    def order_no(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def paid_at(self) -> datetime: ...
    @property
    def order_date(self) -> date: ...
    @property
    def amount_fen(self) -> int: ...


class Article(Protocol):
    """What is sold, whoever holds it."""

    @property
    def sku(self) -> str: ...
    @property
    def name(self) -> str: ...


class Line(Article, Protocol):
    @property
    def quantity(self) -> Quantity: ...
    @property
    def amount_fen(self) -> int: ...


LineT = TypeVar("LineT", bound=Line)
PaymentT = TypeVar("PaymentT", bound=Payment)


#: ``Transaction.order_date`` in SQL, of the payment ``{0}``.
ORDER_DATE = "coalesce({0}.joined_date, ({0}.paid_at AT TIME ZONE 'Asia/Shanghai')::date)"


#: ``article`` in SQL, of the line ``{0}``.
ARTICLE = "coalesce(nullif({0}.sku, ''), {0}.name)"


def article(line: Article) -> str:
    """What an article is called: its number, or its name where the shop has no numbers, as kitchens have none."""
    return line.sku or line.name


def article_key(text: str) -> str:
    """The form in which what somebody calls an article is compared: small and capital letters, widths and hyphens are one."""
    return name_key(ascii_form(text))


def as_asked(payments: Iterable[PaymentT], order_no: str) -> list[PaymentT]:
    """Of payments found by any spelling of a number, those of the number as it was asked for, where there are any."""
    found = list(payments)
    return [one for one in found if one.order_no == order_no] or found


def check_one(payments: Iterable[Payment]) -> None:
    """Raise ``Invalid`` unless these payments are of one order; ``facts["candidates"]`` are their ids."""
    found = sorted(payments, key=lambda one: (one.paid_at, one.id))
    if len({(one.store_code, one.order_no, one.order_date) for one in found}) > 1:
        raise ambiguous(found)


def ambiguous(payments: Iterable[Payment]) -> Invalid:
    """Names every payment that may be meant."""
    found = list(payments)
    return Invalid(
        "several payments may be meant: name the order by its store, or a payment by its id",
        code="ambiguous_order_no",
        errors=[
            FieldError(
                "order_no",
                "candidate",
                format_lazy(
                    _("This payment may be meant: {payment}"),
                    payment=f"{one.id}: {one.store_code}, {one.paid_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}, {one.channel} "
                    f"{yuan(one.amount_fen)}",
                ),
            )
            for one in found
        ],
        candidates=[str(one.id) for one in found],
    )


def shares_of(payments: Iterable[tuple[UUID, int, Sequence[LineT]]]) -> list[tuple[int, list[LineT]]]:
    """The articles of an order, with what was paid for them together, of (payment, its amount, its lines).

    Lines that come to their payment's amount are its own: a second round of the same is more pieces. Others are the whole
    order's: what any payment has named before is not named again.
    """
    shares: list[tuple[int, list[LineT]]] = []
    rest_fen, rest = 0, list[LineT]()
    named, of_order = Counter[object](), Counter[object]()
    for _id, paid_fen, lines in sorted(payments, key=lambda one: one[0]):
        keys = [(article(line), line.quantity, line.amount_fen) for line in lines]
        is_own = sum(line.amount_fen for line in lines) == paid_fen and not of_order & Counter(keys)
        if is_own:
            shares.append((paid_fen, list(lines)))
            named.update(keys)
            continue
        known = Counter(named)
        rest_fen += paid_fen
        of_order.update(keys)
        for line, key in zip(lines, keys, strict=True):
            if known[key]:
                known[key] -= 1
            else:
                rest.append(line)
                named[key] += 1
    return [*shares, (rest_fen, rest)] if rest else shares


def lines_of(payments: Iterable[tuple[UUID, int, Sequence[LineT]]]) -> list[LineT]:
    """The same without what was paid."""
    return [line for _, lines in shares_of(payments) for line in lines]


def find(*, sales: QuerySet[Transaction], order_no: str, store: str = "") -> list[Transaction]:
    """The payments of an order among ``sales``, earliest first: by its number, or by that on a payment's slip. Raises
    ``NotFound``, or ``Invalid`` where it may be several.
    """
    wanted = sales.filter(store__code__in=spellings(store)) if store else sales
    found = as_asked(wanted.filter(order_no__in=spellings(order_no)).order_by("paid_at", "pk")[:50], order_no)
    if not found:
        named = [one.pk for one in siblings(by_slip(sales=wanted, number=order_no))]
        found = list(sales.filter(pk__in=named).order_by("paid_at", "pk"))
    check_one(found)
    return found


def by_slip(*, sales: QuerySet[Transaction], number: str) -> Transaction:
    """The payment among ``sales`` on whose slip this number stands, or the first of the order whose number was copied with its
    label (``订单号：DB-77``). Raises ``NotFound``, or ``Invalid`` where several may be.
    """
    named = list(sales.filter(on_slip(number)).order_by("paid_at", "pk")[:50])
    if not named and (copied := reference(number)) != number:
        of_order = list(sales.filter(order_no__in=spellings(copied)).order_by("paid_at", "pk")[:50])
        if of_order:
            check_one(of_order)
            return of_order[0]
    if not named:
        raise NotFound("there is no such order", code="transaction_not_found")
    if len(named) > 1:
        raise ambiguous(named)
    return named[0]


def siblings(sale: Transaction) -> list[Transaction]:
    """All payments of the sale's order, itself included, earliest first."""
    same = Transaction.objects.filter(merchant_id=sale.merchant_id, store_id=sale.store_id, order_no=sale.order_no)
    found = same.select_related("store", "channel_account").defer("channel_account__sealed_credentials")
    found = found.prefetch_related("lines").order_by("paid_at", "pk")
    return [one for one in found if one.order_date == sale.order_date]
