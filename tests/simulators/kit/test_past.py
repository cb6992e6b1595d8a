"""Refunds of the past that sample data tells the stand-ins of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.kit.testing import ControlError, RunningSimulator, running_simulator

PAST = {
    "order_no": "A1",
    "refund_no": "RF1N1",
    "channel_refund_no": "5030000000000000000000000001",
    "amount_fen": 400,
    "moved_at": "2026-09-01T12:00:00+08:00",
}


@pytest.fixture(params=["wechat", "alipay", "unionpay"])
def channel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningSimulator]:
    with running_simulator(request.param, tmp_path) as running:
        running.control("POST", "/payments", {"order_no": "A1", "transaction_no": "42", "amount_fen": 1000})
        yield running


def test_past_refund_is_in_the_ledger_and_counts_against_its_payment(channel: RunningSimulator) -> None:
    for _ in range(2):
        channel.control("POST", "/past", {"refunds": [PAST]})

    (row,) = channel.control("GET", "/ledger")["rows"]
    assert (row["refund_no"], row["amount_fen"], row["transaction_no"]) == ("RF1N1", 400, "42")
    assert row["moved_at"].startswith("2026-09-01T12:00:00")
    payment = channel.control("GET", "/payments?order_no=A1")
    assert (payment["refunded_fen"], payment["refund_count"]) == (400, 1)


@pytest.mark.parametrize(
    "change",
    [{"order_no": "A2"}, {"amount_fen": 1001}, {"amount_fen": 0}, {"moved_at": "yesterday"}, {"channel_refund_no": ""}],
)
def test_past_refund_that_makes_no_sense_is_refused_and_leaves_nothing(
    channel: RunningSimulator, change: dict[str, Any]
) -> None:
    with pytest.raises(ControlError):
        channel.control("POST", "/past", {"refunds": [PAST, {**PAST, **change}]})

    assert channel.control("GET", "/ledger")["rows"] == []
