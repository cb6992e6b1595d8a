"""What channels do beside codes: adapter x behaviour, for every channel. The ledger of the stand-in is the oracle."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from payment_channels.contract import (
    AbnormalRefundOrder,
    AbnormalRefunds,
    Done,
    PayeeKind,
    RefundNotice,
    Refused,
    Retry,
    SecondLeg,
    Trade,
    TradeQueries,
    TradeReference,
    Unknown,
)
from simulators.kit.testing import ControlError
from tests.contracts.rigs import PAID_FEN, RIGS, reference_of
from tests.contracts.test_every_fault import CATALOGUES, RigOf, assert_agrees_with_ledger, drive

PATIENCE_S = 60.0


# --- the attempt's number ---


@pytest.mark.parametrize("name", ["wechat", "wechat-certificates", "alipay"])
def test_refund_when_the_channel_knows_another_number_than_the_order_is_done_by_it(rigs: RigOf, name: str) -> None:
    """The till sent order DB-77 as DB-77-02 and does not know the channel's own number."""
    rig = rigs(name)
    sent = rig.sale()
    order = replace(sent, order_no="DB-77", payment_no=sent.order_no, channel_transaction_no="")
    reference = replace(reference_of(order), payment_no=order.payment_no)

    outcome = rig.channel.refund(order)
    until = time.monotonic() + PATIENCE_S
    while not isinstance(outcome, Done) and time.monotonic() < until:
        time.sleep(0.03)
        outcome = rig.channel.query_refund(reference)

    assert isinstance(outcome, Done)
    assert rig.moved(sent) == [(order.refund_no, order.amount_fen)]


