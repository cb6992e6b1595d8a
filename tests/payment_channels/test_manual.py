"""Routes on which a person pays back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from payment_channels.contract import NoticeRejected, RawNotice, RefundChannel, RefundReference, Unknown
from payment_channels.manual import ROUTES, ManualRefundChannel, build
from payment_channels.registry import CHANNELS

REFERENCE = RefundReference(
    refund_no="R20261122000001", channel_transaction_no="", order_no="T1", amount_fen=1200, sent_at=None
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_registered(route: str) -> None:
    channel: RefundChannel = CHANNELS[route]({}, {}, "")

    assert isinstance(channel, ManualRefundChannel)


def test_refund_rests_until_a_person_has_paid() -> None:
    outcome = build({}, {}, "").query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert (outcome.accepted, outcome.attention, outcome.remedy) == (True, True, "pay_by_hand")


def test_confirmation_is_a_proof_like_any_other() -> None:
    done = ManualRefundChannel().confirmed(reference=REFERENCE, voucher_no=" 0042 ", paid_at=NOW, by="li.na")

    assert (done.refund_no, done.channel_refund_no, done.amount_fen) == (REFERENCE.refund_no, "0042", 1200)
    assert done.succeeded_at == NOW


@pytest.mark.parametrize(("voucher_no", "paid_at"), [(" ", NOW), ("1", datetime(2026, 11, 22))])  # noqa: DTZ001
def test_confirmation_without_number_or_offset_is_an_error(voucher_no: str, paid_at: datetime) -> None:
    with pytest.raises(ValueError, match=r"voucher_no|paid_at"):
        ManualRefundChannel().confirmed(reference=REFERENCE, voucher_no=voucher_no, paid_at=paid_at, by="li.na")


def test_nobody_calls_back() -> None:
    with pytest.raises(NoticeRejected):
        ManualRefundChannel().read_notice(RawNotice(headers={}, body=b"", received_at=NOW))
