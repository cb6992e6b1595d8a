"""Every channel, every fault its simulator knows: what the adapter says is what the ledger says.

The journey is played by ``drive``: query what is unknown, send again under the same number what the
channel denies, and never anything else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from payment_channels.contract import (
    AbnormalRefundOrder,
    AbnormalRefunds,
    Done,
    ForeignNotice,
    NoticeRejected,
    Outcome,
    PaidTo,
    PayeeKind,
    RefundNotice,
    RefundOrder,
    Refused,
    Retry,
    SecondLeg,
    Trade,
    TradeQueries,
    TradeReference,
    TradeState,
    Unknown,
    Voids,
)
from simulators.alipay.catalogue import CATALOGUE as ALIPAY
from simulators.unionpay.catalogue import CATALOGUE as UNIONPAY
from simulators.wechat.catalogue import CATALOGUE as WECHAT
from tests.contracts.rigs import FIRST_NUMBER, PAID_FEN, RIGS, Rig, reference_of

CATALOGUES = {
    "wechat": WECHAT,
    "wechat-certificates": WECHAT,
    "alipay": ALIPAY,
    "alipay-certificates": ALIPAY,
    "unionpay": UNIONPAY,
}
PATIENCE_S = 60.0

RigOf = Callable[[str], Rig]


def faults_of(operation: str) -> list[tuple[str, str]]:
    return [(name, fault) for name in RIGS for fault in CATALOGUES[name].get(operation, {})]


def drive(
    rig: Rig, order: RefundOrder, outcome: Outcome, send: Callable[[RefundOrder], Outcome] | None = None
) -> Outcome:
    """Go on until the outcome is final or needs a person; asserts that this takes no longer than a few seconds.

    ``send`` is what sends again under the same number: a refund, unless it says otherwise.
    """
    send = send or rig.channel.refund
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        match outcome:
            case Done() | Refused(retry=Retry.NEVER | Retry.NEW_NUMBER) | Unknown(attention=True):
                return outcome
            case Refused() | Unknown(code="not_found"):
                outcome = send(replace(order, maybe_received=True))
            case Unknown():
                outcome = rig.channel.query_refund(reference_of(order))
        if isinstance(outcome, Unknown):
            time.sleep(0.03)
    pytest.fail(f"never ended: {outcome}")


def assert_agrees_with_ledger(rig: Rig, order: RefundOrder, outcome: Outcome) -> None:
    expected = [(order.refund_no, order.amount_fen)] if isinstance(outcome, Done) else []
    assert rig.moved(order) == expected
    if isinstance(outcome, Done):
        assert (outcome.refund_no, outcome.amount_fen) == (order.refund_no, order.amount_fen)
        assert abs((outcome.succeeded_at - rig.now()).total_seconds()) < 60
        assert outcome.raw


@pytest.mark.parametrize("name", RIGS)
def test_refund_without_any_fault_is_done_once(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    order = rig.sale()

    outcome = drive(rig, order, rig.channel.refund(order))

    assert isinstance(outcome, Done)
    assert_agrees_with_ledger(rig, order, outcome)
    again = rig.channel.refund(replace(order, maybe_received=True))
    assert not isinstance(again, Refused)
    assert rig.moved(order) == [(order.refund_no, order.amount_fen)]


@pytest.mark.parametrize("name", RIGS)
def test_query_of_what_was_never_sent_finds_nothing(rigs: RigOf, name: str) -> None:
    rig = rigs(name)

    outcome = rig.channel.query_refund(reference_of(rig.sale()))

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.accepted) == ("not_found", False)


@pytest.mark.parametrize("name", RIGS)
def test_query_for_another_amount_is_a_mismatch(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    drive(rig, order, rig.channel.refund(order))

    outcome = rig.channel.query_refund(replace(reference_of(order), amount_fen=order.amount_fen + 1))

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.attention) == ("mismatch", True)


@pytest.mark.parametrize(("name", "fault"), faults_of("refund"))
def test_refund_under_fault_ends_as_the_ledger_says(rigs: RigOf, name: str, fault: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("refund", fault, order_no=order.order_no, delay_s=0.3)

    first = rig.channel.refund(order)
    if isinstance(first, Refused):
        assert rig.moved(order) == []
    if fault == "forever":
        assert isinstance(first, Unknown)
        rig.simulator.control("POST", "/settle", {"refund_no": order.refund_no})
    outcome = drive(rig, order, first)

    assert_agrees_with_ledger(rig, order, outcome)


@pytest.mark.parametrize(("name", "fault"), faults_of("query"))
def test_query_under_fault_is_unknown_or_right(rigs: RigOf, name: str, fault: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    assert isinstance(drive(rig, order, rig.channel.refund(order)), Done)
    rig.fault("query", fault, order_no=order.order_no, delay_s=0.1)

    first = rig.channel.query_refund(reference_of(order))

    assert isinstance(first, Unknown | Done)
    assert_agrees_with_ledger(rig, order, drive(rig, order, first))


# --- notices ---

#: Faults after which the notice itself is not to be believed.
_FORGED = {"foreign_forged", "tampered", "bad_signature", "signtest", "wrong_serial", "wrong_cert", "old", "other_app"}


def _read(rig: Rig, order: RefundOrder) -> tuple[list[RefundNotice], list[NoticeRejected]]:
    """What the notices of this order, and those of nobody's, say; late ones of an earlier order are left out."""
    believed: list[RefundNotice] = []
    rejected: list[NoticeRejected] = []
    for notice in list(rig.received):
        try:
            notice_read = rig.channel.read_notice(notice)
        except NoticeRejected as error:
            rejected.append(error)
        else:
            if isinstance(notice_read, ForeignNotice):
                continue
            if not order.refund_no > notice_read.refund_no >= FIRST_NUMBER:
                believed.append(notice_read)
    return believed, rejected