@pytest.mark.parametrize("name", RIGS)
def test_payment_is_found_by_the_number_it_was_sent_under_and_not_by_the_orders(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    sent = rig.sale()
    assert isinstance(rig.channel, TradeQueries)
    by_order = TradeReference(channel_transaction_no="", order_no="DB-77", paid_at=sent.paid_at)

    found = rig.channel.query_trade(replace(by_order, payment_no=sent.order_no))
    nobody = rig.channel.query_trade(by_order)

    assert isinstance(found, Trade)
    # UnionPay's refund needs the channel's number: this is how it is learnt.
    assert (found.payment_no, found.channel_transaction_no) == (sent.order_no, sent.channel_transaction_no)
    assert isinstance(nobody, Unknown)


# --- no way out of unknown is missing ---

_RESULT = {"wechat": "refund_id", "alipay": "10000", "unionpay": "respCode="}
_NEVER_BELIEVED = [
    (name, fault)
    for name in RIGS
    for fault in (
        "html_403",
        "html_200",
        "unsigned_400",
        "no_signature",
        "bad_signature",
        "tampered_response",
        "garbage",
    )
    if fault in CATALOGUES[name]["refund"] and fault in CATALOGUES[name]["query"]
]


@pytest.mark.parametrize(("name", "fault"), _NEVER_BELIEVED)
def test_refund_behind_a_proxy_that_never_lets_a_signed_answer_through_is_never_refused_nor_paid_twice(
    rigs: RigOf, name: str, fault: str
) -> None:
    rig = rigs(name)
    order = rig.sale()
    for operation in ("refund", "query"):
        rig.fault(operation, fault, order_no=order.order_no, times=-1)

    outcomes = []
    for again in range(3):
        outcomes.append(rig.channel.refund(replace(order, maybe_received=again > 0)))
        outcomes.append(rig.channel.query_refund(reference_of(order)))

    assert all(isinstance(outcome, Unknown) and not outcome.accepted for outcome in outcomes)
    # Whoever is called reads what came instead, and of an answer that is not believed what it says.
    unknown = [outcome for outcome in outcomes if isinstance(outcome, Unknown)]
    said = [outcome.message for outcome in unknown if outcome.code in ("unreadable", "bad_signature")]
    what = _RESULT[rig.simulator_name] if fault.endswith("_signature") else "HTTP "
    assert said
    assert all(what in message for message in said)
    assert rig.moved(order) in ([], [(order.refund_no, order.amount_fen)])
    rig.simulator.control("DELETE", "/faults")
    assert_agrees_with_ledger(rig, order, drive(rig, order, outcomes[-1]))


# --- where the money really went ---


@pytest.mark.parametrize(
    ("fault", "leg"), [("bank_done_later", SecondLeg.DONE), ("bank_refused_later", SecondLeg.FAILED)]
)
def test_second_leg_under_way_ends_later_and_the_channel_says_so(rigs: RigOf, fault: str, leg: SecondLeg) -> None:
    rig = rigs("alipay")
    order = rig.sale()
    rig.fault("refund", fault, order_no=order.order_no, delay_s=1.5)

    drive(rig, order, rig.channel.refund(order))
    first = rig.channel.query_refund(reference_of(order))
    assert isinstance(first, Done)
    assert first.second_leg is SecondLeg.PENDING

    notices = [rig.channel.read_notice(raw) for raw in rig.wait_for_notices(2)]
    later = rig.channel.query_refund(reference_of(order))

    assert [notice.refund_no for notice in notices if isinstance(notice, RefundNotice)] == [order.refund_no] * 2
    assert isinstance(later, Done)
    assert later.second_leg is leg
    assert rig.moved(order) == [(order.refund_no, order.amount_fen)]


_ELSEWHERE_REFUSED = [
    (name, fault) for name in ("wechat", "wechat-certificates") for fault in CATALOGUES[name]["abnormal"]
]


@pytest.mark.parametrize(("name", "fault"), _ELSEWHERE_REFUSED)
def test_stuck_refund_under_fault_stays_stuck_or_is_paid_once(rigs: RigOf, name: str, fault: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("refund", "abnormal", order_no=order.order_no)
    stuck = drive(rig, order, rig.channel.refund(order))
    assert isinstance(stuck, Unknown)
    assert isinstance(rig.channel, AbnormalRefunds)
    rig.fault("abnormal", fault, order_no=order.order_no, delay_s=0.1)

    applied = rig.channel.apply_abnormal_refund(
        AbnormalRefundOrder(
            refund_no=order.refund_no,
            channel_refund_no=stuck.channel_refund_no,
            amount_fen=order.amount_fen,
            payee=PayeeKind.MERCHANT_ACCOUNT,
        )
    )

    if isinstance(applied, Refused):
        assert rig.moved(order) == []
    asked = rig.channel.query_refund(reference_of(order))
    until = time.monotonic() + PATIENCE_S
    while isinstance(asked, Unknown) and not asked.attention and time.monotonic() < until:
        time.sleep(0.03)
        asked = rig.channel.query_refund(reference_of(order))
    assert_agrees_with_ledger(rig, order, asked)


# --- what the payer reads ---


@pytest.mark.parametrize("reason", ["商品瑕疵", "这件商品的颜色与图片不符" * 9, "😀" * 30, "ok" * 200, ""])
@pytest.mark.parametrize("name", RIGS)
def test_reason_of_any_length_arrives_whole_or_cut_between_characters(rigs: RigOf, name: str, reason: str) -> None:
    rig = rigs(name)
    order = replace(rig.sale(), reason=reason)

    outcome = drive(rig, order, rig.channel.refund(order))

    assert_agrees_with_ledger(rig, order, outcome)
    assert isinstance(outcome, Done)
    (kept,) = rig.simulator.control("GET", f"/refunds?refund_no={order.refund_no}")["rows"]
    said = kept["reason"]
    assert reason.startswith(said)
    if rig.simulator_name == "wechat":
        assert len(said.encode()) <= 80
        assert len((said + reason[len(said) : len(said) + 1]).encode()) > 80 or said == reason
    if rig.simulator_name == "alipay":
        assert said == reason[:256]


# --- clock ---


@pytest.mark.parametrize("name", ["wechat", "wechat-certificates"])
def test_clock_six_minutes_off_is_named_by_the_channels_own_refusal(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.simulator.control("POST", "/clock", {"skew_s": 360})
    try:
        outcome = rig.channel.refund(order)
    finally:
        rig.simulator.control("POST", "/clock", {"skew_s": 0})

    assert isinstance(outcome, Refused | Unknown)
    assert outcome.remedy == "check_clock"
    assert rig.moved(order) == []


# --- waiting long ---


@pytest.mark.parametrize("name", RIGS)
def test_refund_accepted_for_days_is_not_refused_meanwhile_and_done_at_last(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    rig.fault("refund", "slow", order_no=order.order_no, delay_s=timedelta(days=3).total_seconds())
    reference = reference_of(order)

    said = [rig.channel.refund(order), rig.channel.query_refund(reference)]
    try:
        rig.let_pass(timedelta(days=2))
        said.append(rig.channel.query_refund(reference))
        for outcome in said:
            assert isinstance(outcome, Unknown)
            # Alipay has no word for "under way": no money is said to have moved, and a query names no status.
            assert outcome.accepted or (name == "alipay" and outcome.code in {"fund_change_n", "not_found"})
            assert not outcome.attention
        assert rig.moved(order) == []

        rig.let_pass(timedelta(days=3, hours=1))
        until = time.monotonic() + PATIENCE_S
        while not isinstance(said[-1], Done) and time.monotonic() < until:
            time.sleep(0.03)
            said.append(rig.channel.query_refund(reference))
    finally:
        rig.let_pass(timedelta())

    assert isinstance(said[-1], Done)
    assert rig.moved(order) == [(order.refund_no, order.amount_fen)]


# --- coupons ---


@pytest.mark.parametrize("name", ["wechat", "wechat-certificates", "alipay"])
def test_refund_of_a_sale_with_a_coupon_tells_what_the_payer_got_and_the_parts_come_to_what_was_paid(
    rigs: RigOf, name: str
) -> None:
    """A fifth was a coupon's: 268.00 of which the payer paid 214.41."""
    rig = rigs(name)
    rig.simulator.control("POST", "/limits", {"partial_spacing_s" if name != "alipay" else "spacing_s": 0})
    sent = rig.sale()
    seed = {"order_no": sent.order_no, "transaction_no": sent.channel_transaction_no, "amount_fen": PAID_FEN}
    rig.simulator.control("POST", "/payments", {**seed, "payer_fen": 21441, "notify_url": rig.notify_url})

    told, asked = [], []
    for number, amount_fen in enumerate((1, 1199, 12800, 12800)):
        order = replace(sent, refund_no=f"{sent.refund_no}{number}", amount_fen=amount_fen)
        outcome = drive(rig, order, rig.channel.refund(order))
        again = rig.channel.query_refund(reference_of(order))
        assert isinstance(outcome, Done)
        assert isinstance(again, Done)
        told.append(outcome.payer_fen)
        asked.append(again.payer_fen)

    assert told == asked
    assert sum(fen for fen in told if fen is not None) == 21441
    assert sum(amount for _, amount in rig.moved(sent)) == PAID_FEN


@pytest.mark.parametrize("name", ["wechat", "wechat-certificates"])
def test_notice_of_a_refund_with_a_coupon_tells_what_the_payer_got(rigs: RigOf, name: str) -> None:
    rig = rigs(name)
    order = rig.sale()
    seed = {"order_no": order.order_no, "transaction_no": order.channel_transaction_no, "amount_fen": PAID_FEN}
    rig.simulator.control("POST", "/payments", {**seed, "payer_fen": PAID_FEN // 2})

    rig.channel.refund(order)
    (notice, *_) = rig.wait_for_notices()
    said = rig.channel.read_notice(notice)

    assert isinstance(said, RefundNotice)
    assert isinstance(said.outcome, Done)
    assert said.outcome.payer_fen == order.amount_fen // 2


@pytest.mark.parametrize("payer_fen", [-1, PAID_FEN + 1, "12", None])
def test_payment_whose_coupon_makes_no_sense_is_not_seeded(rigs: RigOf, payer_fen: object) -> None:
    simulator = rigs("wechat").simulator
    with pytest.raises(ControlError, match="payer_fen"):
        simulator.control("POST", "/payments", {"order_no": "ODD", "amount_fen": PAID_FEN, "payer_fen": payer_fen})


# --- signed under a certificate ---


def test_answer_under_a_certificate_that_is_not_stored_is_not_believed_and_the_money_moves_once(rigs: RigOf) -> None:
    rig = rigs("alipay-certificates")
    order = rig.sale()
    rig.fault("refund", "other_certificate", order_no=order.order_no)

    first = rig.channel.refund(order)

    assert isinstance(first, Unknown)
    assert (first.code, first.remedy) == ("bad_signature", "check_their_key")
    assert "not stored" in first.message
    assert isinstance(drive(rig, order, first), Done)
    assert rig.moved(order) == [(order.refund_no, order.amount_fen)]


# --- a number that a refusal has used up ---


@pytest.mark.parametrize("code", ["02", "31", "64", "90"])
def test_refund_when_its_refused_number_is_a_duplicate_is_asked_about_and_may_go_on_under_a_new_one(
    rigs: RigOf, code: str
) -> None:
    rig = rigs("unionpay")
    order = rig.sale()
    rig.fault("refund", f"spent_{code}", order_no=order.order_no)

    refused = rig.channel.refund(order)
    again = rig.channel.refund(order)
    said = rig.channel.query_refund(reference_of(order))

    assert isinstance(refused, Refused)
    assert refused.code == code
    assert isinstance(again, Unknown)
    assert (again.code, again.accepted) == ("12", False)
    assert isinstance(said, Refused)
    assert (said.code, said.retry, said.then) == (code, Retry.NEW_NUMBER, refused.retry)
    assert rig.moved(order) == []
    other = replace(order, refund_no=f"{order.refund_no}N2")
    assert isinstance(drive(rig, other, rig.channel.refund(other)), Done)
    assert rig.moved(order) == [(other.refund_no, order.amount_fen)]
