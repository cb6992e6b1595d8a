"""Signing in, and what it costs to guess."""

from __future__ import annotations

import pytest

from core.guessing import TooManyGuesses
from merchants.sign_in import OF_ACCOUNT, account_of, cookie_suffix, sign_in
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db


def _try(password: str, *, username: str, device_token: str = "") -> object:
    return sign_in(username=username, password=password, address="192.0.2.7", device_token=device_token).staff


def test_right_password_signs_in_and_free_tries_end_in_a_wait() -> None:
    anna = make_staff(make_merchant(), "manager", password="a long password", username="anna-of-test")
    first = sign_in(username="Anna-of-test ", password="a long password", address="", device_token="")
    assert first.staff is None, "names count alike for tries, not for signing in"
    done = sign_in(username=anna.username, password="a long password", address="192.0.2.7", device_token="")
    assert done.staff == anna
    for _ in range(OF_ACCOUNT.free - 1):
        assert _try("wrong", username=anna.username) is None
    with pytest.raises(TooManyGuesses):
        _try("a long password", username=anna.username)
    # Their own browser is counted by itself.
    assert _try("a long password", username=anna.username, device_token=done.device_token) == anna


def test_unknown_name_is_counted_like_a_known_one() -> None:
    for _ in range(OF_ACCOUNT.free):
        assert _try("x", username="nobody-of-test") is None
    with pytest.raises(TooManyGuesses):
        _try("x", username="nobody-of-test")


def test_names_that_look_alike_are_one_account_and_no_cookie_tells_which() -> None:
    assert account_of(" Ａnna ") == "anna"
    assert cookie_suffix("Anna") == cookie_suffix("anna")
    assert "anna" not in cookie_suffix("anna")
