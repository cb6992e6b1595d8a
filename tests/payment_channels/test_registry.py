"""What is said of each channel, and that nothing is said of one that cannot do it."""

from __future__ import annotations

import pytest

from payment_channels.contract import AbnormalRefunds, CredentialsInvalid
from payment_channels.profile import Profile
from payment_channels.registry import CHANNELS
from refunds.states import BY_HAND


def test_registry_has_every_route_of_a_person_and_marks_no_other_as_one() -> None:
    assert {name for name, channel in CHANNELS.items() if channel.by_hand} == {str(route) for route in BY_HAND}


def test_registry_gives_each_channel_a_letter_of_its_own() -> None:
    letters = [channel.letter for channel in CHANNELS.values()]
    assert len(set(letters)) == len(letters)
    assert all(len(letter) == 1 for letter in letters)


def test_channel_when_a_person_pays_has_no_statements() -> None:
    assert not [
        name for name, channel in CHANNELS.items() if channel.by_hand and (channel.statements or channel.fund_flow)
    ]


@pytest.mark.parametrize("name", ["wechat", "alipay", "unionpay"])
def test_build_when_credentials_are_missing_names_the_field_and_no_value(name: str) -> None:
    with pytest.raises(CredentialsInvalid, match="is missing"):
        CHANNELS[name].build({}, Profile(), "https://channel.example")


def test_adapter_when_it_sends_elsewhere_is_of_a_channel_that_says_so() -> None:
    adapter = CHANNELS["cash"].build({}, Profile(), "")
    assert not isinstance(adapter, AbnormalRefunds)
    assert [name for name, channel in CHANNELS.items() if channel.other_account] == ["wechat"]
