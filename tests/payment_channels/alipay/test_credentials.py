"""An Alipay application's credentials as they are stored."""

from __future__ import annotations

import pytest

from payment_channels.alipay.credentials import Credentials
from payment_channels.contract import CredentialsInvalid
from tests.payment_channels.conftest import KeyPair


@pytest.fixture
def stored(our_keys: KeyPair, their_keys: KeyPair) -> dict[str, str]:
    return {
        "app_id": " 2021000000000001\n",
        "app_private_key": our_keys.private_pem,
        "alipay_public_key": their_keys.public_pem,
    }


def test_credentials_when_they_are_whole_are_read(stored: dict[str, str], their_keys: KeyPair) -> None:
    read = Credentials.parse(stored)
    assert (read.app_id, read.app_auth_token) == ("2021000000000001", "")
    assert read.keys_of("") == read.keys_of("any") == [their_keys.private.public_key()]
    assert (read.app_cert_sn, read.alipay_root_cert_sn) == ("", "")


@pytest.mark.parametrize("field", ["app_id", "app_private_key", "alipay_public_key"])
@pytest.mark.parametrize("value", ["", "  ", None])
def test_credentials_when_a_field_is_missing_names_it(stored: dict[str, str], field: str, value: str | None) -> None:
    del stored[field]
    with pytest.raises(CredentialsInvalid, match=f"{field} is missing"):
        Credentials.parse(stored if value is None else {**stored, field: value})


def test_credentials_when_a_key_is_in_the_others_place_names_the_field_and_not_the_key(stored: dict[str, str]) -> None:
    stored["app_private_key"] = stored["alipay_public_key"]
    with pytest.raises(CredentialsInvalid, match="app_private_key is not") as refused:
        Credentials.parse(stored)
    assert stored["alipay_public_key"] not in str(refused.value)
