"""Call backs from Alipay."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_channels.alipay import signing
from payment_channels.alipay.adapter import AlipayRefundChannel
from payment_channels.contract import ForeignNotice, NoticeRejected, RefundNotice, Unknown
from payment_channels.parsing import Unreadable
from payment_channels.rsa_keys import SignatureInvalid
from tests.payment_channels.alipay.conftest import ORDER, Platform
from tests.payment_channels.conftest import KeyPair, make_key_pair, of_refund


@pytest.mark.parametrize("encoding", ["utf-8", "GBK"])
def test_notice_is_a_reason_to_ask_and_no_proof(
    channel: AlipayRefundChannel, platform: Platform, encoding: str
) -> None:
    notice = of_refund(channel, platform.notice(encoding=encoding))

    assert (notice.refund_no, notice.amount_fen) == (ORDER.refund_no, 0)
    assert notice.event_id == "2026112200222120001000000000000001"
    assert isinstance(notice.outcome, Unknown)
    assert notice.outcome.accepted


def _rejected(channel: AlipayRefundChannel, notice: object) -> str:
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(notice)  # type: ignore[arg-type]
    return rejected.value.code


def test_notice_with_any_flipped_byte_is_rejected(channel: AlipayRefundChannel, platform: Platform) -> None:
    notice = platform.notice()
    for position in range(0, len(notice.body), 5):
        flipped = bytearray(notice.body)
        flipped[position] ^= 1
        assert _rejected(channel, replace(notice, body=bytes(flipped))) in ("bad_signature", "unreadable", "unsigned")


def test_notice_signed_by_a_stranger_is_rejected(channel: AlipayRefundChannel, strange_keys: KeyPair) -> None:
    assert _rejected(channel, Platform(strange_keys).notice()) == "bad_signature"


def test_notice_for_another_application_is_rejected(channel: AlipayRefundChannel, platform: Platform) -> None:
    assert _rejected(channel, platform.notice(app_id="2021000000000002")) == "wrong_merchant"


@pytest.mark.parametrize("changes", [{"refund_fee": ""}, {"refund_fee": "0.00", "out_biz_no": ""}])
def test_notice_about_a_payment_is_foreign(
    channel: AlipayRefundChannel, platform: Platform, changes: dict[str, str]
) -> None:
    made = {"trade_no": "2026112722001", "out_trade_no": "T7-2", "total_amount": "268.00"}
    notice = platform.notice(**{**changes, **made})
    paid = ForeignNotice(about="trade_status_sync", paid=("2026112722001", "T7-2", 26_800))

    assert channel.read_notice(notice) == paid


@pytest.mark.parametrize("changes", [{"trade_status": "TRADE_CLOSED"}, {"total_amount": "x"}, {"trade_no": ""}])
def test_notice_about_a_payment_when_it_proves_none_says_nothing_of_one(
    channel: AlipayRefundChannel, platform: Platform, changes: dict[str, str]
) -> None:
    values = {"refund_fee": "", "trade_no": "2026112722001", "total_amount": "268.00", **changes}

    assert channel.read_notice(platform.notice(**values)) == ForeignNotice(about="trade_status_sync")


@pytest.mark.parametrize("status", ["TRADE_SUCCESS", "TRADE_CLOSED"])
def test_notice_of_a_refund_without_a_number_is_one_of_none_of_ours(
    channel: AlipayRefundChannel, platform: Platform, status: str
) -> None:
    """Made in the portal, in part or whole: the payment is to be asked about."""
    read = channel.read_notice(platform.notice(out_biz_no="", trade_status=status, refund_fee="268.00"))

    assert isinstance(read, RefundNotice)
    assert (read.refund_no, read.refunded_fen) == ("", 26_800)
    assert read.channel_transaction_no == ORDER.channel_transaction_no


def test_notice_about_a_complaint_is_foreign(channel: AlipayRefundChannel, platform: Platform) -> None:
    notice = platform.notice(msg_method="alipay.merchant.tradecomplain.changed", refund_fee="", out_biz_no="")

    assert channel.read_notice(notice) == ForeignNotice(about="alipay.merchant.tradecomplain.changed")


def test_notice_of_the_second_leg_is_a_reason_to_ask(channel: AlipayRefundChannel, platform: Platform) -> None:
    notice = platform.notice(
        msg_method="alipay.trade.refund.depositback.completed",
        biz_content=json.dumps({"out_request_no": ORDER.refund_no, "dback_status": "F", "dback_amount": "12.00"}),
        refund_fee="",
        out_biz_no="",
    )

    read = channel.read_notice(notice)

    assert isinstance(read, RefundNotice)
    assert (read.refund_no, read.outcome.code) == (ORDER.refund_no, "bank_notified")  # type: ignore[union-attr]


def test_notice_with_a_parameter_twice_is_rejected(channel: AlipayRefundChannel, platform: Platform) -> None:
    notice = platform.notice()

    assert _rejected(channel, replace(notice, body=notice.body + b"&app_id=1")) == "unreadable"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "unsigned"),
        (b"\xff\xfe", "unreadable"),
        (b"charset=klingon", "unreadable"),
        (b"sign=x&sign_type=RSA", "unsigned"),
        (b"sign=x&sign_type=RSA2", "bad_signature"),
        (b"a=1&" * 300, "unreadable"),
        (b"sign=x&sign_type=RSA2&name=%ff", "unreadable"),
    ],
)
def test_notice_that_is_none_is_rejected(
    channel: AlipayRefundChannel, platform: Platform, body: bytes, code: str
) -> None:
    assert _rejected(channel, replace(platform.notice(), body=body)) == code


def test_answers_to_notices(channel: AlipayRefundChannel) -> None:
    assert channel.acknowledge().body == b"success"
    assert channel.decline("later").body == b"fail"


_KEY = make_key_pair().private.public_key()


@given(st.binary(max_size=200) | st.text("abc=&%+;ſ\x00", max_size=60).map(str.encode))
def test_any_bytes_are_refused_and_nothing_else(body: bytes) -> None:
    with pytest.raises((Unreadable, SignatureInvalid)):
        signing.open_notice(lambda _: [_KEY], body)


@pytest.mark.parametrize("number", [{}, {"out_request_no": ""}])
def test_notice_of_the_second_leg_of_a_refund_without_a_number_is_none_of_ours(
    channel: AlipayRefundChannel, platform: Platform, number: dict[str, str]
) -> None:
    about = "alipay.trade.refund.depositback.completed"
    content = json.dumps({"trade_no": ORDER.channel_transaction_no, "dback_status": "S", **number})
    notice = platform.notice(msg_method=about, biz_content=content, refund_fee="", out_biz_no="")

    assert channel.read_notice(notice) == ForeignNotice(about=about)
