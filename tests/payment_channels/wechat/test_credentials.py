"""What a channel account must bring, and that a mistake in it is named."""

from __future__ import annotations

import pytest

from payment_channels.contract import CredentialsInvalid, ProfileInvalid, RefundChannel
from payment_channels.profile import Profile
from payment_channels.wechat.adapter import build


def test_build_gives_a_refund_channel(stored_credentials: dict[str, str]) -> None:
    channel: RefundChannel = build(
        stored_credentials, Profile().over({"timeout_s": 8, "note": "not ours"}), "https://127.0.0.1:1"
    )

    assert channel.acknowledge().status == 204


@pytest.mark.parametrize(
    "name", ["mchid", "merchant_serial", "merchant_private_key", "api_v3_key", "public_key_id", "public_key"]
)
def test_build_when_a_credential_is_missing_names_it(stored_credentials: dict[str, str], name: str) -> None:
    with pytest.raises(CredentialsInvalid, match=f"^{name} "):
        build({**stored_credentials, name: ""}, Profile(), "https://127.0.0.1:1")


@pytest.mark.parametrize(
    ("name", "value"),
    [("api_v3_key", "too short"), ("merchant_private_key", "-----BEGIN NONSENSE-----"), ("public_key", "AAAA")],
)
def test_build_when_a_credential_is_unreadable_names_it(
    stored_credentials: dict[str, str], name: str, value: str
) -> None:
    with pytest.raises(CredentialsInvalid, match=f"^{name} ") as raised:
        build({**stored_credentials, name: value}, Profile(), "https://127.0.0.1:1")
    assert value not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout_s", 0),
        ("timeout_s", True),
        ("timeout_s", "8"),
        ("pool_size", 0),
        ("pool_size", 1.5),
        ("closed_number", "never"),
        ("void_cutoff", "25:00"),
        ("void_cutoff", 23),
        ("fee_returned", 1),
        ("funding", None),
    ],
)
def test_build_when_the_profile_is_wrong_names_the_field(
    stored_credentials: dict[str, str], name: str, value: object
) -> None:
    with pytest.raises(ProfileInvalid, match=f"^{name} "):
        build(stored_credentials, Profile().over({name: value}), "https://127.0.0.1:1")


@pytest.mark.parametrize("base_url", ["", "ftp://x", "https://", "https://x/?a=1"])
def test_build_when_the_address_is_none_is_an_error(stored_credentials: dict[str, str], base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        build(stored_credentials, Profile(), base_url)
