"""A plan's legs sum to the amount and stay within their payments, whatever the rule and however payments are named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refunds.rules import plan
from refunds.rules.plan import NotCovered, Payable, PlanRule
from tests.refunds.rules.examples import on_many

_AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def _payable(number: int, balance_fen: int, **fields: object) -> Payable:
    values = {"paid_at": _AT + timedelta(minutes=number), "refunds_left": 50, **fields}
    return Payable(transaction_id=UUID(int=number), balance_fen=balance_fen, **values)  # type: ignore[arg-type]


_PAYMENTS = st.lists(
    st.tuples(
        st.integers(0, 50_000),
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from(["original", "cash"]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=5,
).map(
    lambda rows: [
        _payable(
            number, balance, refunds_left=left, is_stored_value=stored, route=route, paid_at=_AT + timedelta(minutes=m)
        )
        for number, (balance, left, stored, route, m) in enumerate(rows, 1)
    ]
)


@on_many
@given(_PAYMENTS, st.integers(1, 200_000), st.sampled_from(PlanRule), st.none() | st.integers(1, 20_000), st.randoms())
def test_choose_when_anything_is_paid_the_legs_sum_and_none_is_above_its_payment(
    payments: list[Payable], amount: int, rule: PlanRule, tranche: int | None, random: object
) -> None:
    shuffled = sorted(payments, key=lambda _: random.random())  # type: ignore[attr-defined]
    try:
        legs = plan.choose(amount_fen=amount, payments=payments, rule=rule, tranche_fen=tranche)
    except NotCovered:
        most = max((one.capacity_fen for one in payments if one.route == "cash"), default=0)
        assert amount > most + sum(one.capacity_fen for one in payments if one.route != "cash")
        return
    assert sum(leg.amount_fen for leg in legs) == amount
    assert [leg.sequence for leg in legs] == list(range(1, len(legs) + 1))
    for one in payments:
        own = [leg for leg in legs if leg.transaction_id == one.transaction_id]
        assert all(leg.amount_fen > 0 and leg.route == one.route for leg in own)
        assert sum(leg.amount_fen for leg in own) <= one.balance_fen
        assert len(own) <= one.refunds_left
    in_cash = [leg for leg in legs if leg.route == "cash"]
    assert len(in_cash) <= 1
    assert in_cash == list(legs[len(legs) - len(in_cash) :])
    again = plan.choose(amount_fen=amount, payments=shuffled, rule=rule, tranche_fen=tranche)
    assert again == legs


@pytest.mark.parametrize(
    ("rule", "amount", "expected"),
    [
        (PlanRule.PRO_RATA, 30_000, [(1, 20_000), (2, 10_000)]),
        (PlanRule.PRO_RATA, 10_000, [(1, 6_667), (2, 3_333)]),
        (PlanRule.PRO_RATA, 1, [(1, 1)]),
        (PlanRule.REVERSE, 15_000, [(2, 10_000), (1, 5_000)]),
        (PlanRule.HIGHEST_FIRST, 25_000, [(1, 20_000), (2, 5_000)]),
        (PlanRule.STORED_VALUE_FIRST, 12_000, [(2, 10_000), (1, 2_000)]),
    ],
)
def test_choose_when_a_rule_says_who_gives_first_that_payment_does(
    rule: PlanRule, amount: int, expected: list[tuple[int, int]]
) -> None:
    payments = [_payable(1, 20_000), _payable(2, 10_000, is_stored_value=True)]
    legs = plan.choose(amount_fen=amount, payments=payments, rule=rule)
    assert [(leg.transaction_id.int, leg.amount_fen) for leg in legs] == expected


def test_choose_when_a_part_was_in_cash_it_goes_back_last_and_once() -> None:
    payments = [_payable(1, 5_000, route="cash"), _payable(2, 3_000, route="cash"), _payable(3, 10_000)]
    legs = plan.choose(amount_fen=14_000, payments=payments, rule=PlanRule.REVERSE)
    assert [(leg.transaction_id.int, leg.amount_fen, leg.why) for leg in legs] == [
        (3, 10_000, "reverse"),
        (1, 4_000, "cash_last"),
    ]


def test_choose_when_it_is_large_it_goes_in_tranches_as_many_as_the_channel_takes() -> None:
    def tranches(refunds_left: int) -> list[int]:
        payments = [_payable(1, 100_000, refunds_left=refunds_left)]
        legs = plan.choose(amount_fen=70_000, payments=payments, rule=PlanRule.PRO_RATA, tranche_fen=20_000)
        return [leg.amount_fen for leg in legs]

    assert tranches(50) == [20_000, 20_000, 20_000, 10_000]
    assert tranches(2) == [35_000, 35_000]


def test_plan_hash_when_an_amount_differs_is_another() -> None:
    assert plan.plan_hash([(1, UUID(int=1), "original", 5)]) != plan.plan_hash([(1, UUID(int=1), "original", 6)])
