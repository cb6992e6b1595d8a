"""What became of a payment: adapter x situation. What a channel leaves open is unknown, never "not paid"."""

from __future__ import annotations

import pytest

from payment_channels.contract import Refused, Trade, TradeQueries, TradeReference, TradeState, Unknown
from simulators.unionpay.codes import PAYMENT_CODES
from tests.contracts.rigs import PAID_FEN, RIGS, Rig
from tests.contracts.test_every_fault import RigOf, drive

#: (stand-in, seed) -> what its adapter says; None: that it is not known.
_SITUATIONS: dict[tuple[str, str], TradeState | None] = {
    ("wechat", "SUCCESS"): TradeState.PAID,
    ("wechat", "WAIT_BUYER_PAY"): TradeState.UNPAID,  # NOTPAY
    ("wechat", "USERPAYING"): TradeState.UNPAID,
    ("wechat", "PAYERROR"): TradeState.UNPAID,
    ("wechat", "CLOSED"): TradeState.CLOSED,
    ("wechat", "REVOKED"): TradeState.REVERSED,
    ("alipay", "SUCCESS"): TradeState.PAID,
    ("alipay", "WAIT_BUYER_PAY"): TradeState.UNPAID,
    ("alipay", "CLOSED"): TradeState.CLOSED,  # TRADE_CLOSED without a day of payment
    ("alipay", "TRADE_CLOSED"): TradeState.REFUNDED,
    ("alipay", "TRADE_FINISHED"): TradeState.FINISHED,
    ("unionpay", "SUCCESS"): TradeState.PAID,
    ("unionpay", "WAIT_BUYER_PAY"): TradeState.UNPAID,
    ("unionpay", "USERPAYING"): None,
    ("unionpay", "PAYERROR"): TradeState.CLOSED,
    ("unionpay", "CLOSED"): TradeState.CLOSED,
    ("unionpay", "REVOKED"): TradeState.REVERSED,
}
_CASES = [
    (rig, seed, state)
    for rig, name in RIGS.items()
    for (stand_in, seed), state in _SITUATIONS.items()
    if stand_in == name
]


def _asked(rig: Rig, **seed: str) -> tuple[TradeReference, Trade | Unknown]:
    """By the channel's number, and where it knows none by that the shop's."""
    order = rig.sale()
    payment = {"order_no": order.order_no, "transaction_no": order.channel_transaction_no, "amount_fen": PAID_FEN}
    rig.simulator.control("POST", "/payments", {**payment, **seed})
    assert isinstance(rig.channel, TradeQueries)
    by_shop = TradeReference(channel_transaction_no="", order_no=order.order_no, paid_at=order.paid_at)
    return by_shop, rig.channel.query_trade(by_shop)


@pytest.mark.parametrize(("name", "seed", "state"), _CASES)
def test_payment_in_each_state_is_told_as_what_it_is(
    rigs: RigOf, name: str, seed: str, state: TradeState | None
) -> None:
    _, said = _asked(rigs(name), status=seed)

    if state is None:
        assert isinstance(said, Unknown)
        assert said.code == PAYMENT_CODES[seed]
        return
    assert isinstance(said, Trade), said
    assert (said.state, said.amount_fen) == (state, PAID_FEN)


@pytest.mark.parametrize("code", ["03", "04", "05", "06", "12", "34", "42", "74", "75", "83", "99", "ZZ"])
def test_unionpay_code_that_leaves_the_payment_open_is_unknown(rigs: RigOf, code: str) -> None:
    _, said = _asked(rigs("unionpay"), orig_resp_code=code)

    assert isinstance(said, Unknown)
    assert said.code == code


@pytest.mark.parametrize("code", ["01", "30", "38", "60", "64", "65"])
def test_unionpay_code_of_a_failed_payment_is_closed(rigs: RigOf, code: str) -> None:
    _, said = _asked(rigs("unionpay"), orig_resp_code=code)

    assert isinstance(said, Trade)
    assert said.state is TradeState.CLOSED


@pytest.mark.parametrize("name", ["wechat", "wechat-certificates"])
def test_wechat_payment_that_nobody_made_is_known_by_the_shops_number_alone(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    reference, said = _asked(rig, status="WAIT_BUYER_PAY")
    assert isinstance(said, Trade)
    assert said.channel_transaction_no == ""

    payment = rig.simulator.control("GET", f"/payments?order_no={reference.order_no}")
    by_channel = rig.channel.query_trade(
        TradeReference(channel_transaction_no=payment["transaction_no"], order_no=reference.order_no)
    )

    assert isinstance(by_channel, Unknown)
    assert by_channel.code == "not_found"


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("seed", ["WAIT_BUYER_PAY", "USERPAYING", "CLOSED", "REVOKED"])
def test_refund_of_a_payment_that_is_not_there_moves_nothing(rigs: RigOf, name: str, seed: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    payment = {"order_no": order.order_no, "transaction_no": order.channel_transaction_no, "amount_fen": PAID_FEN}
    rig.simulator.control("POST", "/payments", {**payment, "status": seed})

    outcome = drive(rig, order, rig.channel.refund(order))

    assert isinstance(outcome, Refused)
    assert rig.moved(order) == []
