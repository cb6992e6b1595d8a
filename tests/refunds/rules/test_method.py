"""Void or refund: by clearing day, amount and history."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from payment_channels.profile import Profile
from refunds.rules.method import choose_method, clearing_day

_SHANGHAI = ZoneInfo("Asia/Shanghai")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=_SHANGHAI)


@pytest.mark.parametrize(
    ("amount", "others", "paid", "now", "expected"),
    [
        (100, 0, "2026-11-22T10:00", "2026-11-22T22:59", ("void", "void_same_day")),
        (100, 0, "2026-11-22T10:00", "2026-11-22T23:00", ("refund", "other_day")),
        (100, 0, "2026-11-21T23:30", "2026-11-22T10:00", ("void", "void_same_day")),
        (99, 0, "2026-11-22T10:00", "2026-11-22T11:00", ("refund", "partial")),
        (100, 1, "2026-11-22T10:00", "2026-11-22T11:00", ("refund", "refunded_before")),
    ],
)
def test_choose_method(amount: int, others: int, paid: str, now: str, expected: tuple[str, str]) -> None:
    choice = choose_method(
        profile=Profile(voids=True),
        amount_fen=amount,
        paid_fen=100,
        other_refunds=others,
        paid_at=_at(paid),
        at=_at(now),
    )
    assert (choice.method, choice.reason) == expected


def test_channel_without_voids_refunds() -> None:
    now = _at("2026-11-22T10:00")
    choice = choose_method(profile=Profile(), amount_fen=1, paid_fen=1, other_refunds=0, paid_at=now, at=now)
    assert (choice.method, choice.reason) == ("refund", "no_voids")


def test_clearing_day_begins_at_the_cut_off() -> None:
    assert clearing_day(_at("2026-11-22T23:00"), time(23)).isoformat() == "2026-11-23"
    assert clearing_day(_at("2026-11-22T22:59:59"), time(23)).isoformat() == "2026-11-22"
