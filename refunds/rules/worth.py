"""What was paid, shared out over the lines and pieces of a sale. Pure, in fen, exact.

Order discounts and rounding are lines of their own: they are shared out over the articles by price, by largest remainder, so
that the worth of all lines is what was paid; a discount with an article's number is that article's alone. A gift is worth
nothing, a returnable deposit what was put down for it. A line's worth is shared out over its pieces by what has been given of it
so far, so that pieces which come back in any order and grouping end at the line's worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from core.quantities import Quantity
from refunds.states import Reason
from terminals import orders
from terminals.models.transaction import LineKind, Transaction, TransactionLine

#: Where the customer brings something back. For every other reason money is asked for and the goods stay where they are.
GOODS_COME_BACK = frozenset(
    {Reason.QUALITY, Reason.NOT_AS_DESCRIBED, Reason.NO_REASON, Reason.CUSTOMER_CANCELLED, Reason.DEPOSIT}
)

#: Lines that lower or raise what was paid, and are no goods.
ADJUSTMENTS = frozenset({LineKind.DISCOUNT, LineKind.ROUNDING})


class Line(orders.Line, Protocol):
    """A line of a sale, whoever holds it."""

    @property
    def kind(self) -> str: ...
    @property
    def unit_price_fen(self) -> int: ...


class Pieces(Protocol):
    """Pieces of a line that a request names, and what they were worth when it was judged."""

    @property
    def quantity(self) -> Quantity: ...
    @property
    def value_fen(self) -> int: ...


class Held(Pieces, Protocol):
    """The same with what the request holds of the line by now."""

    @property
    def held_quantity(self) -> Quantity: ...
    @property
    def held_fen(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Hold:
    """What a request holds of a line: pieces that came back, and fen of the line's worth."""

    quantity: Quantity
    fen: int


