"""Sending a stuck refund to another account."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1

from payment_channels.contract import (
    AbnormalRefundOrder,
    AbnormalRefunds,
    Done,
    PayeeKind,
    Refused,
    Retry,
    Unknown,
)
from payment_channels.wechat.adapter import WeChatRefundChannel
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import LocalServer
from tests.payment_channels.wechat.conftest import ORDER, PUBLIC_KEY_ID, Platform, refund_state

TO_CARD = AbnormalRefundOrder(
    refund_no=ORDER.refund_no,
    channel_refund_no="50000000382026112200000000001",
    amount_fen=1200,
    payee=PayeeKind.CUSTOMER_CARD,
    bank_type="ICBC_DEBIT",
    card_number="6222020200112233445",
    holder_name="张小雨",
)


def test_card_and_name_travel_encrypted(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, their_keys: KeyPair
) -> None:
    server.respond = lambda _: platform.answer(refund_state("PROCESSING"))

    assert isinstance(channel, AbnormalRefunds)
    outcome = channel.apply_abnormal_refund(TO_CARD)

    assert isinstance(outcome, Unknown)
    assert (outcome.accepted, outcome.attention) == (True, False)
    [asked] = server.asked
    assert asked.target == f"/v3/refund/domestic/refunds/{TO_CARD.channel_refund_no}/apply-abnormal-refund"
    assert asked.headers["wechatpay-serial"] == PUBLIC_KEY_ID
    body = json.loads(asked.body)
    padding = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 -- the vendor's choice
    opened = {
        name: their_keys.private.decrypt(base64.b64decode(body.pop(name)), padding).decode()
        for name in ("bank_account", "real_name")
    }
    assert opened == {"bank_account": TO_CARD.card_number, "real_name": TO_CARD.holder_name}
    assert body == {"out_refund_no": ORDER.refund_no, "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT"}


def test_to_the_merchants_own_account_needs_no_card(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(refund_state())

    outcome = channel.apply_abnormal_refund(
        replace(TO_CARD, payee=PayeeKind.MERCHANT_ACCOUNT, bank_type="", card_number="", holder_name="")
    )

    assert isinstance(outcome, Done)
    assert json.loads(server.asked[0].body) == {"out_refund_no": ORDER.refund_no, "type": "MERCHANT_BANK_CARD"}


def test_refusal_is_passed_on(channel: WeChatRefundChannel, server: LocalServer, platform: Platform) -> None:
    server.respond = lambda _: platform.answer({"code": "INVALID_REQUEST", "message": "状态不对"}, 400)

    outcome = channel.apply_abnormal_refund(TO_CARD)

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry) == ("INVALID_REQUEST", Retry.NEVER)


@pytest.mark.parametrize(
    "faulty",
    [
        replace(TO_CARD, channel_refund_no=""),
        replace(TO_CARD, bank_type=""),
        replace(TO_CARD, holder_name=""),
        replace(TO_CARD, card_number="6222 0202 0011 2233"),
        replace(TO_CARD, card_number=""),
    ],
)
def test_payee_that_cannot_be_sent_is_refused_unsent(
    channel: WeChatRefundChannel, server: LocalServer, faulty: AbnormalRefundOrder
) -> None:
    outcome = channel.apply_abnormal_refund(faulty)

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid_order"
    assert server.asked == []


def test_card_and_name_show_nowhere(
    channel: WeChatRefundChannel, server: LocalServer, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    server.respond = lambda _: platform.answer({"code": "PARAM_ERROR", "message": "x"}, 400)
    too_long_to_encrypt = replace(TO_CARD, holder_name="张" * 300)

    shown = [repr(TO_CARD), repr(channel.apply_abnormal_refund(TO_CARD))]
    shown.append(repr(channel.apply_abnormal_refund(too_long_to_encrypt)))

    text = "".join(shown) + caplog.text
    assert TO_CARD.card_number not in text
    assert "张" not in text
