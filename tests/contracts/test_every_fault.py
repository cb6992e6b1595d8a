"""Every channel, every fault its simulator knows: what the adapter says is what the ledger says.

The journey is played by ``drive``: query what is unknown, send again under the same number what the
channel denies, and never anything else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_channels import codes_page
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
from payment_channels.rules import Rule
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

#: Channel -> operation of the adapter's lists -> where the stand-in takes faults for it.
ORDERED_AT: dict[str, dict[str, tuple[str, ...]]] = {
    "wechat": {
        "POST /v3/refund/domestic/refunds": ("refund",),
        "GET /v3/refund/domestic/refunds/{out_refund_no}": ("query",),
        "POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund": ("abnormal",),
        "GET /v3/pay/transactions/…": ("query",),
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close and /reverse": ("close", "reverse"),
    },
    "alipay": {
        "alipay.trade.refund": ("refund",),
        "alipay.trade.fastpay.refund.query": ("query",),
        "alipay.trade.query": ("query",),
        "alipay.trade.cancel": ("cancel",),
        "every operation": ("refund", "query", "cancel"),
    },
    "unionpay": {"backTransReq.do (04, 31, 32), queryTrans.do (00)": ("refund", "query")},
}


def faults_of(operation: str) -> list[Any]:
    """(rig, fault). What a code means does not hang on how the answer is signed: by certificates it is tried in `make faults`."""
    return [
        pytest.param(name, fault, marks=pytest.mark.long)
        if name.endswith("-certificates") and kind.code
        else (name, fault)
        for name in RIGS
        for fault, kind in CATALOGUES[name].get(operation, {}).items()
    ]


def code_of(name: str, operation: str, fault: str) -> str:
    """The vendor's code that the fault answers with; "aop." before a sub-code says only who found it."""
    return CATALOGUES[name][operation][fault].code.removeprefix("aop.")


def rules_of(channel: str) -> dict[str, Rule]:
    """What an application's codes prove; the operation's own come before every operation's."""
    rules: dict[str, Rule] = {}
    for entry in reversed(codes_page.LISTS[channel]):
        if "refund" in ORDERED_AT[channel][entry.operation]:
            rules |= {code: entry.rules[code] for code in entry.codes}
    return rules


def assert_as_the_table_says(rig: Rig, fault: str, outcome: Outcome) -> None:
    """An application that was refused with a code is what the adapter's table says of it."""
    code = code_of(rig.name, "refund", fault)
    rule = rules_of(rig.simulator_name).get(code)
    if not isinstance(outcome, Refused):
        # Nothing is proven: the table says so, no list has it, nobody signed it, or the server itself was in trouble.
        assert isinstance(outcome, Unknown)
        assert not outcome.accepted
        assert rule is None or rule.retry is None or outcome.code in {"server_error", "bad_signature"}
        assert outcome.code in {code, "server_error", "bad_signature"}
        return
    assert rule is not None
    assert (outcome.code, outcome.retry, outcome.throttled) == (code, rule.retry, rule.throttled)
    assert outcome.remedy == ("check_clock" if fault == "clock" else rule.remedy)
    assert outcome.message


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
    kind = CATALOGUES[name]["refund"][fault]
    is_refusal = bool(kind.code) and kind.en.endswith("nothing was accepted")
    if is_refusal:
        assert_as_the_table_says(rig, fault, first)
    if isinstance(first, Refused) or is_refusal:
        assert rig.moved(order) == []
    if fault == "forever":
        assert isinstance(first, Unknown)
        rig.simulator.control("POST", "/settle", {"refund_no": order.refund_no})
    outcome = drive(rig, order, first)

    assert_agrees_with_ledger(rig, order, outcome)
    if fault.startswith("ends_"):
        # Taken in, and then it failed: it ends, or calls a person.
        assert not isinstance(outcome, Done)
        assert outcome.code == fault.removeprefix("ends_")
        assert isinstance(outcome, Unknown) or outcome.retry is Retry.NEW_NUMBER


@pytest.mark.parametrize(("name", "fault"), faults_of("query"))
def test_query_under_fault_is_unknown_or_right(rigs: RigOf, name: str, fault: str) -> None:
    """Of a refund that was never sent, of the payment, and of a refund that was paid."""
    rig = rigs(name)
    order = rig.sale()
    code = code_of(name, "query", fault)

    def fail_next() -> None:
        rig.simulator.control("DELETE", "/faults")
        rig.fault("query", fault, order_no=order.order_no, delay_s=0.1)

    if code:
        fail_next()
        never_sent = rig.channel.query_refund(reference_of(order))
        assert isinstance(never_sent, Unknown)
        assert not never_sent.accepted
        assert never_sent.code in {code, "not_found", "server_error", "bad_signature"}

    fail_next()
    assert isinstance(rig.channel, TradeQueries)
    trade = rig.channel.query_trade(
        TradeReference(channel_transaction_no=order.channel_transaction_no, order_no=order.order_no)
    )
    assert isinstance(trade, Unknown) or (trade.amount_fen, trade.state) == (PAID_FEN, TradeState.PAID)

    rig.simulator.control("DELETE", "/faults")
    assert isinstance(drive(rig, order, rig.channel.refund(order)), Done)
    fail_next()
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
    if fault == "wrong_amount" and rig.simulator_name != "alipay":
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


#: Codes of a void are those of a refund, read by the same table.
_OF_VOIDS = [
    pytest.param(fault, marks=pytest.mark.long) if kind.code else fault for fault, kind in UNIONPAY["refund"].items()
]


@pytest.mark.parametrize("fault", ["none", *_OF_VOIDS])
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
