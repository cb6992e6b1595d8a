"""Applying for refunds and asking for their state."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from payment_channels.contract import Done, PaidTo, Refused, Retry, TradeReference, Unknown
from payment_channels.remedies import REMEDIES
from payment_channels.transport import Reply
from payment_channels.wechat import errors
from payment_channels.wechat.adapter import WeChatRefundChannel
from payment_channels.wechat.errors import RULES
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import Answer, LocalServer
from tests.payment_channels.wechat.conftest import (
    NOW,
    ORDER,
    PUBLIC_KEY_ID,
    REFERENCE,
    MakeChannel,
    Platform,
    refund_state,
)


def test_refund_when_channel_says_success_is_done(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(refund_state())

    outcome = channel.refund(ORDER)

    assert outcome == Done(
        refund_no=ORDER.refund_no,
        channel_refund_no="50000000382026112200000000001",
        amount_fen=1200,
        payer_fen=1200,
        succeeded_at=datetime.fromisoformat("2026-11-22T12:00:01+08:00"),
        received_account="招商银行信用卡0403",
        paid_to=PaidTo.ORIGINAL,
        raw=json.dumps(refund_state(), ensure_ascii=False),
    )


@pytest.mark.parametrize(
    ("said", "account", "paid_to"),
    [
        ("ORIGINAL", "招商银行信用卡0403", PaidTo.ORIGINAL),
        ("BALANCE", "支付用户零钱", PaidTo.BALANCE),
        ("OTHER_BALANCE", "支付用户零钱", PaidTo.OTHER_BALANCE),
        ("OTHER_BANKCARD", "工商银行借记卡4455", PaidTo.OTHER_CARD),
        ("OTHER_BANKCARD", "商户结算银行账户", PaidTo.MERCHANT),
        ("", "支付用户零钱", PaidTo.BALANCE),
        ("", "招商银行信用卡0403", PaidTo.UNSAID),
        ("NEW_IN_2027", "支付用户零钱", PaidTo.UNSAID),
    ],
)
def test_refund_when_money_went_elsewhere_says_where(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, said: str, account: str, paid_to: PaidTo
) -> None:
    server.respond = lambda _: platform.answer({**refund_state(), "channel": said, "user_received_account": account})

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Done)
    assert (outcome.paid_to, outcome.received_account) == (paid_to, account)


def test_refund_sends_a_signed_application(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, our_keys: KeyPair
) -> None:
    server.respond = lambda _: platform.answer(refund_state("PROCESSING"))

    channel.refund(ORDER)

    [asked] = server.asked
    assert (asked.method, asked.target) == ("POST", "/v3/refund/domestic/refunds")
    assert json.loads(asked.body) == {
        "transaction_id": ORDER.channel_transaction_no,
        "out_refund_no": ORDER.refund_no,
        "reason": "商品瑕疵",
        "notify_url": ORDER.notify_url,
        "amount": {"refund": 1200, "total": 26800, "currency": "CNY"},
    }
    assert asked.headers["wechatpay-serial"] == PUBLIC_KEY_ID
    assert asked.headers["content-type"] == "application/json"
    schema, _, fields = asked.headers["authorization"].partition(" ")
    assert schema == "WECHATPAY2-SHA256-RSA2048"
    sent = dict(re.findall(r'(\w+)="([^"]*)"', fields))
    assert sent["mchid"] == "1900000109"
    assert sent["timestamp"] == str(int(NOW.timestamp()))
    message = f"POST\n{asked.target}\n{sent['timestamp']}\n{sent['nonce_str']}\n".encode() + asked.body + b"\n"
    key = load_pem_public_key(our_keys.public_pem.encode())
    assert isinstance(key, RSAPublicKey)
    key.verify(base64.b64decode(sent["signature"]), message, PKCS1v15(), SHA256())


def test_refund_repeated_sends_the_same_bytes(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(refund_state("PROCESSING"))

    channel.refund(ORDER)
    channel.refund(replace(ORDER, maybe_received=True, first_sent_at=NOW))

    first, second = server.asked
    assert first.body == second.body
    assert server.connections == 1


def test_refund_without_channel_number_names_the_order(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(refund_state("PROCESSING"))

    outcome = channel.refund(replace(ORDER, channel_transaction_no=""))

    assert json.loads(server.asked[0].body)["out_trade_no"] == ORDER.order_no
    assert isinstance(outcome, Unknown)
    assert outcome.accepted


def test_refund_as_service_provider_names_the_merchant(
    make_channel: MakeChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(refund_state("PROCESSING"))
    channel = make_channel(sub_mchid="1900000110", profile={"funding": "AVAILABLE"})

    channel.refund(ORDER)
    channel.query_refund(REFERENCE)

    application = json.loads(server.asked[0].body)
    assert (application["sub_mchid"], application["funds_account"]) == ("1900000110", "AVAILABLE")
    assert server.asked[1].target == f"/v3/refund/domestic/refunds/{ORDER.refund_no}?sub_mchid=1900000110"


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        ("退" * 40, "退" * 26),
        ("a" * 81, "a" * 80),
        ("a" * 79 + "é", "a" * 79),
        ("🙂" * 21, "🙂" * 20),
        ("\u202eabc", "\u202eabc"),
        ("broken \ud800 surrogate", "broken ? surrogate"),
    ],
)
def test_refund_when_reason_is_too_long_cuts_it_between_characters(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, reason: str, sent: str
) -> None:
    server.respond = lambda _: platform.answer(refund_state("PROCESSING"))

    channel.refund(replace(ORDER, reason=reason))

    assert json.loads(server.asked[0].body)["reason"] == sent


@pytest.mark.parametrize(
    "faulty",
    [
        replace(ORDER, refund_no=""),
        replace(ORDER, refund_no="R 1"),
        replace(ORDER, refund_no="R1\n"),
        replace(ORDER, refund_no="R" * 65),
        replace(ORDER, refund_no="退款1"),
        replace(ORDER, amount_fen=0),
        replace(ORDER, amount_fen=26801),
        replace(ORDER, channel_transaction_no="", order_no=""),
    ],
)
def test_refund_when_order_cannot_be_sent_is_refused_unsent(
    channel: WeChatRefundChannel, server: LocalServer, faulty: object
) -> None:
    outcome = channel.refund(faulty)  # type: ignore[arg-type]

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry) == ("invalid_order", Retry.NEVER)
    assert server.asked == []


@pytest.mark.parametrize("ask", ["refund", "query"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("PROCESSING", (Unknown, True, False)),
        ("ABNORMAL", (Unknown, True, True)),
    ],
)
def test_state_that_is_not_final_is_unknown_but_accepted(
    channel: WeChatRefundChannel,
    server: LocalServer,
    platform: Platform,
    ask: str,
    status: str,
    expected: tuple[type, bool, bool],
) -> None:
    server.respond = lambda _: platform.answer(refund_state(status))

    outcome = channel.refund(ORDER) if ask == "refund" else channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert (type(outcome), outcome.accepted, outcome.attention) == expected
    assert outcome.channel_refund_no == "50000000382026112200000000001"


@pytest.mark.parametrize(("rule", "retry"), [("new_number", Retry.NEW_NUMBER), ("same_number", Retry.SAME_NUMBER)])
def test_closed_refund_is_refused_with_the_profiles_number_rule(
    make_channel: MakeChannel, server: LocalServer, platform: Platform, rule: str, retry: Retry
) -> None:
    server.respond = lambda _: platform.answer(refund_state("CLOSED"))

    outcome = make_channel(profile={"closed_number": rule}).query_refund(REFERENCE)

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry) == ("CLOSED", retry)


@pytest.mark.parametrize(
    "changes",
    [
        {"out_refund_no": "R20261122000002"},
        {"transaction_id": "4200009999202611221234567890"},
        {"amount": {"total": 26800, "refund": 1201, "currency": "CNY"}},
    ],
)
@pytest.mark.parametrize("status", ["SUCCESS", "CLOSED"])
def test_answer_about_another_refund_proves_nothing(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, changes: dict[str, object], status: str
) -> None:
    server.respond = lambda _: platform.answer(refund_state(status, **changes))

    for outcome in (channel.refund(ORDER), channel.query_refund(REFERENCE)):
        assert isinstance(outcome, Unknown)
        assert (outcome.code, outcome.attention) == ("mismatch", True)


@pytest.mark.parametrize(
    ("status", "code", "retry", "throttled", "remedy"),
    [
        (429, "FREQUENCY_LIMITED", Retry.SAME_NUMBER, True, "slow_down"),
        (403, "NOT_ENOUGH", Retry.AFTER_TOP_UP, False, "top_up"),
        (403, "USER_ACCOUNT_ABNORMAL", Retry.NEVER, False, "other_route"),
        (403, "NO_AUTH", Retry.AFTER_MENDING, False, "check_permission"),
        (401, "SIGN_ERROR", Retry.AFTER_MENDING, False, "check_keys"),
        (400, "PARAM_ERROR", Retry.NEVER, False, "check_request"),
        (400, "INVALID_REQUEST", Retry.NEVER, False, "check_rules"),
        (404, "MCH_NOT_EXISTS", Retry.AFTER_MENDING, False, "check_account"),
        (404, "RESOURCE_NOT_EXISTS", Retry.NEVER, False, "check_sale"),
    ],
)
def test_refund_when_channel_refuses_says_what_may_be_done(
    channel: WeChatRefundChannel,
    server: LocalServer,
    platform: Platform,
    status: int,
    code: str,
    retry: Retry,
    throttled: bool,
    remedy: str,
) -> None:
    server.respond = lambda _: platform.answer({"code": code, "message": "因为"}, status)

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.message) == (code, "因为")
    assert (outcome.retry, outcome.throttled, outcome.remedy) == (retry, throttled, remedy)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("REFUND_FEE_MISMATCH", "退款金额不一致"),
        ("INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"),
        ("INVALID_REQUEST", "商户退款单号已存在，且与之前请求的参数不一致"),
        ("PARAM_ERROR", "out_refund_no already exists"),
    ],
)
def test_number_that_the_channel_knows_with_other_details_is_asked_about_and_not_refused(
    code: str, message: str
) -> None:
    reply = Reply(400, {}, json.dumps({"code": code, "message": message}).encode())
    outcome = errors.outcome_of_application(reply, maybe_received=False)
    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.remedy) == (code, "check_history")


@pytest.mark.parametrize(("spelled", "code"), [("NOTENOUGH", "NOT_ENOUGH"), ("ORDERNOTEXIST", "ORDER_NOT_EXIST")])
def test_code_in_its_older_spelling_means_the_same(spelled: str, code: str) -> None:
    reply = Reply(403, {}, json.dumps({"code": spelled, "message": "余额不足"}).encode())
    outcome = errors.outcome_of_application(reply, maybe_received=False)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry) == (code, RULES[code].retry)


@pytest.mark.parametrize("code", RULES)
def test_refund_when_an_earlier_send_may_have_arrived_is_refused_only_where_it_can_be_sent_again(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, code: str
) -> None:
    server.respond = lambda _: platform.answer({"code": code, "message": "no"}, 400)

    outcome = channel.refund(replace(ORDER, maybe_received=True))

    if RULES[code].retry in (Retry.SAME_NUMBER, Retry.LATER, Retry.AFTER_TOP_UP, Retry.AFTER_MENDING):
        assert isinstance(outcome, Refused)
    else:
        assert isinstance(outcome, Unknown)
        assert outcome.code == code


@pytest.mark.parametrize("code", [*RULES, "NEVER_HEARD_OF"])
def test_query_when_channel_complains_says_nothing_of_the_refund(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, code: str
) -> None:
    server.respond = lambda _: platform.answer({"code": code, "message": "no"}, 404)

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert not outcome.accepted
    assert outcome.code == ("not_found" if code in ("RESOURCE_NOT_EXISTS", "ORDER_NOT_EXIST") else code)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, b'{"code":"SYSTEM_ERROR","message":"x"}', "server_error"),
        (502, b"<html>bad gateway</html>", "server_error"),
        (403, b'{"code":"NEVER_HEARD_OF","message":"x"}', "NEVER_HEARD_OF"),
        (400, b'{"code":"SYSTEM_ERROR","message":"x"}', "SYSTEM_ERROR"),
        (403, b"not json", "unreadable"),
        (403, b"[]", "unreadable"),
        (403, b'{"code":7}', "unreadable"),
        (302, b"", "unreadable"),
        (304, b"", "unreadable"),
        (200, b"", "unreadable"),
        (200, b"null", "unreadable"),
        (200, b"{}", "unreadable"),
        (200, b"\xff\xfe", "unreadable"),
        (200, b"[" * 100_000, "unreadable"),
        (200, json.dumps(refund_state("PAID")).encode(), "unreadable"),
        (200, json.dumps(refund_state(amount={"refund": 1200.0, "currency": "CNY"})).encode(), "unreadable"),
        (200, json.dumps(refund_state(amount={"refund": True, "currency": "CNY"})).encode(), "unreadable"),
        (200, json.dumps(refund_state(amount={"refund": "1200", "currency": "CNY"})).encode(), "unreadable"),
        (200, json.dumps(refund_state(amount={"refund": 1200, "currency": "USD"})).encode(), "unreadable"),
        (200, json.dumps(refund_state(success_time="2026-11-22T12:00:01")).encode(), "unreadable"),
        (200, json.dumps(refund_state(success_time=None)).encode(), "unreadable"),
        (200, json.dumps(refund_state(out_refund_no=None)).encode(), "unreadable"),
    ],
)
def test_answer_that_proves_nothing_leaves_the_outcome_unknown(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, status: int, body: bytes, code: str
) -> None:
    server.respond = lambda _: platform.answer(body, status)

    for outcome in (channel.refund(ORDER), channel.query_refund(REFERENCE)):
        assert isinstance(outcome, Unknown)
        assert outcome.code == code
        assert not outcome.accepted


def test_every_rule_names_a_known_remedy() -> None:
    assert {rule.remedy for rule in RULES.values() if rule.remedy} <= set(REMEDIES)


# --- signatures ---


def test_answer_with_a_flipped_byte_is_not_believed(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform
) -> None:
    genuine = json.dumps(refund_state()).encode()
    headers = platform.signed(genuine)
    tampered = genuine.replace(b'"SUCCESS"', b'"SUCCESR"')
    server.respond = lambda _: Answer(headers=headers, body=tampered)

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "bad_signature"


def test_answer_signed_with_another_key_is_not_believed(
    channel: WeChatRefundChannel, server: LocalServer, strange_keys: KeyPair
) -> None:
    server.respond = lambda _: Platform(keys=strange_keys).answer(refund_state())

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "bad_signature"


@pytest.mark.parametrize("status", [200, 400, 403, 404, 429])
def test_unsigned_answer_is_not_believed(channel: WeChatRefundChannel, server: LocalServer, status: int) -> None:
    body = json.dumps({**refund_state(), "code": "NOT_ENOUGH", "message": ""}).encode()
    server.respond = lambda _: Answer(status=status, body=body)

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "bad_signature"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Wechatpay-Serial", "PUB_KEY_ID_9"),
        ("Wechatpay-Signature", "not base64!"),
        ("Wechatpay-Signature", ""),
        ("Wechatpay-Signature", "WECHATPAY/SIGNTEST/abc"),
        ("Wechatpay-Timestamp", "later"),
        ("Wechatpay-Timestamp", "-5"),
        ("Wechatpay-Timestamp", "9" * 5000),
        ("Wechatpay-Nonce", "another"),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
    ],
)
def test_answer_with_wrong_signature_headers_is_not_believed(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, header: str, value: str
) -> None:
    genuine = platform.answer(refund_state())
    server.respond = lambda _: replace(genuine, headers={**genuine.headers, header: value})

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "bad_signature"


@pytest.mark.parametrize(("off_s", "believed"), [(-301, False), (-299, True), (299, True), (301, False)])
def test_answer_signed_more_than_five_minutes_off_is_not_believed(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, off_s: int, believed: bool
) -> None:
    server.respond = lambda _: platform.at(NOW + timedelta(seconds=off_s)).answer(refund_state())

    assert isinstance(channel.refund(ORDER), Done) is believed


@pytest.mark.parametrize("said", ["商户号已被限制", "SYSTEM BUSY"])
def test_refusal_on_http_200_proves_nothing_and_its_words_are_shown(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, said: str
) -> None:
    server.respond = lambda _: platform.answer({"code": "INVALID_REQUEST", "message": said})

    for outcome in (channel.refund(ORDER), channel.query_refund(REFERENCE)):
        assert isinstance(outcome, Unknown)
        assert (outcome.code, outcome.accepted) == ("unreadable", False)
        assert said in outcome.message


def test_state_in_which_a_name_stands_twice_proves_nothing(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform
) -> None:
    twice = json.dumps(refund_state("PROCESSING")).replace('"status"', '"status": "SUCCESS", "status"').encode()
    server.respond = lambda _: platform.answer(twice)

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "unreadable"


@pytest.mark.parametrize("refund", [1199, 1201, "1200"])
def test_success_of_another_amount_than_asked_proves_nothing(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, refund: object
) -> None:
    server.respond = lambda _: platform.answer(
        refund_state(amount={"total": 26800, "refund": refund, "currency": "CNY"})
    )

    assert isinstance(channel.refund(ORDER), Unknown)


@pytest.mark.parametrize("minutes", [-480, 6])
@pytest.mark.parametrize("what", ["refund", "again", "query", "trade"])
def test_signature_that_is_not_taken_is_blamed_on_a_clock_that_is_off_whatever_is_asked(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, what: str, minutes: int
) -> None:
    there = format_datetime(NOW + timedelta(minutes=minutes))
    server.respond = lambda _: replace(
        answer := platform.answer({"code": "SIGN_ERROR", "message": "签名错误"}, status=401),
        headers={**answer.headers, "Date": there},
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