def _contradicts(notice: RefundNotice, order: RefundOrder) -> bool:
    """What the journey compares: number, and amount where there is one."""
    return notice.refund_no != order.refund_no or notice.amount_fen not in (0, order.amount_fen)


@pytest.mark.parametrize(("name", "fault"), faults_of("notice"))
def test_notice_under_fault_never_says_what_is_not(rigs: RigOf, name: str, fault: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("notice", fault, order_no=order.order_no, delay_s=0.1, count=20)
    drive(rig, order, rig.channel.refund(order))

    rig.wait_for_notices(
        2 if fault in {"repeated", "parallel"} or fault.startswith("foreign") else 1,
        patience_s=0.3 if fault == "lost" else PATIENCE_S,
    )
    time.sleep(0.15)
    believed, rejected = _read(rig, order)

    if fault in _FORGED:
        assert rejected
    if fault in {"repeated", "parallel"}:
        assert len(believed) > 1
        assert len({notice.event_id for notice in believed}) == 1
    if fault == "wrong_amount" and name != "alipay":
        assert any(_contradicts(notice, order) for notice in believed)
    for notice in believed:
        if isinstance(notice.outcome, Done) and not _contradicts(notice, order):
            assert rig.moved(order) == [(order.refund_no, order.amount_fen)]


@pytest.mark.parametrize("fault", ["foreign", "foreign_payment", "foreign_coupon"])
@pytest.mark.parametrize("name", RIGS)
def test_notice_about_something_else_is_told_from_a_forged_one(rigs: RigOf, name: str, fault: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("notice", fault, order_no=order.order_no)
    drive(rig, order, rig.channel.refund(order))

    *_, foreign = rig.wait_for_notices(2)
    forged = replace(foreign, body=foreign.body.replace(b"1", b"2", 1))

    assert isinstance(rig.channel.read_notice(foreign), ForeignNotice)
    with pytest.raises(NoticeRejected):
        rig.channel.read_notice(forged)


# --- where the money went ---

_DESTINATIONS = [
    *((name, "none", PaidTo.ORIGINAL, SecondLeg.NONE) for name in RIGS),
    *(
        (name, fault, paid_to, SecondLeg.NONE)
        for name in ("wechat", "wechat-certificates")
        for fault, paid_to in (
            ("to_balance", PaidTo.BALANCE),
            ("to_other_balance", PaidTo.OTHER_BALANCE),
            ("to_other_card", PaidTo.OTHER_CARD),
        )
    ),
    ("alipay", "bank_pending", PaidTo.ORIGINAL, SecondLeg.PENDING),
    ("alipay", "bank_done", PaidTo.ORIGINAL, SecondLeg.DONE),
    ("alipay", "abnormal", PaidTo.BALANCE, SecondLeg.FAILED),
]


@pytest.mark.parametrize(("name", "fault", "paid_to", "leg"), _DESTINATIONS)
def test_paid_refund_says_where_the_money_went(
    rigs: RigOf, name: str, fault: str, paid_to: PaidTo, leg: SecondLeg
) -> None:
    rig = rigs(name)
    order = rig.sale()
    if fault != "none":
        rig.fault("refund", fault, order_no=order.order_no)
    drive(rig, order, rig.channel.refund(order))

    outcome = rig.channel.query_refund(reference_of(order))

    assert isinstance(outcome, Done)
    assert (outcome.paid_to, outcome.second_leg) == (paid_to, leg)


@pytest.mark.parametrize("name", RIGS)
def test_wrong_clock_is_named_and_moves_nothing(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("refund", "sign_error", order_no=order.order_no)
    rig.offset = timedelta(minutes=6)
    try:
        outcome = rig.channel.refund(order)
    finally:
        rig.offset = timedelta()

    assert isinstance(outcome, Refused | Unknown)
    assert outcome.remedy == "check_clock"
    assert rig.moved(order) == []


# --- what only some channels can do ---


@pytest.mark.parametrize("name", RIGS)
def test_trade_can_be_asked_about(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    order = rig.sale(amount_fen=PAID_FEN)
    by_channel = TradeReference(channel_transaction_no=order.channel_transaction_no, order_no="")
    by_shop = TradeReference(channel_transaction_no="", order_no=order.order_no, paid_at=order.paid_at)
    assert isinstance(rig.channel, TradeQueries)

    before, too = rig.channel.query_trade(by_channel), rig.channel.query_trade(by_shop)
    drive(rig, order, rig.channel.refund(order))
    after = rig.channel.query_trade(by_channel)
    nobody = rig.channel.query_trade(replace(by_channel, channel_transaction_no="4200000000000000000000000000"))

    for trade in (before, too):
        assert isinstance(trade, Trade), trade
        assert (trade.amount_fen, trade.state) == (PAID_FEN, TradeState.PAID)
        assert (trade.payment_no, trade.channel_transaction_no) == (order.order_no, order.channel_transaction_no)
    assert isinstance(after, Trade)
    # UnionPay's query speaks of the payment alone.
    assert after.state is (TradeState.PAID if name == "unionpay" else TradeState.REFUNDED)
    assert isinstance(nobody, Unknown)
    assert nobody.code == "not_found"


@pytest.mark.parametrize(("name", "fault"), faults_of("query"))
def test_trade_query_under_fault_is_unknown_or_right(rigs: RigOf, name: str, fault: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("query", fault, order_no=order.order_no, delay_s=0.1)

    found = rig.channel.query_trade(
        TradeReference(channel_transaction_no=order.channel_transaction_no, order_no=order.order_no)
    )

    assert isinstance(found, Unknown) or (found.amount_fen, found.state) == (PAID_FEN, TradeState.PAID)


@pytest.mark.parametrize("fault", ["none", *UNIONPAY["refund"]])
def test_void_under_fault_ends_as_the_ledger_says(rigs: RigOf, fault: str) -> None:
    rig = rigs("unionpay")
    order = rig.sale(amount_fen=PAID_FEN)
    assert isinstance(rig.channel, Voids)
    if fault != "none":
        rig.fault("refund", fault, order_no=order.order_no, delay_s=0.3)

    first = rig.channel.void(order)
    if isinstance(first, Refused):
        assert rig.moved(order) == []
    if fault == "forever":
        rig.simulator.control("POST", "/settle", {"refund_no": order.refund_no})
    outcome = drive(rig, order, first, rig.channel.void)

    assert_agrees_with_ledger(rig, order, outcome)
    if fault == "none":
        assert isinstance(outcome, Done)


@pytest.mark.parametrize("name", ["wechat", "wechat-certificates"])
@pytest.mark.parametrize(
    ("payee", "paid_to"),
    [(PayeeKind.CUSTOMER_CARD, PaidTo.OTHER_CARD), (PayeeKind.MERCHANT_ACCOUNT, PaidTo.MERCHANT)],
)
def test_stuck_refund_goes_elsewhere_and_says_where(rigs: RigOf, name: str, payee: PayeeKind, paid_to: PaidTo) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("refund", "abnormal", order_no=order.order_no)
    stuck = drive(rig, order, rig.channel.refund(order))
    assert isinstance(stuck, Unknown)
    assert isinstance(rig.channel, AbnormalRefunds)

    applied = rig.channel.apply_abnormal_refund(
        AbnormalRefundOrder(
            refund_no=order.refund_no,
            channel_refund_no=stuck.channel_refund_no,
            amount_fen=order.amount_fen,
            payee=payee,
            bank_type="ICBC_DEBIT",
            card_number="6222020200112233445",
            holder_name="张小雨",
        )
    )

    outcome = drive(rig, order, applied)
    assert isinstance(outcome, Done)
    assert outcome.paid_to is paid_to
    assert_agrees_with_ledger(rig, order, outcome)


def test_certificates_may_rotate_between_two_refunds(rigs: RigOf) -> None:
    rig = rigs("wechat-certificates")
    first, second = rig.sale(), rig.sale()
    assert isinstance(drive(rig, first, rig.channel.refund(first)), Done)

    rig.simulator.control("POST", "/rotate", {})
    rig.offset = timedelta(seconds=61)  # our clock: not asked for more than once a minute
    try:
        assert isinstance(drive(rig, second, rig.channel.refund(second)), Done)
    finally:
        rig.offset = timedelta()
