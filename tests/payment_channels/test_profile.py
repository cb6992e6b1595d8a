"""A channel account's profile: what is not named has its default, what is wrong is named."""

from __future__ import annotations

import pytest

from payment_channels.contract import ProfileInvalid, Retry
from payment_channels.profile import Profile
from payment_channels.registry import CHANNELS


def test_nothing_stored_is_the_vendors_common_contract() -> None:
    profile = CHANNELS["wechat"].profile.over({})
    assert (profile.window_days, profile.max_partials, profile.partial_spacing_s) == (365, 50, 60)
    assert profile.closed_number is Retry.NEW_NUMBER
    assert profile.max_per_second == 0


def test_entries_of_others_are_left_alone() -> None:
    assert Profile().over({"colour": "blue", "opens_at": "08:00"}) == Profile()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("timeout_s", 0),
        ("timeout_s", "8"),
        ("timeout_s", True),
        ("connect_timeout_s", 601),
        ("pool_size", 0),
        ("max_per_second", 4),
        ("max_per_second", -1),
        ("max_per_second", 1.5),
        ("window_days", -1),
        ("closed_number", "never"),
        ("void_cutoff", "25:00"),
        ("void_cutoff", 23),
        ("fee_returned", "yes"),
        ("file_url", None),
        ("voids", "yes"),
        ("fee_rate_bp", "60"),
        ("bill_basis", "guessed"),
        ("bill_ready_at", "soon"),
        ("arrival", {"debit_card": [1]}),
        ("partial_spacing_s", -1),
    ],
)
def test_wrong_entry_is_refused_by_name(name: str, wrong: object) -> None:
    with pytest.raises(ProfileInvalid) as refused:
        Profile().over({name: wrong})
    assert name in str(refused.value)


def test_pace_is_free_or_fast_enough_for_a_batch() -> None:
    assert [Profile().over({"max_per_second": pace}).max_per_second for pace in (0, 5, 150)] == [0, 5, 150]
