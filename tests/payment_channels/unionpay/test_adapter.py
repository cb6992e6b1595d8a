"""Call backs from UnionPay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_channels.contract import Done, ForeignNotice, NoticeRejected, RefundNotice, Refused, Unknown
from payment_channels.unionpay.adapter import UnionPayRefundChannel
from tests.payment_channels.conftest import KeyPair, of_refund
from tests.payment_channels.unionpay.conftest import ORDER, QUERY_ID, Authority, Platform


@pytest.mark.parametrize("txn_type", ["04", "31", "32"])
def test_notice_of_success_is_done(channel: UnionPayRefundChannel, platform: Platform, txn_type: str) -> None:
    notice = of_refund(channel, platform.notice(txnType=txn_type))

    assert (notice.refund_no, notice.amount_fen) == (ORDER.refund_no, 1200)
    assert isinstance(notice.outcome, Done)
    assert notice.outcome.channel_refund_no == QUERY_ID
    assert QUERY_ID in notice.event_id


def test_notice_of_failure_and_of_pending(channel: UnionPayRefundChannel, platform: Platform) -> None:
    assert isinstance(of_refund(channel, platform.notice(respCode="35")).outcome, Refused)
    pending = of_refund(channel, platform.notice(respCode="05")).outcome
    assert isinstance(pending, Unknown)
    assert pending.accepted


def _rejected(channel: UnionPayRefundChannel, notice: object) -> str:
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(notice)  # type: ignore[arg-type]
    return rejected.value.code


def test_notice_with_any_flipped_byte_is_rejected(channel: UnionPayRefundChannel, platform: Platform) -> None:
    notice = platform.notice()
    for position in range(0, len(notice.body), 29):
        flipped = bytearray(notice.body)
        flipped[position] ^= 1
        assert _rejected(channel, replace(notice, body=bytes(flipped))) in (
            "bad_signature", "bad_certificate", "unreadable", "unsigned",
        )  # fmt: skip


def test_notice_signed_by_a_merchant_is_rejected(
    channel: UnionPayRefundChannel, authority: Authority, strange_keys: KeyPair
) -> None:
    merchant = Platform(strange_keys, authority.certify(strange_keys.private, name="041@another merchant@x@y"))

    assert _rejected(channel, merchant.notice()) == "bad_certificate"


def test_notice_for_another_merchant_is_rejected(channel: UnionPayRefundChannel, platform: Platform) -> None:
    assert _rejected(channel, platform.notice(merId="777290058110049")) == "wrong_merchant"


def test_notice_about_a_purchase_is_foreign(channel: UnionPayRefundChannel, platform: Platform) -> None:
    made = {"txnType": "01", "queryId": "123456789012345678901", "orderId": "T7-2", "txnAmt": "26800"}
    notice = platform.notice(**made, respCode="00")
    refused = platform.notice(**made, respCode="61")

    assert channel.read_notice(notice) == ForeignNotice(
        about="txnType 01", paid=("123456789012345678901", "T7-2", 26_800)
    )
    assert channel.read_notice(refused) == ForeignNotice(about="txnType 01")


@pytest.mark.parametrize("changes", [{"txnAmt": "x"}, {"orderId": ""}, {"queryId": ""}, {"txnTime": "x"}])
def test_signed_notice_that_cannot_be_read_is_rejected(
    channel: UnionPayRefundChannel, platform: Platform, changes: dict[str, str]
) -> None:
    assert _rejected(channel, platform.notice(**changes)) == "unreadable"


@pytest.mark.parametrize(
    ("body", "code"), [(b"", "unreadable"), (b"\xff", "unreadable"), (b"a=1&a=1", "unreadable"), (b"a=1", "unsigned")]
)
def test_notice_that_is_none_is_rejected(
    channel: UnionPayRefundChannel, platform: Platform, body: bytes, code: str
) -> None:
    assert _rejected(channel, replace(platform.notice(), body=body)) == code


def test_answers_to_notices(channel: UnionPayRefundChannel) -> None:
    assert channel.acknowledge().status == 200
    assert channel.decline("later").status == 400


@pytest.mark.parametrize("encoding", ["GBK", "gb2312", "UTF-8"])
def test_notice_in_the_encoding_of_another_system_of_the_merchants_is_read(
    channel: UnionPayRefundChannel, platform: Platform, encoding: str
) -> None:
    refund = platform.notice(encoding=encoding)
    made = platform.notice(encoding=encoding, txnType="12", respMsg="成功")

    read = channel.read_notice(refund)
    assert isinstance(read, RefundNotice)
    assert isinstance(read.outcome, Done)
    assert channel.read_notice(made) == ForeignNotice(about="txnType 12")
    assert _rejected(channel, replace(made, body=made.body.replace(b"txnType=12", b"txnType=02"))) == "bad_signature"
    if encoding != "UTF-8":
        told_wrongly = made.body.replace(encoding.encode(), b"UTF-8")
        assert _rejected(channel, replace(made, body=told_wrongly)) in ("unreadable", "bad_signature")
