"""Routes on which a person pays back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from payment_channels.contract import NoticeRejected, RawNotice, RefundChannel, RefundReference, Unknown
from payment_channels.manual import ROUTES, TROUBLES, ManualRefundChannel, build
from payment_channels.profile import Profile
from payment_channels.registry import CHANNELS
from payment_channels.remedies import remedy

REFERENCE = RefundReference(
    refund_no="R20261122000001", channel_transaction_no="", order_no="T1", amount_fen=1200, sent_at=None
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_registered(route: str) -> None:
    channel: RefundChannel = CHANNELS[route].build({}, Profile(), "")

    assert isinstance(channel, ManualRefundChannel)


def test_refund_rests_until_a_person_has_paid() -> None:
    outcome = build({}, Profile(), "").query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert (outcome.accepted, outcome.by_hand, outcome.remedy) == (True, True, "pay_by_hand")


def test_confirmation_is_a_proof_like_any_other() -> None:
    done = ManualRefundChannel().confirmed(reference=REFERENCE, voucher_no=" 0042 ", paid_at=NOW, by="li.na")

    assert (done.refund_no, done.channel_refund_no, done.amount_fen) == (REFERENCE.refund_no, "0042", 1200)
    assert done.succeeded_at == NOW


def test_confirmation_keeps_who_said_so_and_where_the_money_came_from() -> None:
    done = ManualRefundChannel().confirmed(
        reference=REFERENCE,
        voucher_no="7",
        paid_at=NOW,
        by="李娜",
        received_account="工商银行 **** 0123",
        drawer="POS-1",
    )

    assert json.loads(done.raw) == {
        "refund_no": REFERENCE.refund_no,
        "amount_fen": 1200,
        "number": "7",
        "paid_at": "2026-11-22T00:00:00+00:00",
        "drawer": "POS-1",
        "by": "李娜",
    }
    assert done.received_account == "工商银行 **** 0123"


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_could_not_be_paid_is_a_refusal_with_a_remedy(trouble: str) -> None:
    refused = ManualRefundChannel().given_up(reference=REFERENCE, trouble=trouble, note="退回", by="li.na")

    assert (refused.code, refused.retry, refused.message) == (trouble, TROUBLES[trouble], "退回")
    assert remedy(refused.remedy)


@pytest.mark.parametrize(("voucher_no", "paid_at"), [(" ", NOW), ("1", datetime(2026, 11, 22))])  # noqa: DTZ001
def test_confirmation_without_number_or_offset_is_an_error(voucher_no: str, paid_at: datetime) -> None:
    with pytest.raises(ValueError, match=r"voucher_no|paid_at"):
        ManualRefundChannel().confirmed(reference=REFERENCE, voucher_no=voucher_no, paid_at=paid_at, by="li.na")


def test_nobody_calls_back() -> None:
    with pytest.raises(NoticeRejected):
        ManualRefundChannel().read_notice(RawNotice(headers={}, body=b"", received_at=NOW))