@dataclass(frozen=True, slots=True)
class Lowered:
    """Money that was given for so many pieces of a line that stayed with the customer, ``back`` of which have come back since."""

    fen: int
    pieces: Quantity
    back: Quantity

    def stays_fen(self, more: Quantity) -> int:
        """What of it is for pieces that are still with the customer once ``more`` have come back."""
        return int(self.fen * max(Decimal(0), self.pieces - self.back - more) // self.pieces)


def can_come_back(line: Line) -> bool:
    """Whether a line is something that a customer can hand over."""
    return line.kind not in ADJUSTMENTS and line.amount_fen >= 0


def line_worths(lines: Sequence[Line], *, paid_fen: int) -> list[int]:
    """What of ``paid_fen`` was paid for each line, in their order. The sum is what was paid where the lines add up to it; never
    more than was paid, nor than the lines say.

    Equal remainders go by article, name and amount: the order of the lines says nothing.
    """
    amounts = [line.amount_fen for line in lines]
    if sum(amounts) == paid_fen and all(line.kind == LineKind.ARTICLE and line.amount_fen >= 0 for line in lines):
        return amounts  # nothing to share out: almost every sale
    total = max(0, min(paid_fen, sum(amounts)))
    names = [(line.sku, line.name, -line.amount_fen, line.quantity) for line in lines]
    net = _less_own_discounts(lines, names)
    articles, gifts, deposits = (
        [fen if line.kind == kind else 0 for line, fen in zip(lines, net, strict=True)]
        for kind in (LineKind.ARTICLE, LineKind.GIFT, LineKind.DEPOSIT)
    )
    for_articles = total - sum(deposits)
    rounded_up = sum(line.amount_fen for line in lines if line.kind in ADJUSTMENTS and line.amount_fen > 0)
    if for_articles - rounded_up > sum(articles):
        # Gifts that no discount takes off again were paid for.
        articles = [fen + gift for fen, gift in zip(articles, gifts, strict=True)]
    if for_articles >= 0 and any(articles):
        shares = shared_out(for_articles, articles, names)
        return [share + deposit for share, deposit in zip(shares, deposits, strict=True)]
    # A discount above all articles eats into the deposits; of nothing but gifts each has its price's share.
    weights = [one + other for one, other in zip(articles, deposits, strict=True)]
    return shared_out(total, weights if any(weights) else [max(0, line.amount_fen) for line in lines], names)


def with_worth(sale: Transaction) -> list[TransactionLine]:
    """A stored sale's lines in order, each with its ``worth_fen``; where they are those of its whole order, of what that paid."""
    lines = sorted(sale.lines.all(), key=lambda line: line.position)
    is_orders = sum(line.amount_fen for line in lines) > sale.amount_fen
    return _with_worth(lines, sum(one.amount_fen for one in orders.siblings(sale)) if is_orders else sale.amount_fen)


def with_worth_of(payments: Sequence[Transaction]) -> list[TransactionLine]:
    """The same of an order's payments together."""
    told = [(sale.pk, sale.amount_fen, sorted(sale.lines.all(), key=lambda line: line.position)) for sale in payments]
    return [line for paid_fen, lines in orders.shares_of(told) for line in _with_worth(lines, paid_fen)]


def _with_worth(lines: list[TransactionLine], paid_fen: int) -> list[TransactionLine]:
    for line, fen in zip(lines, line_worths(lines, paid_fen=paid_fen), strict=True):
        line.worth_fen = fen
    return lines


def shared_out(total: int, weights: Sequence[int], names: Sequence[Any]) -> list[int]:
    """``total`` by weight, by largest remainder; equal remainders go by ``names``, which must be sortable."""
    of = sum(weights)
    if not of:
        return [0] * len(weights)
    shares = [total * weight // of for weight in weights]

    def first(index: int) -> tuple[int, Any]:
        return -(total * weights[index] % of), names[index]

    for index in sorted(range(len(weights)), key=first)[: total - sum(shares)]:
        shares[index] += 1
    return shares


def pieces_fen(
    *,
    worth_fen: int,
    quantity: Quantity,
    returned: Quantity,
    given_fen: int,
    pieces: Quantity,
    lowered: Sequence[Lowered] = (),
) -> int:
    """What ``pieces`` more are worth of a line of ``quantity`` at ``worth_fen``, of which ``returned`` came back and
    ``given_fen`` were given: 3 for 10.00 one by one are 3.33, 3.33 and 3.34. What of the latter was given for pieces that stay
    (``lowered``) is taken off each of those: 4.00 for two of 10.00 leave 8.00 and 8.00.
    """
    back = min(quantity, returned + pieces)
    stays_fen = sum(one.stays_fen(pieces) for one in lowered)
    return max(0, int(worth_fen * back // quantity) - given_fen + stays_fen)


def lowered_by(rows: Sequence[Held]) -> list[Lowered]:
    """What refunds of a line, as they were asked for, hold of it for pieces that have not come back with them."""
    found: list[Lowered] = []
    for row in rows:
        found = [Lowered(one.fen, one.pieces, one.back + row.held_quantity) for one in found]
        fen, pieces = row.held_fen, row.quantity - row.held_quantity
        if row.held_quantity:
            fen -= int(row.value_fen * row.held_quantity // row.quantity)
        if fen > 0 < pieces:
            found.append(Lowered(fen, pieces, Decimal(0)))
    return found


def come_to(amount_fen: int, lines: Sequence[tuple[int, Quantity, Quantity]]) -> tuple[bool, bool]:
    """Whether pieces of these lines come to an amount with one of those that are looked for among them, and whether they do with
    none of those. ``lines`` are (fen, pieces, pieces looked for); weighed goods come back whole or not at all. Of very many
    pieces they are said to.
    """
    if amount_fen * sum(quantity for _, quantity, _ in lines) > _TOO_MANY:
        return True, True
    # The sums that are reached, a bit each: with none of the lines that are looked for, with some, with all other pieces.
    without, some, others = 1, 0, 1

    def and_more(sums: int, fen: int, quantity: Quantity, most: Quantity) -> int:
        found = 0
        for sum_fen in _sums_of_pieces(fen, quantity, most):
            if sum_fen <= amount_fen:
                found |= sums << sum_fen
        return found & ((1 << amount_fen + 1) - 1)

    for fen, quantity, looked_for in lines:
        some |= and_more(some | without if looked_for else some, fen, quantity, quantity)
        if not looked_for:
            without |= and_more(without, fen, quantity, quantity)
        others |= and_more(others, fen, quantity, quantity - looked_for)
    return bool(some >> amount_fen), bool(others >> amount_fen)


#: Bits that are moved, at most.
_TOO_MANY = 1_000_000_000


def _sums_of_pieces(fen: int, quantity: Quantity, most: Quantity) -> list[int]:
    """What 1, 2 ... ``most`` pieces of a line come to, where that is anything."""
    if quantity != int(quantity):
        return [fen] if fen > 0 and most == quantity else []
    return [sum_fen for count in range(1, int(most) + 1) if (sum_fen := int(fen * count // quantity)) > 0]


def held(
    *, reason: str, asked_fen: int, reserved_fen: int, pieces: Sequence[Pieces], came_back: Sequence[Quantity] = ()
) -> list[Hold]:
    """What a request holds of each line while it holds ``reserved_fen`` of the sale.

    Pieces are used up where goods come back for all that was asked for them. A price adjustment, goodwill, or an approval of less
    is money: it lowers what the line is worth and leaves the piece with the customer. ``came_back``: so many pieces of each are
    in the store by now, whatever was paid for them: these are used up with all that they are worth.
    """
    if reason in GOODS_COME_BACK and reserved_fen >= asked_fen:
        return [Hold(one.quantity, one.value_fen) for one in pieces]
    values = [one.value_fen for one in pieces]
    given = shared_out(min(reserved_fen, sum(values)), values, range(len(values)))
    back = [min(one.quantity, count) for one, count in zip(pieces, came_back, strict=True)] if came_back else []
    if not reserved_fen or not any(back):
        return [Hold(Decimal(0), fen) for fen in given]
    return [
        Hold(count, max(fen, int(one.value_fen * count // one.quantity)))
        for one, count, fen in zip(pieces, back, given, strict=True)
    ]


def price_fen(line: Line) -> Decimal:
    """What the till charged for one, before what was taken off the whole order. Weighed goods are rounded to the fen by line:
    that is no other price.
    """
    as_priced = abs(line.unit_price_fen * Decimal(line.quantity) - line.amount_fen) < 1
    return Decimal(line.unit_price_fen) if as_priced else Decimal(line.amount_fen) / line.quantity


def is_same_price(one: Decimal, other: Decimal) -> bool:
    """Up to a fen apart two prices are one: tills round what one of three for 10.00 costs, and a price in tenths of a fen."""
    return abs(one - other) <= 1


def is_dearer(one: Decimal, other: Decimal) -> bool:
    return one > other and not is_same_price(one, other)


def _less_own_discounts(lines: Sequence[Line], names: Sequence[Any]) -> list[int]:
    """What the lines say, nothing below zero, less the discounts that name their article's number: of a piece that was given on
    top of the same article, as of buy one get one free, first.
    """
    net = [max(0, line.amount_fen) for line in lines]
    for sku in sorted(
        {line.sku for line in lines if line.sku and line.kind == LineKind.DISCOUNT and line.amount_fen < 0}
    ):
        off_fen = -sum(line.amount_fen for line in lines if (line.sku, line.kind) == (sku, LineKind.DISCOUNT))
        for kind in (LineKind.GIFT, LineKind.ARTICLE, LineKind.DEPOSIT):
            own = [fen if (line.sku, line.kind) == (sku, kind) else 0 for line, fen in zip(lines, net, strict=True)]
            taken = shared_out(min(max(0, off_fen), sum(own)), own, names)
            net = [fen - less for fen, less in zip(net, taken, strict=True)]
            off_fen -= sum(taken)
    return net
