"""Applying for refunds and asking for their state."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from payment_channels.alipay.adapter import AlipayRefundChannel
from payment_channels.alipay.errors import GATEWAY_RULES, RULES
from payment_channels.clock import BEIJING
from payment_channels.contract import (
    Done,
    PaidTo,
    Refused,
    Retry,
    SecondLeg,
    Trade,
    TradeQueries,
    TradeReference,
    TradeState,
    Unknown,
)
from payment_channels.remedies import REMEDIES
from tests.payment_channels.alipay.conftest import (
    NOW,
    ORDER,
    REFERENCE,
    MakeChannel,
    Platform,
    asked_parameters,
    query_answer,
    refund_answer,
)
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import Answer, LocalServer


def test_refund_when_funds_changed_is_done_with_its_own_amount(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(refund_answer())

    outcome = channel.refund(ORDER)

    assert outcome == Done(
        refund_no=ORDER.refund_no,
        channel_refund_no=ORDER.refund_no,
        amount_fen=1200,  # and not the 17.00 of all refunds
        succeeded_at=NOW + timedelta(seconds=1),
        received_account="159****5620",
        paid_to=PaidTo.ORIGINAL,
        raw=json.dumps(refund_answer(), ensure_ascii=False),
    )


def test_refund_sends_a_signed_application(
    make_channel: MakeChannel, server: LocalServer, platform: Platform, our_keys: KeyPair
) -> None:
    server.respond = lambda _: platform.answer(refund_answer())

    make_channel(app_auth_token="201510BB").refund(ORDER)

    [asked] = server.asked
    assert asked.target.startswith("/gateway.do?")
    sent = asked_parameters(asked)
    assert json.loads(sent["biz_content"]) == {
        "trade_no": ORDER.channel_transaction_no,
        "refund_amount": "12.00",
        "refund_reason": "商品瑕疵",
        "out_request_no": ORDER.refund_no,
        "query_options": ["refund_detail_item_list", "deposit_back_info"],
    }
    signature = base64.b64decode(sent.pop("sign"))
    content = "&".join(f"{name}={sent[name]}" for name in sorted(sent)).encode()
    our_keys.private.public_key().verify(signature, content, PKCS1v15(), SHA256())
    del sent["biz_content"]
    assert sent == {
        "app_id": "2021000000000001",
        "app_auth_token": "201510BB",
        "method": "alipay.trade.refund",
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": "2026-11-22 12:00:00",
        "version": "1.0",
    }


def test_refund_without_channel_number_names_the_order(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(refund_answer())

    outcome = channel.refund(replace(ORDER, channel_transaction_no="", reason="broken \ud800"))

    assert isinstance(outcome, Done)
    assert json.loads(asked_parameters(server.asked[0])["biz_content"])["out_trade_no"] == ORDER.order_no


@pytest.mark.parametrize("fund_change", ["N", "", None, "y"])
def test_refund_when_funds_are_not_said_to_have_changed_is_unknown(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, fund_change: str | None
) -> None:
    server.respond = lambda _: platform.answer(refund_answer(fund_change=fund_change))

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.accepted, outcome.attention) == ("fund_change_n", False, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"trade_no": "2026112122001400009999999999"},
        {"refund_fee": "11.99"},
    ],
)
def test_refund_answered_about_another_is_no_proof(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, changes: dict[str, object]
) -> None:
    server.respond = lambda _: platform.answer(refund_answer(**changes))

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.attention) == ("mismatch", True)


def test_refund_without_time_takes_the_time_of_the_answer(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(refund_answer(gmt_refund_pay=None))

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Done)
    assert outcome.succeeded_at == NOW


def test_query_that_knows_the_refund_is_done(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.query(query_answer())

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Done)
    assert (outcome.amount_fen, outcome.succeeded_at) == (1200, NOW + timedelta(seconds=1))
    assert json.loads(asked_parameters(server.asked[0])["biz_content"]) == {
        "trade_no": ORDER.channel_transaction_no,
        "out_request_no": ORDER.refund_no,
        "query_options": ["refund_detail_item_list", "gmt_refund_pay", "deposit_back_info"],
    }


def test_query_that_knows_no_refund_is_unknown(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    for answer in (
        {"code": "10000", "msg": "Success"},
        query_answer(refund_status=""),
        {"code": "40004", "msg": "Business Failed", "sub_code": "ACQ.TRADE_NOT_EXIST", "sub_msg": "交易不存在"},
    ):
        server.respond = lambda _, answer=answer: platform.query(answer)  # type: ignore[misc]
        outcome = channel.query_refund(REFERENCE)
        assert isinstance(outcome, Unknown)
        assert outcome.code == "not_found"


@pytest.mark.parametrize(
    "changes",
    [{"out_request_no": "R2"}, {"refund_amount": "12.01"}, {"trade_no": "2026112122001400009999999999"}],
)
def test_query_answered_about_another_is_no_proof(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, changes: dict[str, object]
) -> None:
    server.respond = lambda _: platform.query(query_answer(**changes))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.attention) == ("mismatch", True)


@pytest.mark.parametrize(
    "faulty",
    [
        replace(ORDER, refund_no="R|1"),
        replace(ORDER, refund_no=""),
        replace(ORDER, amount_fen=-1),
        replace(ORDER, amount_fen=26801),
        replace(ORDER, channel_transaction_no="", order_no=""),
    ],
)
def test_refund_when_order_cannot_be_sent_is_refused_unsent(
    channel: AlipayRefundChannel, server: LocalServer, faulty: object
) -> None:
    outcome = channel.refund(faulty)  # type: ignore[arg-type]

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid_order"
    assert server.asked == []


@pytest.mark.parametrize("prefix", ["", "aop."])
@pytest.mark.parametrize(
    ("sub_code", "retry", "remedy"),
    [
        ("ACQ.SELLER_BALANCE_NOT_ENOUGH", Retry.AFTER_TOP_UP, "top_up"),
        ("ACQ.INVALID_PARAMETER", Retry.NEVER, "check_request"),
        ("ACQ.TRADE_NOT_EXIST", Retry.NEVER, "check_sale"),
        ("ACQ.TRADE_HAS_FINISHED", Retry.NEVER, "sale_closed"),
        ("ACQ.TRADE_HAS_CLOSE", Retry.NEVER, "sale_state"),
        ("ACQ.TRADE_STATUS_ERROR", Retry.NEVER, "sale_state"),
        ("ACQ.TRADE_NOT_ALLOW_REFUND", Retry.NEVER, "sale_state"),
        ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", Retry.NEVER, "check_amount"),
        ("ACQ.REASON_TRADE_REFUND_FEE_ERR", Retry.NEVER, "check_amount"),
        ("ACQ.REASON_TRADE_BEEN_FREEZEN", Retry.NEVER, "sale_frozen"),
        ("ACQ.DISCORDANT_REPEAT_REQUEST", None, "check_history"),
        ("ACQ.SYSTEM_ERROR", None, ""),
        ("ACQ.NEVER_HEARD_OF", None, ""),
    ],
)
def test_refund_when_trade_system_refuses_says_what_may_be_done(
    channel: AlipayRefundChannel,
    server: LocalServer,
    platform: Platform,
    prefix: str,
    sub_code: str,
    retry: Retry | None,
    remedy: str,
) -> None:
    body = {"code": "40004", "msg": "Business Failed", "sub_code": prefix + sub_code, "sub_msg": "因为"}
    server.respond = lambda _: platform.answer(body)

    outcome = channel.refund(ORDER)
    repeated = channel.refund(replace(ORDER, maybe_received=True))

    if retry is None:
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Refused)
        assert (outcome.retry, outcome.remedy) == (retry, remedy)
    assert (outcome.code, outcome.message) == (sub_code, "因为")
    assert isinstance(repeated, Refused) is (retry is Retry.AFTER_TOP_UP)


@pytest.mark.parametrize(
    ("code", "sub_code", "retry", "remedy", "throttled"),
    [
        ("20000", "isp.unknow-error", None, "", False),
        ("20001", "aop.invalid-auth-token", Retry.AFTER_MENDING, "check_permission", False),
        ("40001", "isv.missing-method", Retry.NEVER, "check_request", False),
        ("40001", "isv.missing-signature", Retry.AFTER_MENDING, "check_keys", False),
        ("40002", "isv.invalid-timestamp", Retry.AFTER_MENDING, "check_clock", False),
        ("40002", "isv.invalid-signature", Retry.AFTER_MENDING, "check_keys", False),
        ("40002", "isv.invalid-app-id", Retry.AFTER_MENDING, "check_account", False),
        ("40005", "isv.app-call-limited", Retry.SAME_NUMBER, "slow_down", True),
        ("40006", "isv.insufficient-isv-permissions", Retry.AFTER_MENDING, "check_permission", False),
        ("99999", "", None, "", False),
    ],
)
@pytest.mark.parametrize("name", ["alipay_trade_refund_response", "error_response"])
def test_refund_when_gateway_refuses_says_what_may_be_done(
    channel: AlipayRefundChannel,
    server: LocalServer,
    platform: Platform,
    code: str,
    sub_code: str,
    retry: Retry | None,
    remedy: str,
    throttled: bool,
    name: str,
) -> None:
    server.respond = lambda _: platform.answer({"code": code, "msg": "no", "sub_code": sub_code}, name=name)

    outcome = channel.refund(ORDER)

    if retry is None:
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Refused)
        assert (outcome.retry, outcome.remedy, outcome.throttled) == (retry, remedy, throttled)


@pytest.mark.parametrize("sub_code", [*RULES, "ACQ.NEVER_HEARD_OF"])
def test_query_when_channel_complains_says_nothing_of_the_refund(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, sub_code: str
) -> None:
    server.respond = lambda _: platform.query({"code": "40004", "msg": "no", "sub_code": sub_code})

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert outcome.code == ("not_found" if sub_code == "ACQ.TRADE_NOT_EXIST" else sub_code)


def test_every_rule_names_a_known_remedy() -> None:
    rules = [*RULES.values(), *GATEWAY_RULES.values()]

    assert {rule.remedy for rule in rules if rule.remedy} <= set(REMEDIES)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, b"", "server_error"),
        (504, b"<html>", "server_error"),
        (302, b"", "unreadable"),
        (404, b"", "unreadable"),
        (200, b"", "unreadable"),
        (200, b"null", "unreadable"),
        (200, b"{}", "unreadable"),
        (200, b"\xff", "unreadable"),
        (200, b'{"alipay_trade_refund_response":' + b"[" * 100_000, "unreadable"),
        (200, b'{"alipay_trade_refund_response":[],"sign":"x"}', "unreadable"),
        (200, b'{"alipay_trade_query_response":{},"sign":"x"}', "unreadable"),
    ],
)
def test_answer_that_is_none_leaves_the_outcome_unknown(
    channel: AlipayRefundChannel, server: LocalServer, status: int, body: bytes, code: str
) -> None:
    server.respond = lambda _: Answer(status=status, body=body)

    for outcome in (channel.refund(ORDER), channel.query_refund(REFERENCE)):
        assert isinstance(outcome, Unknown)
        assert outcome.code == code


@pytest.mark.parametrize(
    "changes",
    [
        {"code": 10000.5, "refund_fee": None},
        {"code": None},
        {"refund_fee": "17.001"},
        {"refund_fee": "NaN"},
        {"refund_fee": True},
        {"trade_no": None},
        {"gmt_refund_pay": "2026-11-31 12:00:00"},
        {"fund_change": ["Y"]},
    ],
)
def test_signed_answer_that_cannot_be_read_leaves_the_outcome_unknown(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, changes: dict[str, object]
) -> None:
    server.respond = lambda _: platform.answer(refund_answer(**changes))

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert outcome.code in ("unreadable", "10000.5")


def test_amounts_may_come_as_numbers(channel: AlipayRefundChannel, server: LocalServer, platform: Platform) -> None:
    server.respond = lambda _: platform.answer(refund_answer(refund_fee=17.0))

    assert isinstance(channel.refund(ORDER), Done)


def test_mark_in_front_of_an_answer_changes_nothing(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: Answer(body=b"\xef\xbb\xbf" + platform.answer(refund_answer()).body)
    assert isinstance(channel.refund(ORDER), Done)


def test_dropped_connection_is_unknown(channel: AlipayRefundChannel, server: LocalServer) -> None:
    server.respond = lambda _: Answer(drop=True)

    assert channel.refund(ORDER) == channel.query_refund(REFERENCE)
    assert channel.refund(ORDER).code == "connection"  # type: ignore[union-attr]


# --- payments ---


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("WAIT_BUYER_PAY", TradeState.UNPAID),
        ("TRADE_SUCCESS", TradeState.PAID),
        ("TRADE_CLOSED", TradeState.CLOSED),
        ("TRADE_FINISHED", TradeState.FINISHED),
    ],
)
def test_query_trade(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, status: str, state: TradeState
) -> None:
    body = {
        "code": "10000",
        "trade_status": status,
        "total_amount": "268.00",
        "trade_no": ORDER.channel_transaction_no,
        "out_trade_no": ORDER.order_no,
    }
    server.respond = lambda _: platform.answer(body, name="alipay_trade_query_response")

    assert isinstance(channel, TradeQueries)
    found = channel.query_trade(TradeReference(channel_transaction_no="", order_no=ORDER.order_no))
    assert isinstance(found, Trade)
    assert (found.payment_no, found.channel_transaction_no) == (ORDER.order_no, ORDER.channel_transaction_no)
    assert (found.amount_fen, found.state, found.refunded_fen) == (26800, state, None)
    other = channel.query_trade(TradeReference(channel_transaction_no="", order_no="T2"))
    assert isinstance(other, Unknown)
    assert other.code == "mismatch"


def test_query_trade_that_nobody_knows(channel: AlipayRefundChannel, server: LocalServer, platform: Platform) -> None:
    body = {"code": "40004", "msg": "no", "sub_code": "ACQ.TRADE_NOT_EXIST"}
    server.respond = lambda _: platform.answer(body, name="alipay_trade_query_response")

    trade = channel.query_trade(TradeReference(channel_transaction_no="", order_no="T2"))

    assert isinstance(trade, Unknown)
    assert trade.code == "not_found"


def test_query_trade_that_was_paid_and_is_closed_was_wholly_refunded(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    body = {
        "code": "10000",
        "trade_status": "TRADE_CLOSED",
        "total_amount": "268.00",
        "trade_no": ORDER.channel_transaction_no,
        "out_trade_no": "DB-77-02",
        "buyer_logon_id": "159****5620",
        "send_pay_date": "2026-11-21 12:00:01",
    }
    server.respond = lambda _: platform.answer(body, name="alipay_trade_query_response")

    found = channel.query_trade(TradeReference(channel_transaction_no="", order_no="DB-77", payment_no="DB-77-02"))

    assert isinstance(found, Trade)
    assert (found.state, found.refunded_fen, found.payer) == (TradeState.REFUNDED, 26800, "159****5620")
    assert json.loads(asked_parameters(server.asked[0])["biz_content"]) == {"out_trade_no": "DB-77-02"}


@pytest.mark.parametrize(
    ("status", "leg", "paid_to"),
    [
        ("S", SecondLeg.DONE, PaidTo.ORIGINAL),
        ("P", SecondLeg.PENDING, PaidTo.ORIGINAL),
        ("F", SecondLeg.FAILED, PaidTo.BALANCE),
        # What the bank does costs no proof that the channel has paid.
        ("A word of tomorrow", SecondLeg.PENDING, PaidTo.ORIGINAL),
    ],
)
def test_query_says_what_became_of_the_way_to_the_bank(
    channel: AlipayRefundChannel,
    server: LocalServer,
    platform: Platform,
    status: str,
    leg: SecondLeg,
    paid_to: PaidTo,
) -> None:
    back = {
        "has_deposit_back": "true",
        "dback_status": status,
        "dback_amount": "12.00",
        "est_bank_receipt_time": "2026-11-25 12:00:00",
    }
    server.respond = lambda _: platform.query(query_answer(deposit_back_info=back))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Done)
    assert (outcome.second_leg, outcome.paid_to) == (leg, paid_to)
    assert (outcome.arrives_at is None) is (leg is SecondLeg.FAILED)


def test_refund_of_a_sale_paid_by_card_has_a_second_leg_to_be_asked_about(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    items = [{"fund_channel": "ALIPAYACCOUNT", "amount": "2.00"}, {"fund_channel": "BANKCARD", "amount": "10.00"}]
    server.respond = lambda _: platform.answer(refund_answer(refund_detail_item_list=items))

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Done)
    assert outcome.second_leg is SecondLeg.PENDING

    # The answer may be lost, and the query come before there is any word of the bank.
    for paid, leg in ((NOW, SecondLeg.PENDING), (NOW - timedelta(days=2), SecondLeg.NONE)):
        at = f"{paid.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
        answer = query_answer(refund_detail_item_list=items, gmt_refund_pay=at)
        server.respond = lambda _, answer=answer: platform.query(answer)  # type: ignore[misc]
        outcome = channel.query_refund(REFERENCE)
        assert isinstance(outcome, Done)
        assert outcome.second_leg is leg


def test_refund_of_a_later_attempt_is_named_by_the_number_the_channel_knows(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    """The channel knows attempt DB-77-02, the till reports order DB-77."""
    server.respond = lambda _: platform.answer(refund_answer(out_trade_no="DB-77-02"))

    by_channel = channel.refund(replace(ORDER, order_no="DB-77"))
    by_attempt = channel.refund(replace(ORDER, order_no="DB-77", payment_no="DB-77-02", channel_transaction_no=""))

    assert isinstance(by_channel, Done)
    assert isinstance(by_attempt, Done)
    assert json.loads(asked_parameters(server.asked[1])["biz_content"])["out_trade_no"] == "DB-77-02"


@pytest.mark.parametrize(
    ("word", "code", "accepted"),
    [("REFUND_PROCESSING", "REFUND_PROCESSING", True), ("REFUND_FAIL", "not_found", False), ("", "not_found", False)],
)
def test_query_when_it_speaks_as_older_editions_did_is_understood(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, word: str, code: str, accepted: bool
) -> None:
    server.respond = lambda _: platform.query(query_answer(refund_status=word))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.accepted) == (code, accepted)
    assert outcome.raw


def test_query_when_its_amounts_come_as_numbers_is_read(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    text = json.dumps(query_answer()).replace('"12.00"', "12.00").replace('"268.00"', "268")
    server.respond = lambda _: platform.query(text)

    assert isinstance(channel.query_refund(REFERENCE), Done)


@pytest.mark.parametrize(("name", "second"), [("refund_amount", "12.00"), ("refund_status", "REFUND_SUCCESS")])
def test_query_in_which_a_name_stands_twice_proves_nothing(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, name: str, second: str
) -> None:
    text = json.dumps(query_answer(**{name: "?"})).replace(f'"{name}": "?"', f'"{name}": "1.00", "{name}": "{second}"')
    server.respond = lambda _: platform.query(text)

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "unreadable"


@pytest.mark.parametrize("minutes", [-480, 6])
@pytest.mark.parametrize("what", ["refund", "again", "query", "trade"])
def test_signature_that_is_not_taken_is_blamed_on_a_clock_that_is_off_whatever_is_asked(
    channel: AlipayRefundChannel, server: LocalServer, platform: Platform, what: str, minutes: int
) -> None:
    there = format_datetime(NOW + timedelta(minutes=minutes))
    server.respond = lambda _: replace(
        platform.answer(
            {"code": "40002", "msg": "no", "sub_code": "isv.invalid-signature"},
            name={
                "refund": "alipay_trade_refund_response",
                "again": "alipay_trade_refund_response",
                "query": "alipay_trade_fastpay_refund_query_response",
                "trade": "alipay_trade_query_response",
            }[what],
        ),
        headers={"Date": there},
    )
    ask: dict[str, Callable[[], object]] = {
        "refund": lambda: channel.refund(ORDER),
        "again": lambda: channel.refund(replace(ORDER, maybe_received=True)),
        "query": lambda: channel.query_refund(REFERENCE),
        "trade": lambda: channel.query_trade(TradeReference(channel_transaction_no="", order_no="A1", paid_at=NOW)),
    }

    outcome = ask[what]()

    assert isinstance(outcome, Refused | Unknown)
    assert outcome.remedy == "check_clock"
