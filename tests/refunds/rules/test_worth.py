"""What was paid, shared out over lines and pieces: exact to the fen, whatever the order and the grouping."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds.rules import worth
from refunds.states import Reason
from tests.refunds.rules.examples import on_many


@dataclass(frozen=True)
class Sold:
    sku: str
    amount_fen: int
    kind: str = "article"
    quantity: Decimal = Decimal(1)
    name: str = ""

    @property
    def unit_price_fen(self) -> int:
        return round(self.amount_fen / self.quantity)


_articles = st.builds(
    Sold,
    sku=st.sampled_from("ABCD"),
    amount_fen=st.integers(0, 100_000),
    quantity=st.integers(1, 5_000).map(lambda thousandths: Decimal(thousandths) / 1000),
)
_gifts = st.builds(Sold, sku=st.just("G"), amount_fen=st.integers(0, 500), kind=st.just("gift"))
_deposits = st.builds(Sold, sku=st.just("P"), amount_fen=st.integers(0, 500), kind=st.just("deposit"))
_discounts = st.builds(
    Sold, sku=st.sampled_from(["", "", "A", "G", "P"]), amount_fen=st.integers(-20_000, 0), kind=st.just("discount")
)
_roundings = st.builds(Sold, sku=st.just(""), amount_fen=st.integers(-99, 99), kind=st.just("rounding"))
receipts = st.lists(
    st.one_of(_articles, _articles, _gifts, _deposits, _discounts, _roundings), min_size=1, max_size=8
).filter(lambda lines: sum(line.amount_fen for line in lines) > 0)


def _paid(lines: list[Sold]) -> int:
    return sum(line.amount_fen for line in lines)


@pytest.mark.parametrize(
    ("lines", "worths"),
    [
        ([Sold("A", 6_000), Sold("B", 4_000), Sold("", -1_000, "discount")], [5_400, 3_600, 0]),
        ([Sold("A", 1_000), Sold("B", 1_000), Sold("C", 1_000), Sold("", -2_000, "discount")], [334, 333, 333, 0]),
        ([Sold("A", 8_830), Sold("", -30, "rounding")], [8_800, 0]),
        ([Sold("A", 8_000), Sold("G", 0, "gift")], [8_000, 0]),
        ([Sold("A", 8_000), Sold("G", 2_000, "gift"), Sold("", -2_000, "discount")], [8_000, 0, 0]),
        # What was put down for the bottle comes back whole: the discount is of the goods.
        ([Sold("A", 6_000), Sold("P", 200, "deposit"), Sold("", -600, "discount")], [5_400, 200, 0]),
        ([Sold("A", 100), Sold("P", 200, "deposit"), Sold("", -150, "discount")], [50, 100, 0]),
        ([Sold("G", 500, "gift")], [500]),
        # 20% off B alone; what goes beyond an article's price is of the order.
        ([Sold("A", 6_000), Sold("B", 4_000), Sold("B", -800, "discount")], [6_000, 3_200, 0]),
        (
            [Sold("A", 6_000), Sold("B", 4_000), Sold("B", -800, "discount"), Sold("", -920, "discount")],
            [5_400, 2_880, 0, 0],
        ),
        ([Sold("A", 6_000), Sold("B", 1_000), Sold("B", -1_600, "discount")], [5_400, 0, 0]),
        ([Sold("P", 6_000), Sold("P", 200, "deposit"), Sold("P", -600, "discount")], [5_400, 200, 0]),
        ([Sold("A", 6_000), Sold("P", 200, "deposit"), Sold("P", -200, "discount")], [6_000, 0, 0]),
        # Rounded up by two fen: the gift was taken off all the same.
        (
            [Sold("A", 6_000), Sold("G", 1_000, "gift"), Sold("", -1_000, "discount"), Sold("", 2, "rounding")],
            [6_002, 0, 0, 0],
        ),
    ],
)
def test_line_worths_when_something_is_taken_off_the_order_shares_it_out(lines: list[Sold], worths: list[int]) -> None:
    assert worth.line_worths(lines, paid_fen=_paid(lines)) == worths


def test_line_worths_when_lines_say_more_than_was_paid_never_come_to_more() -> None:
    assert worth.line_worths([Sold("A", 5_000)], paid_fen=1_000) == [1_000]


@on_many
@given(receipts)
def test_line_worths_come_to_what_was_paid(lines: list[Sold]) -> None:
    worths = worth.line_worths(lines, paid_fen=_paid(lines))

    assert sum(worths) == _paid(lines)
    assert all(fen >= 0 for fen in worths)


@on_many
@given(receipts, st.randoms())
def test_line_worths_when_lines_stand_in_another_order_are_the_same(lines: list[Sold], random: object) -> None:
    other = list(lines)
    random.shuffle(other)  # type: ignore[attr-defined]

    def by_line(some: list[Sold]) -> list[tuple[object, ...]]:
        worths = worth.line_worths(some, paid_fen=_paid(some))
        return sorted(
            (one.sku, one.kind, one.amount_fen, one.quantity, fen) for one, fen in zip(some, worths, strict=True)
        )

    assert by_line(other) == by_line(lines)


def _one_after_another(worth_fen: int, quantity: Decimal, steps: list[Decimal]) -> list[int]:
    returned, given_fen, values = Decimal(0), 0, []
    for pieces in steps:
        value = worth.pieces_fen(
            worth_fen=worth_fen, quantity=quantity, returned=returned, given_fen=given_fen, pieces=pieces
        )
        returned, given_fen = returned + pieces, given_fen + value
        values.append(value)
    return values


@pytest.mark.parametrize(
    ("quantity", "steps", "values"),
    [
        (3, (1, 1, 1), [333, 333, 334]),
        (7, (3, 3, 1), [428, 429, 143]),
        ("0.356", ("0.1", "0.256"), [280, 720]),
    ],
)
def test_pieces_fen_when_a_line_comes_back_in_parts_leaves_nothing_over(
    quantity: object, steps: tuple[object, ...], values: list[int]
) -> None:
    assert _one_after_another(1_000, Decimal(str(quantity)), [Decimal(str(step)) for step in steps]) == values


@on_many
@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=12), st.integers(0, 11))
def test_pieces_fen_in_any_grouping_with_one_taken_back_end_at_the_lines_worth(
    worth_fen: int, thousandths: list[int], withdrawn: int
) -> None:
    """One of the refunds is withdrawn and its pieces come back last: what was given for the others counts, not the order."""
    steps = [Decimal(number) / 1000 for number in thousandths]
    quantity = sum(steps, Decimal(0))
    values = _one_after_another(worth_fen, quantity, steps)
    assert sum(values) == worth_fen

    at = withdrawn % len(steps)
    again = worth.pieces_fen(
        worth_fen=worth_fen,
        quantity=quantity,
        returned=quantity - steps[at],
        given_fen=worth_fen - values[at],
        pieces=steps[at],
    )
    assert again == values[at]


@dataclass(frozen=True)
class Row:
    """What a refund holds of a line."""

    quantity: Decimal
    value_fen: int
    held_quantity: Decimal
    held_fen: int


@pytest.mark.parametrize(
    ("worth_fen", "quantity", "adjusted", "steps", "values"),
    [
        (2_000, 2, (400, 2), (1, 1), [800, 800]),
        (2_000, 2, (400, 2), (2,), [1_600]),
        (1_000, 3, (100, 3), (1, 1, 1), [299, 300, 301]),
        (1_000, 3, (5, 2), (1, 2), [330, 665]),
        # Of one of two nobody knows which: it is the first that comes back.
        (2_000, 2, (400, 1), (1, 1), [600, 1_000]),
        # By weight.
        (1_000, "0.5", (100, "0.5"), ("0.2", "0.3"), [360, 540]),
    ],
)
def test_pieces_fen_when_money_was_given_for_several_pieces_shares_it_over_them(
    worth_fen: int, quantity: object, adjusted: tuple[int, object], steps: tuple[object, ...], values: list[int]
) -> None:
    fen, pieces = adjusted
    rows = [Row(Decimal(str(pieces)), fen, Decimal(0), fen)]
    assert _returned(worth_fen, Decimal(str(quantity)), rows, [Decimal(str(step)) for step in steps]) == values


def _returned(worth_fen: int, quantity: Decimal, rows: list[Row], steps: list[Decimal]) -> list[int]:
    values = []
    for step in steps:
        value = worth.pieces_fen(
            worth_fen=worth_fen,
            quantity=quantity,
            returned=sum((row.held_quantity for row in rows), Decimal(0)),
            given_fen=sum(row.held_fen for row in rows),
            pieces=step,
            lowered=worth.lowered_by(rows),
        )
        rows.append(Row(step, value, step, value))
        values.append(value)
    return values


@on_many
@given(
    st.integers(100, 10**7),
    st.integers(2, 6),
    st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=1, max_size=6),
    st.randoms(),
)
def test_pieces_fen_with_money_in_between_ends_at_the_lines_worth_in_any_order(
    worth_fen: int, quantity: int, moves: list[tuple[int, bool]], random: object
) -> None:
    """Money is given for pieces that are still with the customer, never more than what those are worth, and pieces come back."""
    rows: list[Row] = []
    for number, gives in moves:
        left = quantity - sum(row.held_quantity for row in rows)
        if not left:
            break
        pieces = Decimal(1 + number % int(left))
        if gives:
            most = _returned(worth_fen, Decimal(quantity), list(rows), [pieces])[0]
            fen = number * most // 100
            if fen:
                rows.append(Row(pieces, most, Decimal(0), fen))
        else:
            _returned(worth_fen, Decimal(quantity), rows, [pieces])
    left = quantity - sum(row.held_quantity for row in rows)
    values = _returned(worth_fen, Decimal(quantity), rows, [Decimal(1)] * int(left))
    assert all(value >= 0 for value in values)
    assert sum(row.held_fen for row in rows) == worth_fen


@dataclass(frozen=True)
class Asked:
    quantity: Decimal
    value_fen: int


@pytest.mark.parametrize("reason", Reason.values)
def test_held_when_goods_come_back_takes_the_pieces_and_else_the_money(reason: str) -> None:
    pieces = [Asked(Decimal(1), 5_400), Asked(Decimal(2), 3_600)]
    goods = reason in {"quality", "not_as_described", "no_reason", "customer_cancelled", "deposit"}

    full = worth.held(reason=reason, asked_fen=9_000, reserved_fen=9_000, pieces=pieces)
    less = worth.held(reason=reason, asked_fen=9_000, reserved_fen=1_000, pieces=pieces)
    nothing = worth.held(reason=reason, asked_fen=9_000, reserved_fen=0, pieces=pieces)

    assert [hold.quantity for hold in full] == ([1, 2] if goods else [0, 0])
    assert [hold.fen for hold in full] == [5_400, 3_600]
    assert [(hold.quantity, hold.fen) for hold in less] == [(0, 600), (0, 400)]
    assert [(hold.quantity, hold.fen) for hold in nothing] == [(0, 0), (0, 0)]


def test_price_fen_when_weighed_goods_are_rounded_is_no_other_price() -> None:
    @dataclass(frozen=True)
    class Weighed(Sold):
        unit_price_fen: int = 1_990

    one, other = Weighed("A", 708, quantity=Decimal("0.356")), Weighed("A", 820, quantity=Decimal("0.412"))

    assert worth.price_fen(one) == worth.price_fen(other) == 1_990
    assert worth.price_fen(Sold("A", 5_000)) != worth.price_fen(Sold("A", 10_000))


_lines_of_few = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3), st.integers(0, 3)), max_size=4)


@on_many
@given(_lines_of_few, st.integers(1, 60))
def test_come_to_is_what_trying_all_choices_finds(lines: list[tuple[int, int, int]], amount_fen: int) -> None:
    told = [(fen, Decimal(quantity), Decimal(min(quantity, wanted))) for fen, quantity, wanted in lines]

    def sums(counts: tuple[int, ...]) -> int:
        return sum(int(fen * count // quantity) for (fen, quantity, _), count in zip(told, counts, strict=True))

    choices = list(itertools.product(*(range(int(quantity) + 1) for _, quantity, _ in told)))
    hits = [counts for counts in choices if sums(counts) == amount_fen]
    with_them = any(
        any(
            wanted and int(fen * count // quantity) > 0
            for (fen, quantity, wanted), count in zip(told, counts, strict=True)
        )
        for counts in hits
    )
    without = any(
        all(count <= quantity - wanted for (_, quantity, wanted), count in zip(told, counts, strict=True))
        for counts in hits
    )
    assert worth.come_to(amount_fen, told) == (with_them, without)


def test_come_to_when_goods_are_weighed_takes_all_of_them_or_none() -> None:
    bag = (1_424, Decimal("0.356"), Decimal("0.1"))
    assert worth.come_to(1_424, [bag]) == (True, False)
    assert worth.come_to(400, [bag]) == (False, False)


def test_come_to_when_there_are_very_many_pieces_says_that_they_do() -> None:
    assert worth.come_to(10**9, [(10**9, Decimal(500), Decimal(1))]) == (True, True)


@pytest.mark.parametrize(
    ("came_back", "holds"),
    [
        ((2, 1), [(2, 2_000), (1, 1_000)]),
        ((1, 0), [(1, 1_000), (0, 500)]),
        ((5, 0), [(2, 2_000), (0, 500)]),
        ((0, 0), [(0, 1_000), (0, 500)]),
        ((), [(0, 1_000), (0, 500)]),
    ],
)
def test_held_when_less_was_approved_for_pieces_that_stay_in_the_store_uses_them_up(
    came_back: tuple[int, ...], holds: list[tuple[int, int]]
) -> None:
    pieces = [Asked(Decimal(2), 2_000), Asked(Decimal(1), 1_000)]
    found = worth.held(
        reason="quality",
        asked_fen=3_000,
        reserved_fen=1_500,
        pieces=pieces,
        came_back=[Decimal(count) for count in came_back],
    )
    assert [(one.quantity, one.fen) for one in found] == holds
