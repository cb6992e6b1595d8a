"""定金, 订金, 押金: what goes back, what is kept, what is owed on top."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refunds.rules.deposits import Cause, Deposit, settle
from terminals.models import DepositKind

CONTRACT = 1_000_000


@pytest.mark.parametrize(
    ("kind", "cause", "paid", "more", "refund", "compensation", "codes"),
    [
        pytest.param("earnest", "performed", 200_000, {}, 200_000, 0, [], id="performed"),
        pytest.param("earnest", "customer_breaks", 200_000, {}, 0, 0, ["deposit_forfeited"], id="forfeited"),
        pytest.param(
            "earnest", "customer_breaks", 300_000, {}, 100_000, 0, ["deposit_cap", "deposit_forfeited"], id="above 20%"
        ),
        pytest.param("earnest", "merchant_breaks", 200_000, {}, 200_000, 200_000, ["deposit_doubled"], id="doubled"),
        pytest.param(
            "earnest", "merchant_breaks", 300_000, {}, 300_000, 200_000, ["deposit_cap", "deposit_doubled"], id="capped"
        ),
        pytest.param(
            "earnest", "customer_breaks", 200_000, {"open_percent": 25}, 150_000, 0, ["deposit_forfeited"], id="in part"
        ),
        pytest.param("earnest", "force_majeure", 200_000, {}, 200_000, 0, [], id="force majeure"),
        pytest.param("earnest", "both_break", 200_000, {}, 200_000, 0, [], id="both"),
        pytest.param("advance", "customer_breaks", 500_000, {}, 500_000, 0, [], id="an advance goes back"),
        pytest.param("advance", "merchant_breaks", 500_000, {}, 500_000, 0, [], id="and is never doubled"),
        pytest.param(
            "security", "performed", 50_000, {"deduction_fen": 12_345}, 37_655, 0, ["deposit_deduction"], id="less"
        ),
        pytest.param("security", "customer_breaks", 50_000, {}, 50_000, 0, [], id="a security is not forfeited"),
    ],
)
def test_settle(
    kind: str, cause: str, paid: int, more: dict[str, int], refund: int, compensation: int, codes: list[str]
) -> None:
    settled = settle(Deposit(kind=kind, contract_fen=CONTRACT, cause=cause, **more), paid_fen=paid)
    assert (settled.refund_fen, settled.compensation_fen, settled.kept_fen) == (refund, compensation, paid - refund)
    assert [step.code for step in settled.steps] == codes


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(DepositKind.values),
    cause=st.sampled_from(Cause.values),
    paid=st.integers(1, 10**9),
    over=st.integers(0, 10**9),
    percent=st.integers(1, 100),
    deduction=st.integers(0, 10**9),
)
def test_settle_never_gives_or_keeps_more_than_the_rule(
    kind: str, cause: str, paid: int, over: int, percent: int, deduction: int
) -> None:
    contract = paid + over
    deposit = Deposit(kind=kind, contract_fen=contract, cause=cause, open_percent=percent, deduction_fen=deduction)
    settled = settle(deposit, paid_fen=paid)
    assert settled.refund_fen + settled.kept_fen == paid
    assert settled.refund_fen >= 0
    assert settled.compensation_fen * 5 <= contract + 5
    if kind == "earnest":
        assert settled.kept_fen * 5 <= contract
    assert not (settled.kept_fen and settled.compensation_fen)
