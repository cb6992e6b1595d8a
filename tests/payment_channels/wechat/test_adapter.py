"""Call backs from WeChat Pay."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from payment_channels.contract import Done, ForeignNotice, NoticeRejected, RawNotice, Refused, Retry, Unknown
from payment_channels.wechat.adapter import WeChatRefundChannel
from tests.payment_channels.conftest import KeyPair, of_refund
from tests.payment_channels.wechat.conftest import NOW, ORDER, MakeChannel, Platform, notice_content


def test_notice_of_success_is_done(channel: WeChatRefundChannel, platform: Platform) -> None:
    notice = of_refund(channel, platform.notice(notice_content()))

    assert (notice.event_id, notice.refund_no, notice.amount_fen) == ("EV-2026112200001", ORDER.refund_no, 1200)
    assert isinstance(notice.outcome, Done)
    assert notice.outcome.channel_refund_no == "50000000382026112200000000001"
    assert notice.outcome.succeeded_at == NOW + timedelta(seconds=1)


def test_notice_of_closing_is_refused(channel: WeChatRefundChannel, platform: Platform) -> None:
    outcome = of_refund(channel, platform.notice(notice_content("CLOSED"))).outcome

    assert isinstance(outcome, Refused)
    assert outcome.retry is Retry.NEW_NUMBER


def test_notice_of_abnormal_asks_for_attention(channel: WeChatRefundChannel, platform: Platform) -> None:
    outcome = of_refund(channel, platform.notice(notice_content("ABNORMAL"))).outcome

    assert isinstance(outcome, Unknown)
    assert (outcome.accepted, outcome.attention, outcome.remedy) == (True, True, "payee_account")


def test_notice_to_a_service_provider_names_the_merchant_too(make_channel: MakeChannel, platform: Platform) -> None:
    channel = make_channel(sub_mchid="1900000110")
    ours = {"mchid": None, "sp_mchid": "1900000109", "sub_mchid": "1900000110"}

    assert of_refund(channel, platform.notice(notice_content(**ours))).amount_fen == 1200
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(platform.notice(notice_content(**{**ours, "sub_mchid": "1900000111"})))
    assert rejected.value.code == "wrong_merchant"


def _with_header(notice: RawNotice, name: str, value: str) -> RawNotice:
    return replace(notice, headers={**notice.headers, name: value})


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("wechatpay-signature", "WECHATPAY/SIGNTEST/0JMtqVBHxL", "probe"),
        ("wechatpay-signature", "AAAA", "bad_signature"),
        ("wechatpay-signature", "", "unsigned"),
        ("wechatpay-serial", "PUB_KEY_ID_0", "wrong_serial"),
        ("wechatpay-serial", "7132D72A03E93CDDF8C03BBD1F37EEDF", "wrong_serial"),
        ("wechatpay-nonce", "x", "bad_signature"),
        ("wechatpay-timestamp", "1", "stale"),
        ("wechatpay-timestamp", "٣", "bad_signature"),
    ],
)
def test_notice_with_wrong_headers_is_rejected(
    channel: WeChatRefundChannel, platform: Platform, name: str, value: str, code: str
) -> None:
    notice = _with_header(platform.notice(notice_content()), name, value)

    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(notice)

    assert rejected.value.code == code


def test_notice_older_than_five_minutes_is_rejected(channel: WeChatRefundChannel, platform: Platform) -> None:
    notice = platform.notice(notice_content(), received_at=NOW + timedelta(seconds=301))

    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(notice)

    assert rejected.value.code == "stale"


def test_notice_with_any_flipped_byte_is_rejected(channel: WeChatRefundChannel, platform: Platform) -> None:
    notice = platform.notice(notice_content())
    for position in range(0, len(notice.body), 7):
        flipped = bytearray(notice.body)
        flipped[position] ^= 1
        with pytest.raises(NoticeRejected) as rejected:
            channel.read_notice(replace(notice, body=bytes(flipped)))
        assert rejected.value.code == "bad_signature"


def test_notice_signed_by_a_stranger_is_rejected(channel: WeChatRefundChannel, strange_keys: KeyPair) -> None:
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(Platform(keys=strange_keys).notice(notice_content()))

    assert rejected.value.code == "bad_signature"


def test_notice_encrypted_with_another_key_is_rejected(channel: WeChatRefundChannel, platform: Platform) -> None:
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(platform.notice(notice_content(), key="f" * 32))

    assert rejected.value.code == "unreadable"


def test_notice_for_another_merchant_is_rejected(channel: WeChatRefundChannel, platform: Platform) -> None:
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(platform.notice(notice_content(mchid="1900000999")))

    assert rejected.value.code == "wrong_merchant"


@pytest.mark.parametrize(
    ("event", "original"),
    [
        ("TRANSACTION.SUCCESS", "transaction"),
        ("COMPLAINT.CREATE", "complaint"),
        ("COUPON.USE", "coupon"),
        ("REFUND.SUCCESS", "transaction"),
    ],
)
def test_notice_about_something_else_is_foreign(
    channel: WeChatRefundChannel, platform: Platform, event: str, original: str
) -> None:
    envelope = json.loads(platform.notice(notice_content()).body)
    envelope["event_type"], envelope["resource"]["original_type"] = event, original
    body = json.dumps(envelope).encode()
    headers = {name.lower(): value for name, value in platform.signed(body).items()}

    assert channel.read_notice(RawNotice(headers=headers, body=body, received_at=NOW)) == ForeignNotice(about=event)
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(RawNotice(headers=headers, body=body + b" ", received_at=NOW))
    assert rejected.value.code == "bad_signature"


@pytest.mark.parametrize("resource", [None, {}, {"algorithm": "AEAD_SM4_GCM", "ciphertext": "x"}, "none"])
@pytest.mark.parametrize("event", ["VIOLATION.PUNISH", "MCHTRANSFER.BILL.FINISHED", "TRANSACTION.SUCCESS"])
def test_notice_about_something_else_is_foreign_whatever_it_carries(
    channel: WeChatRefundChannel, platform: Platform, event: str, resource: object
) -> None:
    body = json.dumps({"id": "EV-1", "event_type": event, "resource": resource}).encode()
    headers = {name.lower(): value for name, value in platform.signed(body).items()}

    assert channel.read_notice(RawNotice(headers=headers, body=body, received_at=NOW)) == ForeignNotice(about=event)


@pytest.mark.parametrize(
    "changes", [{"algorithm": "AEAD_SM4_GCM"}, {"associated_data": "transaction"}, {"ciphertext": "not base64"}]
)
def test_notice_of_a_refund_whose_resource_cannot_be_opened_is_rejected(
    channel: WeChatRefundChannel, platform: Platform, changes: dict[str, str]
) -> None:
    envelope = json.loads(platform.notice(notice_content()).body)
    envelope["resource"].update(changes)
    body = json.dumps(envelope).encode()
    headers = {name.lower(): value for name, value in platform.signed(body).items()}

    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(RawNotice(headers=headers, body=body, received_at=NOW))

    assert rejected.value.code == "unreadable"


@pytest.mark.parametrize(
    ("changes", "paid"),
    [
        ({"out_trade_no": "T7-2"}, (ORDER.channel_transaction_no, "T7-2", 26_800)),
        ({"trade_state": "REFUND"}, None),
        ({"mchid": "1900000999"}, None),
        ({"transaction_id": ""}, None),
        ({"amount": {"total": "26800"}}, None),
    ],
)
def test_notice_about_a_payment_says_what_was_paid_where_it_proves_it(
    channel: WeChatRefundChannel, platform: Platform, changes: dict[str, object], paid: tuple[str, str, int] | None
) -> None:
    envelope = json.loads(platform.notice(notice_content(**{"trade_state": "SUCCESS", **changes})).body)
    envelope["event_type"], envelope["resource"]["original_type"] = "TRANSACTION.SUCCESS", "transaction"
    body = json.dumps(envelope).encode()
    headers = {name.lower(): value for name, value in platform.signed(body).items()}

    read = channel.read_notice(RawNotice(headers=headers, body=body, received_at=NOW))

    assert read == ForeignNotice(about="TRANSACTION.SUCCESS", paid=paid)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"resource":{}}', b"[" * 50_000])
def test_signed_notice_that_cannot_be_read_is_rejected(
    channel: WeChatRefundChannel, platform: Platform, body: bytes
) -> None:
    headers = {name.lower(): value for name, value in platform.signed(body).items()}

    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(RawNotice(headers=headers, body=body, received_at=NOW))

    assert rejected.value.code == "unreadable"


@pytest.mark.parametrize(
    "changes",
    [
        {"refund_status": "PAID"},
        {"amount": {"refund": "1200"}},
        {"amount": None},
        {"success_time": "yesterday"},
        {"out_refund_no": 7},
    ],
)
def test_notice_with_unreadable_content_is_rejected(
    channel: WeChatRefundChannel, platform: Platform, changes: dict[str, object]
) -> None:
    with pytest.raises(NoticeRejected) as rejected:
        channel.read_notice(platform.notice(notice_content(**changes)))

    assert rejected.value.code == "unreadable"


def test_answers_to_notices(channel: WeChatRefundChannel) -> None:
    assert channel.acknowledge().status == 204
    declined = channel.decline('try "again"')
    assert declined.status == 400
    assert declined.body == b'{"code": "FAIL", "message": "try \\"again\\""}'
