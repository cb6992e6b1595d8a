"""An order with all that shops do to it, paid by several payments, comes back bit by bit: to the fen, in whatever order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from refunds.rules import plan, worth
from refunds.rules.plan import Payable, PlannedLeg, PlanRule
from tests.refunds.rules.examples import on_many
from tests.refunds.rules.test_worth import Sold, receipts

_AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Paid:
    """A payment of the order: a share of what was paid, by channel or in cash, stored value or not."""

    number: int
    amount_fen: int
    route: str
    is_stored_value: bool
    minute: int


@dataclass(frozen=True)
class Order:
    lines: list[Sold]
    payments: list[Paid]
    rule: PlanRule
    tranche_fen: int | None


def _has_goods(lines: list[Sold]) -> bool:
    """Something of a price can be handed back: what was paid is not all rounding."""
    return any(line.kind in ("article", "deposit") and line.amount_fen > 0 for line in lines)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    lines = draw(receipts.filter(_has_goods))
    paid_fen = sum(line.amount_fen for line in lines)
    cuts = sorted(draw(st.sets(st.integers(1, paid_fen - 1), max_size=3))) if paid_fen > 1 else []
    amounts = [end - start for start, end in zip([0, *cuts], [*cuts, paid_fen], strict=True)]
    in_cash = draw(st.none() | st.integers(0, len(amounts) - 1))
    payments = [
        Paid(
            number,
            amount,
            "cash" if number == in_cash else "original",
            draw(st.booleans()),
            draw(st.integers(0, 3)),
        )
        for number, amount in enumerate(amounts)
    ]
    return Order(lines, payments, draw(st.sampled_from(PlanRule)), draw(st.none() | st.integers(1_000, 50_000)))


class Books:
    """What has gone back of each payment, and what each line gave; refunds are planned on what is left, as the product does."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.paid_fen = sum(line.amount_fen for line in order.lines)
        self.worths = worth.line_worths(order.lines, paid_fen=self.paid_fen)
        self.back = Counter[int]()
        self.given = Counter[int]()
        self.returned: dict[int, Decimal] = {place: Decimal(0) for place in range(len(order.lines))}

    def payable(self) -> list[Payable]:
        return [
            Payable(
                transaction_id=UUID(int=one.number),
                paid_at=_AT + timedelta(minutes=one.minute),
                balance_fen=one.amount_fen - self.back[one.number],
                refunds_left=1_000,
                route=one.route,
                is_stored_value=one.is_stored_value,
            )
            for one in self.order.payments
        ]

    def value(self, place: int, pieces: Decimal) -> int:
        return worth.pieces_fen(
            worth_fen=self.worths[place],
            quantity=self.order.lines[place].quantity,
            returned=self.returned[place],
            given_fen=self.given[place],
            pieces=pieces,
        )

    def legs(self, amount_fen: int) -> tuple[PlannedLeg, ...]:
        payments, order = self.payable(), self.order
        legs = plan.choose(amount_fen=amount_fen, payments=payments, rule=order.rule, tranche_fen=order.tranche_fen)
        again = plan.choose(
            amount_fen=amount_fen, payments=payments[::-1], rule=order.rule, tranche_fen=order.tranche_fen
        )
        assert again == legs
        assert sum(leg.amount_fen for leg in legs) == amount_fen
        for one in payments:
            of_it = [leg for leg in legs if leg.transaction_id == one.transaction_id]
            assert sum(leg.amount_fen for leg in of_it) <= one.balance_fen
            assert all(leg.amount_fen > 0 and leg.route == one.route for leg in of_it)
        return legs

    def move(self, place: int, pieces: Decimal, value_fen: int, legs: tuple[PlannedLeg, ...], *, sign: int) -> None:
        """A refund of pieces is taken in, or (-1) withdrawn again with all that it held."""
        self.returned[place] += sign * pieces
        self.given[place] += sign * value_fen
        for leg in legs:
            self.back[leg.transaction_id.int] += sign * leg.amount_fen


def _steps(order: Order, draw: st.DataObject) -> list[tuple[int, Decimal]]:
    """All pieces of all lines, in parts and in any order."""
    steps = []
    for place, line in enumerate(order.lines):
        if not worth.can_come_back(line):
            continue
        whole = int(line.quantity * 1000)
        cuts = sorted(draw.draw(st.sets(st.integers(1, whole - 1), max_size=3))) if whole > 1 else []
        parts = [end - start for start, end in zip([0, *cuts], [*cuts, whole], strict=True)]
        steps += [(place, Decimal(part) / 1000) for part in parts]
    return draw.draw(st.permutations(steps))


@on_many
@given(orders(), st.data())
def test_order_when_all_comes_back_in_any_grouping_each_payment_gives_what_it_took(
    order: Order, data: st.DataObject
) -> None:
    books = Books(order)
    steps = _steps(order, data)
    withdrawn = data.draw(st.integers(0, len(steps)))
    for turn, (place, pieces) in enumerate([*steps, *steps[withdrawn : withdrawn + 1]]):
        if turn == len(steps):  # the refund that was withdrawn is asked for again, last
            place, pieces = steps[withdrawn]
        value = books.value(place, pieces)
        legs = books.legs(value) if value else ()
        books.move(place, pieces, value, legs, sign=1)
        assert all(books.back[one.number] <= one.amount_fen for one in order.payments)
        if turn == withdrawn < len(steps):
            books.move(place, pieces, value, legs, sign=-1)
    assert sum(books.worths) == books.paid_fen
    assert [books.given[place] for place in range(len(order.lines))] == books.worths
    assert [books.back[one.number] for one in order.payments] == [one.amount_fen for one in order.payments]


@on_many
@given(orders(), st.integers(1, 10**6), st.randoms())
def test_plan_hash_when_payments_are_named_in_another_order_is_the_same(
    order: Order, amount: int, random: object
) -> None:
    books = Books(order)
    amount_fen = 1 + amount % books.paid_fen
    shuffled = sorted(books.payable(), key=lambda _: random.random())  # type: ignore[attr-defined]
    other = plan.choose(amount_fen=amount_fen, payments=shuffled, rule=order.rule, tranche_fen=order.tranche_fen)
    hashes = {
        plan.plan_hash((leg.sequence, leg.transaction_id, leg.route, leg.amount_fen) for leg in legs)
        for legs in (books.legs(amount_fen), other)
    }
    assert len(hashes) == 1
